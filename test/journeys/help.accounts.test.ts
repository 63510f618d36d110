import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { MULTI_FACTOR } from '../../src/index.ts'
import { codeAt, type Host, type HostOptions } from '../support/host.ts'
import {
  codesOn,
  confirmed,
  has,
  INSIST,
  listen,
  RECOVER,
  REFRESHING,
  SAVE,
  started,
  TWO_KINDS,
  WITH_CODES,
} from './help.ts'
import { answerOf, CHALLENGE, ENROLL, LOGIN, open, type Person, useStage, visit } from './stage.ts'

const FLOOR: HostOptions = { stepUp: { policy: { default: 'always' } } }
const INVALID = { code: 'OAUTH_RESPONSE_BODY_ERROR', error: 'invalid_grant' }

/** Ends the browser's session, and nothing else that it keeps. */
const endSession = ({ browser }: Person) => {
  const kept = browser.cookies().filter(({ name }) => !name.startsWith('_'))
  browser.clear()
  browser.load(kept)
}

const idsOf = async ({ mfa }: Host) => (await mfa.accounts.list('bob')).authenticators.map(({ id }) => id)

describe('help: what an operator does', () => {
  const stage = useStage()

  /** Bob with an app and ten codes, signed out. */
  const bobWithCodes = async () => {
    const host = await stage.host(WITH_CODES)
    const bob = await stage.person(host)
    const { page } = await visit(bob, TWO_KINDS)
    assert.equal(page.heading, SAVE)
    const codes = codesOn(page)
    await bob.browser.post(page, { kept: 'yes' })
    bob.browser.clear()
    stage.clock.advance(60)
    return { host, bob, codes, told: listen(host) }
  }

  /** Answers with a recovery code where the challenge offers that, or asks nothing else. */
  const recover = async (bob: Person, code: string) => {
    const { page } = await bob.go(INSIST)
    const href = `${page.url.pathname}/recovery-codes`
    const entry = page.heading === RECOVER ? page : await bob.browser.get(href)
    assert.equal(entry.heading, RECOVER)
    return bob.browser.post(entry, { code })
  }

  it('remove: what it has proved counts no more, in the session that proved it', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { secret } = await confirmed(bob.browser, await started(host, bob.browser))
    await visit(bob, INSIST)
    assert.deepEqual((await visit(bob, INSIST)).seen, [])
    const told = listen(host)
    const [first = ''] = await idsOf(host)
    await host.mfa.accounts.remove('bob', first)
    assert.deepEqual(told(), ['authenticator.removed totp by operator'])
    assert.equal((await visit(bob, { ...INSIST, prompt: 'none' })).error, 'interaction_required')
    stage.clock.advance(60)
    const { page, redeem } = await open(bob, INSIST)
    assert.equal(page.heading, CHALLENGE)
    assert.equal((await bob.answer(page)).status, 422)
    bob.secret = secret
    assert.equal((await redeem((await bob.answer(page)).url)).acr, MULTI_FACTOR)
  })

  it('remove: an open challenge goes on with a recovery code, by which a new app is set up', async () => {
    const { host, bob, codes } = await bobWithCodes()
    const { page } = await bob.go(INSIST)
    assert.equal(page.heading, CHALLENGE)
    const [app = ''] = await idsOf(host)
    await host.mfa.accounts.remove('bob', app)
    const after = await bob.answer(page)
    assert.deepEqual([after.heading, after.status], [RECOVER, 200])
    assert.equal((await bob.go(INSIST)).page.heading, RECOVER)
    const enroll = await recover(bob, codes[5] ?? '')
    assert.equal(enroll.heading, ENROLL)
    assert.equal(answerOf(await bob.enroll(enroll)).code, 'a code')
    assert.deepEqual(await has(host), ['recovery-codes', 'totp'])
  })

  it('reset: takes all away, ends tokens, and the next sign-in sets up anew', async () => {
    const host = await stage.host(REFRESHING)
    const bob = await stage.enrolled(host)
    const { tokens } = await (await visit(bob, INSIST)).redeem()
    const refreshed = await client.refreshTokenGrant(bob.rp.config, tokens.refresh_token ?? '')
    const waiting = await visit(bob, INSIST)
    const told = listen(host)
    stage.clock.advance(1)
    await host.mfa.accounts.reset('bob')
    assert.deepEqual(told(), ['account.reset', 'grants.revoked'])
    assert.deepEqual(await has(host), [])
    await assert.rejects(client.refreshTokenGrant(bob.rp.config, refreshed.refresh_token ?? ''), INVALID)
    await assert.rejects(waiting.redeem(), INVALID)
    assert.equal((await visit(bob, { ...INSIST, prompt: 'none' })).error, 'login_required')
    stage.clock.advance(60)
    assert.deepEqual((await visit(bob, INSIST)).seen, [LOGIN, ENROLL])
  })

  it('newRecoveryCodes, list: the old codes open nothing, the new ones do, and no secret is listed', async () => {
    const { host, bob, codes, told } = await bobWithCodes()
    const fresh = await host.mfa.accounts.newRecoveryCodes('bob')
    assert.deepEqual(told(), [
      'authenticator.removed recovery-codes by replacement',
      'authenticator.enrolled recovery-codes by operator',
    ])
    assert.equal(new Set([...fresh, ...codes]).size, 20)
    assert.equal((await recover(bob, codes[1] ?? '')).status, 422)
    assert.equal((await recover(bob, fresh[1] ?? '')).heading, ENROLL)
    assert.deepEqual(told(), ['challenge.refused recovery-codes', 'challenge.accepted recovery-codes'])
    const overview = await host.mfa.accounts.list('bob')
    assert.deepEqual(
      overview.authenticators.map(({ factor, status, usesLeft }) => [factor, status, usesLeft]),
      [
        ['totp', 'active', undefined],
        ['recovery-codes', 'active', 9],
      ],
    )
    const text = JSON.stringify(overview)
    for (const secret of [bob.secret, ...fresh]) assert.equal(text.includes(secret), false)
  })

  it('forgetBrowsers: a browser that was not asked any more is asked again, in its session too', async () => {
    const host = await stage.host(FLOOR)
    const bob = await stage.enrolled(host)
    const { page } = await bob.go()
    assert.match(page.text, /name="remember"/)
    await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })
    endSession(bob)
    stage.clock.advance(60)
    assert.deepEqual((await visit(bob)).seen, [LOGIN])
    assert.equal((await host.mfa.accounts.list('bob')).browsers.length, 1)

    const told = listen(host)
    await host.mfa.accounts.forgetBrowsers('bob')
    assert.deepEqual(told(), ['browsers.forgotten'])
    assert.equal((await visit(bob, { prompt: 'none' })).error, 'interaction_required')
    assert.deepEqual((await visit(bob)).seen, [CHALLENGE])
    endSession(bob)
    stage.clock.advance(60)
    assert.deepEqual((await visit(bob)).seen, [LOGIN, CHALLENGE])
    assert.deepEqual((await host.mfa.accounts.list('bob')).browsers, [])
  })
})
