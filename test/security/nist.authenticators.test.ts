import assert from 'node:assert/strict'
import { type RecoveryCodesData, recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import type { AccountRecord } from '../../src/flow/account-record.ts'
import { codesOn, has, RECOVER, rewrite, SAVE } from '../journeys/help.ts'
import { answerOf, CHALLENGE, ENROLL, LOGIN, leave, type Person, useStage, visit } from '../journeys/stage.ts'
import type { Page } from '../support/browser.ts'
import { codeAt, type Host } from '../support/host.ts'
import { isAnswer } from '../support/relying-party.ts'
import { AAL2, insist, withNist } from './nist.ts'

const MONTH = 31 * 86_400
const TWO = insist(AAL2)
const ANEW = { ...TWO, prompt: 'login' }

/** A code that was this secret's in another decade. */
const wrong = (bob: Person, page: Page) => bob.answer(page, codeAt(bob.secret, 1_000_000))

/** The first seven recovery codes, as if they had been used. */
const useSeven = (record: AccountRecord): AccountRecord => ({
  ...record,
  authenticators: record.authenticators.map((one) => {
    if (one.factor !== 'recovery-codes') return one
    const { slots, ...data } = one.data as RecoveryCodesData
    return { ...one, data: { ...data, slots: slots.map((slot, index) => (index < 7 ? { ...slot, usedAt: 1 } : slot)) } }
  }),
})

describe('security: authenticators of NIST SP 800-63B-4', () => {
  const stage = useStage()

  /** Bob with an app, and with recovery codes unless he turned them down, signed out. */
  const bobAt = async ({ codes: wanted = true } = {}) => {
    const host = await stage.host(withNist({ factors: [totp({ issuer: 'Test' }), recoveryCodes()] }))
    const bob = await stage.person(host)
    const { page } = await visit(bob, TWO)
    assert.equal(page.heading, SAVE)
    const answer = wanted ? await bob.browser.post(page, { kept: 'yes' }) : await leave(bob, page, 'decline')
    assert.ok(isAnswer(answer))
    bob.browser.clear()
    stage.clock.advance(60)
    return { host, bob, codes: wanted ? codesOn(page) : [] }
  }

  /** The page after a recovery code, at a sign-in that has just asked for the app. */
  const recover = async (bob: Person, page: Page, code = '') => {
    const entry = page.heading === RECOVER ? page : await bob.browser.get(`${page.url.pathname}/recovery-codes`)
    assert.equal(entry.heading, RECOVER)
    return bob.browser.post(entry, { code })
  }

  const pauseOf = async ({ mfa }: Host) => {
    const [paused] = (await mfa.accounts.list('bob')).pausedFactors
    return paused === undefined ? 0 : Math.round(paused.pausedUntilAt - Date.now() / 1000)
  }

  it('NIST-3.2.2a, NIST-3.2.2b: a hundred wrong codes in a row, ever slower, switch the app off and nothing else', async () => {
    const { host, bob, codes } = await bobAt()
    const people = await Promise.all(Array.from({ length: 4 }, () => stage.person(host)))
    for (const each of people) each.secret = bob.secret
    const pauses: number[] = []
    const failOnce = async () => {
      const somebody = people[pauses.length % people.length] ?? bob
      const { page } = await somebody.go(TWO)
      assert.equal(page.heading, CHALLENGE)
      assert.ok((await wrong(somebody, page)).status >= 422)
      const pause = await pauseOf(host)
      pauses.push(pause)
      stage.clock.advance(pause + 1)
    }
    for (let count = 0; count < 14; count += 1) await failOnce()
    // Those in between are as the last one; AC-01 types them all.
    await rewrite(host, (record) => {
      assert.equal(record.failures.totp, 14)
      return { ...record, failures: { totp: 97 } }
    })
    for (let count = 0; count < 3; count += 1) await failOnce()
    const expected = [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, ...Array.from({ length: 6 }, () => 3600)]
    for (const [index, seconds] of expected.entries())
      assert.ok(Math.abs((pauses[index] ?? 0) - seconds) <= 3, `${index + 1}: ${pauses[index]} s`)

    const { disabledFactors } = await host.mfa.accounts.list('bob')
    assert.deepEqual(
      disabledFactors.map(({ factor }) => factor),
      ['totp'],
    )
    const { page } = await bob.go(TWO)
    assert.equal(page.heading, RECOVER, 'the app is not even offered')
    await bob.browser.post(page, { code: codeAt(bob.secret) }, `${page.url.pathname}/totp`)
    const opened = await recover(bob, page, codes[0])
    assert.equal(answerOf(opened).code, 'a code')
    assert.deepEqual(await has(host), ['totp', 'recovery-codes'], 'nor does it come back by itself')
  })

  it('NIST-3.2.2c: a success clears the count of what succeeded, and of nothing else', async () => {
    const { bob, codes } = await bobAt()
    const statusesOf = async (page: Page, times: number) => {
      const statuses = []
      for (let count = 0; count < times; count += 1) statuses.push((await wrong(bob, page)).status)
      return statuses
    }
    const { page } = await bob.go(ANEW)
    assert.deepEqual(await statusesOf(page, 4), [422, 422, 422, 422])
    assert.equal(answerOf(await bob.answer(page)).code, 'a code')
    stage.clock.advance(60)
    const { page: second } = await bob.go(ANEW)
    assert.deepEqual(await statusesOf(second, 4), [422, 422, 422, 422], 'the app began anew')
    const recovered = await recover(bob, second, codes[0])
    assert.ok(isAnswer(await leave(bob, recovered, 'decline')))
    const { page: third } = await bob.go(ANEW)
    await wrong(bob, third)
    assert.equal((await bob.answer(third)).status, 429, 'the recovery code changed nothing for the app')
  })

  it('NIST-4.1.2.1: the password alone binds nothing to an account that has an app, which has to be shown first', async () => {
    const { host, bob } = await bobAt({ codes: false })
    stage.clock.advance(MONTH)
    const { page } = await bob.go(TWO)
    assert.equal(page.heading, CHALLENGE)
    const base = page.url.pathname
    for (const path of ['/recovery-codes', '/choose', '/totp', '/enroll']) {
      const shown = await bob.browser.get(`${base}${path}`)
      assert.equal(codesOn(shown).length, 0, path)
      assert.doesNotMatch(shown.text, /secret=/, path)
    }
    await bob.browser.send(`${base}/recovery-codes`, { form: { csrf: page.csrf, kept: 'yes' }, follow: false })
    assert.deepEqual(await has(host), ['totp'])
    assert.equal((await bob.answer(page)).heading, SAVE)
  })

  it('NIST-4.2.1.1: recovery codes are 80 bits, open once each, are throttled, and are renewed before they run out', async () => {
    const { host, bob, codes } = await bobAt()
    for (const code of codes) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/)
    const { page: first } = await bob.go(ANEW)
    assert.ok(isAnswer(await leave(bob, await recover(bob, first, codes[7]), 'decline')))
    await rewrite(host, useSeven)
    const { page } = await bob.go(ANEW)
    const used = []
    for (const code of [codes[7] ?? '', 'x', 'x', 'x', codes[0] ?? ''])
      used.push((await recover(bob, page, code)).status)
    assert.deepEqual(used, [422, 422, 422, 422, 429])
    stage.clock.advance(60)
    const { seen, page: save } = await visit(bob, ANEW)
    assert.deepEqual(seen, [LOGIN, CHALLENGE, SAVE])
    await bob.browser.post(save, { kept: 'yes' })
    const { authenticators } = await host.mfa.accounts.list('bob')
    assert.equal(authenticators.find(({ factor }) => factor === 'recovery-codes')?.usesLeft, 10)
  })

  it('NIST-4.2.2.2: a recovery code allows one new app, and neither a second one nor new codes nor taking any away', async () => {
    const { host, bob, codes } = await bobAt()
    const { page } = await bob.go(ANEW)
    const offered = await recover(bob, page, codes[0])
    assert.equal(offered.heading, ENROLL)
    const base = offered.url.pathname
    for (const path of ['/recovery-codes', '/choose', '/remove', '/settings'])
      assert.equal(codesOn(await bob.browser.get(`${base}${path}`)).length, 0, path)
    await bob.browser.send(`${base}/recovery-codes`, { form: { csrf: offered.csrf, kept: 'yes' }, follow: false })
    assert.deepEqual(await has(host), ['totp', 'recovery-codes'])

    const second = bob.browser.clone()
    const { page: other } = await bob.go({ ...TWO, prompt: 'login' })
    const answer = await bob.enroll(offered)
    assert.deepEqual(await has(host), ['totp', 'recovery-codes', 'totp'])
    assert.ok(isAnswer(answer), answer.heading)
    await second.post(offered, { code: codeAt(bob.secret) })
    assert.equal((await bob.browser.get(other.url)).heading, CHALLENGE)
    assert.deepEqual(await has(host), ['totp', 'recovery-codes', 'totp'])
    const { authenticators } = await host.mfa.accounts.list('bob')
    assert.equal(authenticators.find(({ factor }) => factor === 'recovery-codes')?.usesLeft, 9)
  })

  it('NIST-4.2.2.2: without the password a recovery code opens nothing', async () => {
    const { bob, host } = await bobAt({ codes: false })
    const { page } = await bob.go(ANEW)
    const stranger = host.browser()
    for (const path of [page.url.pathname, `${page.url.pathname}/recovery-codes`])
      assert.equal((await stranger.get(path)).status, 400)
  })
})
