import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { email } from '../../src/factors/email.ts'
import type { OutgoingMessage, Sender } from '../../src/factors/factor.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { sms } from '../../src/factors/sms.ts'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE, stepUp } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import type { Host } from '../support/host.ts'
import { ADD_KEY, keyFor, optionsOn, USE_KEY, useKey } from '../support/keyring.ts'
import { errorOf, isAnswer } from '../support/relying-party.ts'
import { codesOn, paste, SAVE, TWO_KINDS } from './help.ts'
import { acrClaim, CHALLENGE, ENROLL, leave, offers, type Person, UNREACHABLE, useStage } from './stage.ts'

const MAIL = 'Enter the code from your email'
const TEXT = 'Enter the code from the text message'
const CHOOSE = 'Choose how to confirm it is you'
const ERIN = { id: 'erin', label: 'erin', email: 'erin@example.com', emailVerified: true }
const NUMBER = '+4915112345678'

const essential = (value: string) => ({ claims: acrClaim({ essential: true, value }) })
const linkTo = ({ targets }: Page, end: string) => targets.find((target) => target.endsWith(`/${end}`)) ?? ''

/** The ways that a list shows: factor, with its masked names. */
const waysOn = ({ text }: Page) => {
  const $ = load(text)
  return $('ul.options a')
    .map((_index, link) => [[($(link).attr('href') ?? '').replace(/^.*\//, ''), $(link).find('bdi').text()]])
    .get()
}

describe('choosing', () => {
  const stage = useStage()

  /** A host with every way there is; erin has a verified address. */
  const withAll = async () => {
    const sent: OutgoingMessage[] = []
    const sender: Sender = async (message) => void sent.push(message)
    const factors = [
      recoveryCodes(),
      email({ sender }),
      sms({ sender, countries: ['DE'] }),
      totp({ issuer: 'Test' }),
      webauthn({ relyingPartyName: 'Test' }),
    ]
    const host = await stage.host({ stepUp: { factors } })
    host.accounts.set('erin', ERIN)
    const code = () => /\b\d{6}\b/.exec(sent.at(-1)?.text ?? '')?.[0] ?? ''
    return { host, sent, code }
  }
  type All = Awaited<ReturnType<typeof withAll>>

  /** Erin, signed out, with an app and ten codes, and what else she is given by ticket. */
  const erinWith = async ({ host, code }: All, ...more: readonly ('sms' | 'webauthn')[]) => {
    const erin = await stage.person(host, 'erin')
    const { page } = await erin.go(TWO_KINDS)
    assert.equal(page.heading, MAIL)
    const list = await erin.browser.post(page, { code: code() })
    const codes = await erin.enroll(await erin.browser.get(linkTo(list, 'totp')))
    assert.equal(codes.heading, SAVE)
    const kept = codesOn(codes)
    assert.ok(isAnswer(await erin.browser.post(codes, { kept: 'yes' })))
    for (const factor of more) await add(host, erin, factor, code)
    erin.browser.clear()
    stage.clock.advance(3600)
    return { erin, kept }
  }
  const add = async (host: Host, { browser }: Person, factor: 'sms' | 'webauthn', code: () => string) => {
    const page = await paste(browser, (await host.mfa.accounts.issueTicket('erin', { factors: [factor] })).url)
    if (factor === 'webauthn') return useKey(browser, page, keyFor(host))
    const asked = await browser.post(page, { country: 'DE', number: NUMBER })
    return browser.post(asked, { code: code() })
  }

  it('shows the strongest first, and the list after the login with masked names, the weakest last', async () => {
    const all = await withAll()
    const { erin } = await erinWith(all, 'sms', 'webauthn')
    const { page } = await erin.go(TWO_KINDS)
    assert.equal(page.heading, USE_KEY)
    const list = await erin.browser.get(linkTo(page, 'choose'))
    assert.equal(list.heading, CHOOSE)
    const ways = waysOn(list)
    assert.deepEqual(
      ways.map(([id]) => id),
      ['webauthn', 'totp', 'sms', 'email', 'recovery-codes'],
    )
    const names = Object.fromEntries(ways)
    assert.match(names.sms ?? '', /•+/)
    assert.match(names.email ?? '', /^e•••@e•••\.com$/)
    for (const secret of [NUMBER, '1511234', 'erin@example.com']) assert.ok(!list.text.includes(secret), secret)
  })

  it('shows the way that was used last first, from then on', async () => {
    const all = await withAll()
    const { erin } = await erinWith(all, 'sms')
    const { page } = await erin.go(TWO_KINDS)
    assert.equal(page.heading, TEXT)
    const list = await erin.browser.get(linkTo(page, 'choose'))
    assert.deepEqual(
      waysOn(list).map(([id]) => id),
      ['sms', 'totp', 'email', 'recovery-codes'],
    )
    assert.ok(isAnswer(await erin.answer(await erin.browser.get(linkTo(list, 'totp')))))
    erin.browser.clear()
    stage.clock.advance(3600)
    assert.equal((await erin.go(TWO_KINDS)).page.heading, CHALLENGE)
  })

  for (const way of ['email', 'recovery-codes'] as const)
    it(`never shows ${way} first, though it was used last`, async () => {
      const all = await withAll()
      const { erin, kept } = await erinWith(all)
      const { page } = await erin.go(TWO_KINDS)
      const asked = await erin.browser.get(linkTo(await erin.browser.get(linkTo(page, 'choose')), way))
      const end = await erin.browser.post(asked, { code: way === 'email' ? all.code() : (kept[0] ?? '') })
      if (!isAnswer(end)) assert.ok(isAnswer(await leave(erin, end, 'decline')), end.heading)
      erin.browser.clear()
      stage.clock.advance(3600)
      assert.equal((await erin.go(TWO_KINDS)).page.heading, CHALLENGE)
    })

  it('sends nothing before its page is opened', async () => {
    const all = await withAll()
    const { erin } = await erinWith(all)
    const before = all.sent.length
    const { page } = await erin.go(TWO_KINDS)
    await erin.browser.get(linkTo(page, 'choose'))
    assert.equal(all.sent.length, before)
  })

  it('AC-50: shows no way before the login, and none that is not asked for', async () => {
    const all = await withAll()
    const { erin } = await erinWith(all, 'webauthn')
    const { url } = await erin.rp.request(essential(PHISHING_RESISTANT))
    const login = await erin.browser.get(url)
    assert.doesNotMatch(login.text, /webauthn|e•|totp/)
    const { page } = await erin.go(essential(PHISHING_RESISTANT))
    assert.equal(page.heading, USE_KEY)
    assert.equal(linkTo(page, 'choose'), '')
    const base = page.action.replace(/\/[^/]*$/, '')
    for (const way of ['choose', 'totp', 'sms', 'email', 'recovery-codes', 'nothing'])
      assert.equal((await erin.browser.get(`${base}/${way}`)).heading, USE_KEY, way)
  })

  describe('keys that differ', () => {
    const onlyKeys = () => stage.host({ stepUp: { factors: [webauthn({ relyingPartyName: 'Test' })] } })
    const first = async (host: Host, synced: boolean) => {
      const bob = await stage.person(host)
      const soft = keyFor(host, synced ? { be: true, bs: true } : {})
      const { page } = await bob.go(essential(MULTI_FACTOR))
      assert.equal(page.heading, ADD_KEY)
      assert.ok(isAnswer(await useKey(bob.browser, page, soft)))
      bob.browser.clear()
      stage.clock.advance(60)
      return { bob, soft }
    }

    it('an account whose only key is synced is told why it cannot go on to phrh, and can leave', async () => {
      const host = await onlyKeys()
      const { bob, soft } = await first(host, true)
      const { page } = await bob.go(essential(PHISHING_RESISTANT_HARDWARE))
      assert.equal(page.heading, UNREACHABLE)
      assert.ok(offers(page, 'cancel'))
      assert.equal(errorOf(await leave(bob, page, 'cancel')), 'unmet_authentication_requirements')
      const { page: asked, redeem } = await bob.go(essential(PHISHING_RESISTANT))
      assert.equal(asked.heading, USE_KEY)
      assert.equal((await redeem((await useKey(bob.browser, asked, soft)).url)).acr, PHISHING_RESISTANT)
    })

    it('of two keys only the one that is bound to its device is asked for phrh, and no other answers', async () => {
      const host = await onlyKeys()
      const { bob, soft: synced } = await first(host, true)
      const bound = keyFor(host)
      const { url } = await host.mfa.accounts.issueTicket('bob')
      await useKey(bob.browser, await paste(bob.browser, url), bound)
      bob.browser.clear()
      const idsOn = (page: Page) => optionsOn(page).allowCredentials.map(({ id }: { id: string }) => id)
      const any = await bob.go(essential(PHISHING_RESISTANT))
      assert.deepEqual(idsOn(any.page), [synced.keys[0]?.id, bound.keys[0]?.id])
      const { page, redeem } = await bob.go(essential(PHISHING_RESISTANT_HARDWARE))
      assert.deepEqual(idsOn(page), [bound.keys[0]?.id])
      const wrong = await useKey(bob.browser, page, synced)
      assert.deepEqual([wrong.status, wrong.heading], [422, USE_KEY])
      assert.equal((await redeem((await useKey(bob.browser, wrong, bound)).url)).acr, PHISHING_RESISTANT_HARDWARE)
    })
  })

  describe('what a configuration cannot be', () => {
    const sender: Sender = async () => undefined
    const made = (factors: Parameters<typeof stepUp>[0]['factors']) =>
      stepUp({ account: () => undefined, factors, sealingKeys: [Buffer.alloc(32, 7).toString('base64url')] })
    const refusals = [
      ['an address alone', [email({ sender })], /factors: found email only; allowed: at least one other factor/],
      ['codes alone', [recoveryCodes()], /factors: found recovery-codes only/],
      ['both alone', [email({ sender }), recoveryCodes()], /factors: found email and recovery-codes only/],
      ['one factor twice', [totp({ issuer: 'A' }), totp({ issuer: 'B' })], /factors: found "totp" twice/],
    ] as const
    for (const [what, factors, message] of refusals)
      it(`refuses ${what}`, () => assert.throws(() => made(factors), { code: 'ERR_CONFIG', message }))

    it('takes an address beside an app, and alone where the operator says so', () => {
      made([email({ sender }), totp({ issuer: 'Test' })])
      made([email({ sender, alone: true })])
      made([email({ sender, alone: true }), recoveryCodes()])
    })

    for (const offers of [{ everySeconds: 0 }, { everySeconds: 1.5 }, { everySeconds: -1 }, { often: true }, 'yes', 1])
      it(`refuses offers: ${JSON.stringify(offers)}`, () =>
        assert.throws(
          () =>
            stepUp({
              account: () => undefined,
              factors: [totp({ issuer: 'Test' })],
              sealingKeys: [Buffer.alloc(32, 7).toString('base64url')],
              offers: offers as never,
            }),
          { code: 'ERR_CONFIG', message: /offers/ },
        ))
  })

  it('an account whose app is gone enrolls anew, after a code to its address', async () => {
    const all = await withAll()
    const { erin } = await erinWith(all)
    const [app] = (await all.host.mfa.accounts.list('erin')).authenticators
    await all.host.mfa.accounts.reset('erin')
    assert.equal(app?.factor, 'totp')
    const { page } = await erin.go(TWO_KINDS)
    assert.equal(page.heading, MAIL)
    const list = await erin.browser.post(page, { code: all.code() })
    assert.equal((await erin.browser.get(linkTo(list, 'totp'))).heading, ENROLL)
  })
})
