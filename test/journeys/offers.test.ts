import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { type EmailOptions, email } from '../../src/factors/email.ts'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT_HARDWARE, type StepUpOptions } from '../../src/index.ts'
import type { Browser, Page } from '../support/browser.ts'
import type { HostOptions } from '../support/host.ts'
import { ADD_KEY, keyFor, useKey } from '../support/keyring.ts'
import { enterWith, passkeyDoor } from '../support/passkey-door.ts'
import { isAnswer } from '../support/relying-party.ts'
import { codesOn, has, SAVE, TWO_KINDS } from './help.ts'
import { CHALLENGE, ENROLL, LOGIN, leave, offers, open, type Person, useStage, visit } from './stage.ts'

const DAY = 86_400
/** What the page of a key is called where it is offered. */
const OFFER = 'Use this device next time'

const factors = [webauthn({ relyingPartyName: 'Test' }), totp({ issuer: 'Test' })]
const offering = (more: Partial<StepUpOptions> = {}): HostOptions => ({ stepUp: { factors, offers: true, ...more } })

/** An account that has an app, made where nothing is offered: by the list of ways, or at once. */
const setApp = async (person: Person, parameters = TWO_KINDS) => {
  let { page } = await person.go(parameters)
  if (page.heading !== ENROLL) page = await person.browser.get(linkTo(page, 'totp'))
  assert.equal(page.heading, ENROLL)
  return person.enroll(page)
}

const linkTo = ({ targets }: Page, factor: string) => targets.find((target) => target.endsWith(`/${factor}`)) ?? ''

/** Presses the button that keeps an offer away from this browser. */
const never = (browser: Browser, page: Page) => {
  const form = load(page.text)('input[name=here]').closest('form')
  return browser.post(page, { here: 'no' }, form.attr('action'))
}

describe('offers', () => {
  const stage = useStage()

  /** Bob with an app, a month after it was set up, at a browser that was never here. */
  const bobWithApp = async (options = offering()) => {
    const host = await stage.host(options)
    const bob = await stage.person(host)
    const first = await setApp(bob)
    if (!isAnswer(first)) assert.ok(isAnswer(await leave(bob, first, 'decline')))
    bob.browser.clear()
    stage.clock.advance(31 * DAY)
    return { host, bob }
  }

  it('come after a sign-in with something weaker, are taken, and change nothing about this sign-in', async () => {
    const { host, bob } = await bobWithApp()
    const { seen, page } = await visit(bob, TWO_KINDS)
    assert.deepEqual(seen, [LOGIN, CHALLENGE, OFFER])
    assert.ok(offers(page, 'decline') && !offers(page, 'cancel'))
    const soft = keyFor(host)
    const end = await useKey(bob.browser, page, soft)
    assert.ok(isAnswer(end), end.heading)
    assert.deepEqual(await has(host), ['totp', 'webauthn'])
    const silent = await bob.go({ prompt: 'none' })
    assert.equal((await silent.redeem(silent.page.url)).acr, PHISHING_RESISTANT_HARDWARE)
  })

  it('a new one counts in no decision of the sign-in it was made in', async () => {
    const { host, bob } = await bobWithApp()
    const { page: asked, redeem } = await bob.go(TWO_KINDS)
    const page = await bob.answer(asked)
    assert.equal(page.heading, OFFER)
    const { acr, amr } = await redeem((await useKey(bob.browser, page, keyFor(host))).url)
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
  })

  for (const [what, away] of [
    ['turned down', async (bob, page) => void assert.ok(isAnswer(await leave(bob, page, 'decline')))],
    ['only looked at', async () => undefined],
  ] as readonly (readonly [string, (bob: Person, page: Page) => Promise<unknown>])[])
    it(`come once in thirty days, also where they were ${what}`, async () => {
      const { bob } = await bobWithApp()
      const { page } = await visit(bob, TWO_KINDS)
      assert.equal(page.heading, OFFER)
      await away(bob, page)
      for (const days of [1, 28]) {
        bob.browser.clear()
        stage.clock.advance(days * DAY)
        assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE])
      }
      bob.browser.clear()
      stage.clock.advance(2 * DAY)
      assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE, OFFER])
    })

  it('can be reloaded, left open, and still be taken', async () => {
    const { host, bob } = await bobWithApp()
    const { page } = await visit(bob, TWO_KINDS)
    const again = await bob.browser.get(page.url)
    assert.equal(again.heading, OFFER)
    stage.clock.advance(120)
    assert.ok(isAnswer(await useKey(bob.browser, again, keyFor(host))))
    assert.deepEqual(await has(host), ['totp', 'webauthn'])
  })

  it('stay away from a browser that is told so, for a year, and from no other', async () => {
    const { bob } = await bobWithApp(offering({ offers: { everySeconds: DAY } }))
    const { page } = await visit(bob, TWO_KINDS)
    assert.ok(isAnswer(await never(bob.browser, page)))
    const cookie = bob.browser.cookies().find(({ name }) => name.includes('not-here'))
    assert.equal(cookie?.value, 'webauthn')
    assert.ok(Math.abs((cookie?.expiresAt ?? 0) - (Date.now() + 365 * DAY * 1000)) < 60_000)
    const keepOnly = () => {
      bob.browser.clear()
      bob.browser.load(cookie === undefined ? [] : [cookie])
    }
    keepOnly()
    stage.clock.advance(2 * DAY)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE])
    bob.browser.clear()
    stage.clock.advance(60)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE, OFFER])
  })

  it('come where that cookie says something else, whatever it is', async () => {
    const { bob } = await bobWithApp(offering({ offers: { everySeconds: 1 } }))
    for (const value of ['', '...', `${'x.'.repeat(200)}webauthn`, '../..', 'WEBAUTHN', 'totp']) {
      bob.browser.clear()
      bob.browser.load([{ name: 'step-up-not-here', value, path: '/', expiresAt: Number.POSITIVE_INFINITY }])
      stage.clock.advance(60)
      assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE, OFFER], value)
    }
  })

  it('are off by default', async () => {
    const { bob } = await bobWithApp({ stepUp: { factors } })
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE])
  })

  it('never come under prompt=none, nor where the second way was shown in another sign-in', async () => {
    const { bob } = await bobWithApp(offering({ offers: { everySeconds: 1 } }))
    const { page } = await visit(bob, TWO_KINDS)
    assert.equal(page.heading, OFFER)
    assert.ok(isAnswer(await leave(bob, page, 'decline')))
    stage.clock.advance(60)
    const silent = await bob.go({ ...TWO_KINDS, prompt: 'none' })
    assert.equal((await silent.redeem(silent.page.url)).acr, MULTI_FACTOR)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [])
  })

  it('AC-30: not on the password alone, where the account has something', async () => {
    const { host, bob } = await bobWithApp()
    const { seen, page } = await visit(bob)
    assert.deepEqual([seen, isAnswer(page)], [[LOGIN], true])
    const asked = await open(bob, { ...TWO_KINDS, prompt: 'login' })
    const challenge = await bob.browser.send(asked.page.action, { form: { login: 'bob' } })
    assert.equal(challenge.heading, CHALLENGE)
    const base = challenge.action.replace(/\/[^/]*$/, '')
    for (const answer of [
      await bob.browser.get(`${base}/webauthn`),
      await bob.browser.post(challenge, { response: '{}' }, `${base}/webauthn`),
      await bob.browser.post(challenge, { here: 'no' }, `${base}/decline`),
    ])
      assert.notEqual(answer.heading, OFFER)
    assert.deepEqual(await has(host), ['totp'])
  })

  it('AC-30: nor at the page of another sign-in, whose own was not confirmed', async () => {
    const { host, bob } = await bobWithApp()
    const soft = keyFor(host)
    const { page: offer } = await visit(bob, TWO_KINDS)
    assert.equal(offer.heading, OFFER)
    const other = await stage.person(host)
    other.secret = bob.secret
    const { page } = await other.go(TWO_KINDS)
    const base = page.action.replace(/\/[^/]*$/, '')
    const response = JSON.stringify(soft.create(JSON.parse(load(offer.text)('form.main').attr('data-options') ?? '')))
    const stolen = await other.browser.post(page, { response, kind: '', nickname: '' }, `${base}/webauthn`)
    assert.ok(!isAnswer(stolen))
    const foreign = await other.browser.post(offer, { response, kind: '', nickname: '' })
    assert.ok(foreign.status >= 400)
    assert.deepEqual(await has(host), ['totp'])
  })

  it('come to who has nothing on the password alone, and can be turned down', async () => {
    const host = await stage.host(offering())
    const carol = await stage.person(host, 'carol')
    const { page, redeem } = await carol.go()
    assert.equal(page.heading, 'Make signing in safer')
    const answer = await leave(carol, page, 'decline')
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd'])
    carol.browser.clear()
    stage.clock.advance(DAY)
    assert.ok(isAnswer((await carol.go()).page))
    carol.browser.clear()
    stage.clock.advance(30 * DAY)
    const { page: again } = await carol.go()
    const key = await carol.browser.get(linkTo(again, 'webauthn'))
    assert.ok(isAnswer(await useKey(carol.browser, key, keyFor(host))))
    assert.deepEqual(await has(host, 'carol'), ['webauthn'])
  })

  it('AC-31: come to nobody who needs a ticket for the first', async () => {
    const host = await stage.host(offering({ enrollment: 'ticket' }))
    const carol = await stage.person(host, 'carol')
    assert.ok(isAnswer((await carol.go()).page))
  })

  it('AC-31: come to nobody whose address is to be asked first', async () => {
    const sent: OutgoingMessage[] = []
    const sender: EmailOptions['sender'] = async (message) => void sent.push(message)
    const host = await stage.host(offering({ factors: [...factors, email({ sender })] }))
    host.accounts.set('erin', { id: 'erin', label: 'erin', email: 'erin@example.com', emailVerified: true })
    const erin = await stage.person(host, 'erin')
    assert.ok(isAnswer((await erin.go()).page))
    assert.deepEqual(sent, [])
  })

  it('bring recovery codes first, and one thing at a time', async () => {
    const host = await stage.host(offering({ factors: [...factors, recoveryCodes()] }))
    const bob = await stage.person(host)
    const codes = await setApp(bob)
    assert.equal(codes.heading, SAVE)
    assert.equal(codesOn(codes).length, 10)
    const next = await bob.browser.post(codes, { kept: 'yes' })
    assert.ok(isAnswer(next) || next.heading === OFFER, `${next.status} ${next.text}`)
    bob.browser.clear()
    stage.clock.advance(31 * DAY)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, CHALLENGE, OFFER])
  })

  it('follow a sign-in by a passkey alone as well', async () => {
    const { options } = passkeyDoor({ stepUp: { factors: [...factors, recoveryCodes()] } })
    const host = await stage.host(options)
    const bob = await stage.person(host)
    const soft = keyFor(host)
    let { page } = await bob.go(TWO_KINDS)
    if (page.heading !== ADD_KEY) page = await bob.browser.get(linkTo(page, 'webauthn'))
    const codes = await useKey(bob.browser, page, soft)
    assert.equal(codes.heading, SAVE)
    bob.browser.clear()
    stage.clock.advance(60)
    const door = await open(bob)
    const offered = await enterWith(bob.browser, door.page, soft)
    assert.equal(offered.heading, SAVE)
    assert.ok(isAnswer(await bob.browser.post(offered, { kept: 'yes' })))
  })
})
