import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import { codeAt, type HostOptions } from '../support/host.ts'
import { isAnswer, secretOn } from '../support/relying-party.ts'
import { rewrite } from './help.ts'
import { CHALLENGE, ENROLL, LOGIN, leave, offers, open, type Person, useStage, visit } from './stage.ts'

const SAVE = 'Save your recovery codes'
const RECOVER = 'Enter one of your recovery codes'
const WITH_CODES: HostOptions = { stepUp: { factors: [totp({ issuer: 'Test' }), recoveryCodes()] } }
const TWO_KINDS = { acr_values: MULTI_FACTOR }

/** The codes that a page shows. */
const codesOn = ({ text }: Page) =>
  load(text)('#codes li')
    .map((_index, item) => load(item).text().trim())
    .get()

const kept = (person: Person, page: Page) => person.browser.post(page, { kept: 'yes' })

describe('recovery codes', () => {
  const stage = useStage()

  /** Bob with a phone and ten codes, signed out. */
  const bobWithCodes = async () => {
    const host = await stage.host(WITH_CODES)
    const bob = await stage.person(host)
    const { seen, page } = await visit(bob, TWO_KINDS)
    assert.deepEqual(seen, [LOGIN, ENROLL, SAVE])
    const codes = codesOn(page)
    const answer = await kept(bob, page)
    assert.ok(isAnswer(answer), answer.heading)
    bob.browser.clear()
    stage.clock.advance(60)
    return { host, bob, codes }
  }

  /** Signs in with a recovery code, up to the page after it. */
  const recover = async (bob: Person, code: string) => {
    const { page, redeem } = await open(bob, TWO_KINDS)
    const challenge = await bob.browser.send(page.action, { form: { login: 'bob' } })
    assert.equal(challenge.heading, CHALLENGE)
    const list = await bob.browser.get(challenge.targets.find((target) => target.endsWith('/choose')) ?? '')
    const entry = await bob.browser.get(list.targets.find((target) => target.endsWith('/recovery-codes')) ?? '')
    assert.equal(entry.heading, RECOVER)
    return { page: await bob.browser.post(entry, { code }), redeem }
  }

  it('come after the first set-up, once, and a sign-in after it asks for none', async () => {
    const { bob, codes } = await bobWithCodes()
    assert.equal(new Set(codes).size, 10)
    const { seen, error } = await visit(bob, TWO_KINDS)
    assert.deepEqual([seen, error], [[LOGIN, CHALLENGE], undefined])
  })

  it('are not kept before the box is ticked, and can be turned down for a while', async () => {
    const host = await stage.host(WITH_CODES)
    const bob = await stage.person(host)
    const { page } = await visit(bob, TWO_KINDS)
    const unticked = await bob.browser.post(page)
    assert.equal(unticked.heading, SAVE)
    assert.deepEqual(codesOn(unticked), codesOn(page))
    assert.match(unticked.text, /Save the codes, then tick this box/)
    assert.ok(!offers(unticked, 'cancel'))
    assert.ok(isAnswer(await leave(bob, unticked, 'decline')))
    bob.browser.clear()
    stage.clock.advance(60)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE])
    bob.browser.clear()
    stage.clock.advance(31 * 86_400)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE, SAVE])
  })

  it('bring bob back who lost his phone, with a new one set up on the way', async () => {
    const { bob, codes, host } = await bobWithCodes()
    const { page, redeem } = await recover(bob, codes[3] ?? '')
    assert.equal(page.heading, ENROLL)
    assert.match(page.text, /You came in with a recovery code/)
    assert.ok(offers(page, 'decline') && !offers(page, 'cancel'))
    const secret = secretOn(page)
    const answer = await bob.browser.post(page, { code: codeAt(secret) })
    assert.ok(isAnswer(answer), answer.heading)
    const { acr, amr } = await redeem(answer.url)
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'recovery-code', 'mfa']])

    const { authenticators } = await host.mfa.accounts.list('bob')
    assert.deepEqual(
      authenticators.map(({ factor, usesLeft }) => [factor, usesLeft]),
      [
        ['totp', undefined],
        ['recovery-codes', 9],
        ['totp', undefined],
      ],
    )
    bob.browser.clear()
    bob.secret = secret
    stage.clock.advance(60)
    const { seen, error } = await visit(bob, TWO_KINDS)
    assert.deepEqual([seen, error], [[LOGIN, CHALLENGE], undefined])
  })

  it('AC-12: open the account once, also where the new set-up is turned down', async () => {
    const { bob, codes } = await bobWithCodes()
    const { page } = await recover(bob, codes[0] ?? '')
    assert.ok(isAnswer(await leave(bob, page, 'decline')))
    bob.browser.clear()
    stage.clock.advance(60)
    const { page: again } = await recover(bob, codes[0] ?? '')
    assert.deepEqual([again.heading, again.status], [RECOVER, 422])
  })

  it('warn when fewer than three are left, and are made anew after the next sign-in without one', async () => {
    const { host, bob, codes } = await bobWithCodes()
    await rewrite(host, (record) => ({
      ...record,
      authenticators: record.authenticators.map((one) => {
        const { slots = [], ...data } = one.data as { slots?: readonly object[] }
        return one.factor === 'totp'
          ? one
          : {
              ...one,
              data: { ...data, slots: slots.map((slot, index) => (index < 7 ? { ...slot, usedAt: 1 } : slot)) },
            }
      }),
    }))
    const { page } = await recover(bob, codes[7] ?? '')
    assert.match(page.text, /2 recovery codes are left/)
    assert.ok(isAnswer(await leave(bob, page, 'decline')))
    bob.browser.clear()
    stage.clock.advance(60)
    const { seen, page: offer } = await visit(bob, TWO_KINDS)
    assert.deepEqual(seen, [LOGIN, CHALLENGE, SAVE])
    assert.match(offer.text, /2 of your earlier recovery codes are left\. These replace them\./)
    assert.ok(isAnswer(await kept(bob, offer)))
    bob.browser.clear()
    stage.clock.advance(60)
    assert.equal((await recover(bob, codes[9] ?? '')).page.status, 422, 'the old ones are gone')
    bob.browser.clear()
    assert.equal((await recover(bob, codesOn(offer)[0] ?? '')).page.heading, ENROLL)
  })
})
