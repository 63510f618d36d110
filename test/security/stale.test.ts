import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import { codeAt, type Host } from '../support/host.ts'
import { createJourney, errorOf, secretOn, signIn } from '../support/relying-party.ts'
import {
  atEntry,
  CHALLENGE,
  ENROLL,
  inventory,
  leave,
  listening,
  RECOVER,
  recover,
  recoverable,
  withCodes,
} from './recovered.ts'
import { advanced, challenged, essential, type Journey, passed, postOnly, TWO_KINDS, useBench } from './support.ts'

const LOGIN = 'host login'

type Redeem = Awaited<ReturnType<Journey['rp']['request']>>['redeem']

const removeAll = async ({ mfa }: Host, factor: string, login = 'bob') => {
  const { authenticators } = await mfa.accounts.list(login)
  for (const one of authenticators.filter((all) => all.factor === factor)) await mfa.accounts.remove(login, one.id)
}

const stamp = ({ accounts }: Host, login = 'bob') =>
  void accounts.set(login, { id: login, label: login, securityStamp: 'changed' })

/** What takes back what a session has proved, and what its next requests come to, silent and not. */
const ENDINGS: Readonly<Record<string, readonly [(host: Host) => unknown, string, string]>> = {
  'its app removed': [(host) => removeAll(host, 'totp'), 'interaction_required', RECOVER],
  'a new security stamp': [stamp, 'login_required', LOGIN],
  'disabled by the host': [
    ({ accounts }) => accounts.set('bob', { id: 'bob', label: 'bob', disabled: true }),
    'access_denied',
    'access_denied',
  ],
  'gone from the host': [({ accounts }) => accounts.delete('bob'), 'access_denied', 'access_denied'],
  'disabled by an operator': [({ mfa }) => mfa.accounts.disable('bob'), 'access_denied', 'access_denied'],
  'disabled and enabled again, with a stamp': [
    async (host) => {
      await host.mfa.accounts.disable('bob')
      stamp(host)
      await host.mfa.accounts.enable('bob')
    },
    'login_required',
    LOGIN,
  ],
  'everything reset': [({ mfa }) => mfa.accounts.reset('bob'), 'login_required', LOGIN],
  'reset to tickets': [({ mfa }) => mfa.accounts.reset('bob', { enrollment: 'ticket' }), 'login_required', LOGIN],
}

const added = (told: readonly { readonly [detail: string]: unknown }[]) =>
  told.filter(({ by }) => by !== 'operator').map(({ factor, by }) => `${factor} by ${by}`)

const outcome = (page: Page) => errorOf(page) ?? page.heading

describe('security: what was proved ends with what it stands on', () => {
  const bench = useBench(() => withCodes())

  for (const [name, [end, silent, asked]] of Object.entries(ENDINGS))
    it(`AC-49: ${name}`, async () => {
      const { journey: bob } = await recoverable(bench)
      assert.ok(passed(await bob.answer((await challenged(bob)).page)))
      assert.ok(passed((await bob.go({ ...TWO_KINDS, prompt: 'none' })).page))
      bench.clock.advance(1)
      await end(bench.host)
      const { url } = await bob.rp.request({ ...TWO_KINDS, prompt: 'none' })
      assert.equal(outcome(await bob.browser.get(url)), silent)
      assert.equal(outcome(await bob.browser.get((await bob.rp.request(TWO_KINDS)).url)), asked)
      const plain = await bob.rp.request({ acr_values: SINGLE_FACTOR })
      const page = await bob.browser.get(plain.url)
      if (passed(page)) assert.equal((await plain.redeem(page.url)).acr, SINGLE_FACTOR)
    })

  for (const [name, [end]] of Object.entries(ENDINGS))
    it(`AC-34, AC-49: ${name}, while the challenge is open`, async () => {
      const { journey: bob } = await recoverable(bench)
      const { page } = await challenged(bob)
      await end(bench.host)
      assert.equal(passed(await bob.answer(page)), false)
      assert.equal(errorOf((await bob.go({ ...TWO_KINDS, prompt: 'none' })).page) === undefined, false)
    })

  for (const [name, [end]] of Object.entries(ENDINGS))
    it(`AC-34, AC-49: ${name}, while the page for a recovery code is open`, async () => {
      const { journey: bob, code } = await recoverable(bench)
      const { page } = await atEntry(bob)
      bench.clock.advance(1)
      await end(bench.host)
      const answer = await bob.browser.post(page, { code })
      // The codes stand beside the app, not on it.
      const goesOn = name === 'its app removed'
      assert.deepEqual([passed(answer), answer.heading === ENROLL], [false, goesOn])
    })
})

describe('security: an open set-up ends with what it stands on', () => {
  const bench = useBench(() => withCodes())

  const confirm = async (journey: Journey, page: Page) => {
    const answer = await postOnly(journey.browser, page, { code: codeAt(secretOn(page)) })
    if (advanced(answer)) await journey.browser.get(answer.headers.get('location') ?? '')
  }

  // After a reset the password alone opens a set-up again, where that is open.
  const { 'everything reset': _open, ...endings } = ENDINGS
  const offerEndings: Readonly<Record<string, (host: Host) => unknown>> = {
    ...Object.fromEntries(Object.entries(endings).map(([name, [end]]) => [name, end])),
    'its codes removed': (host) => removeAll(host, 'recovery-codes'),
    'its codes replaced': ({ mfa }) => mfa.accounts.newRecoveryCodes('bob'),
  }

  for (const [name, end] of Object.entries(offerEndings))
    it(`AC-34: the one that a recovery code let in: ${name}`, async () => {
      const { journey: bob, code } = await recoverable(bench)
      const { page } = await recover(bob, code)
      await end(bench.host)
      const { named } = listening(bench.host.mfa)
      await confirm(bob, page)
      assert.deepEqual(added(named('authenticator.enrolled')), [])
    })

  for (const name of ['a new security stamp', 'disabled by the host', 'disabled by an operator', 'reset to tickets'])
    it(`AC-34: the first one, with the password: ${name}`, async () => {
      const bob = await createJourney(bench.host)
      const { page } = await bob.go(TWO_KINDS)
      assert.equal(page.heading, ENROLL)
      await ENDINGS[name]?.[0](bench.host)
      const { named } = listening(bench.host.mfa)
      await confirm(bob, page)
      assert.deepEqual(added(named('authenticator.enrolled')), [])
    })
})

describe('security: codes that were replaced', () => {
  const bench = useBench(() => withCodes())

  it('AC-34: the old ones open nothing, not even where their page is open; the new ones do', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await atEntry(bob)
    const [fresh = ''] = await bench.host.mfa.accounts.newRecoveryCodes('bob')
    const old = await postOnly(bob.browser, page, { code })
    assert.deepEqual([old.status, advanced(old)], [422, false])
    assert.ok(advanced(await postOnly(bob.browser, page, { code: fresh })))
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:9', 'totp'])
  })

  it('AC-39: without the app the codes are asked; without both the account begins anew, never with what it had', async () => {
    const { journey: bob, code } = await recoverable(bench)
    await removeAll(bench.host, 'totp')
    const { page } = await bob.go(TWO_KINDS)
    assert.equal(page.heading, RECOVER)
    assert.equal(
      (await postOnly(bob.browser, page, { code: codeAt(bob.secret) }, {}, `${page.url.pathname}/totp`)).status,
      404,
    )
    await removeAll(bench.host, 'recovery-codes')
    assert.equal((await bob.browser.post(page, { code })).heading, ENROLL)
    assert.equal((await bob.go({ ...TWO_KINDS, prompt: 'login' })).page.heading, ENROLL)
  })

  it('AC-39: what was proved by a code of a removed set is proved no more', async () => {
    const { journey: bob, code } = await recoverable(bench)
    assert.ok(passed(await leave(bob, (await recover(bob, code)).page, 'decline')))
    await removeAll(bench.host, 'recovery-codes')
    assert.equal(errorOf((await bob.go({ ...TWO_KINDS, prompt: 'none' })).page), 'interaction_required')
    const { page, redeem } = await challenged(bob, { acr_values: MULTI_FACTOR })
    assert.equal((await redeem((await leave(bob, page, 'decline')).url)).acr, SINGLE_FACTOR)
  })

  it('AC-47: in silence nobody learns who has codes, or how many are left', async () => {
    const { journey: bob } = await recoverable(bench)
    const { journey: carol, code } = await recoverable(bench, 'carol')
    const alice = await createJourney(bench.host, 'alice')
    assert.ok(advanced(await postOnly(carol.browser, (await atEntry(carol)).page, { code })))
    carol.browser.clear()
    for (const parameters of [TWO_KINDS, essential('phr'), essential('urn:x:none'), { acr_values: 'phr' }, {}]) {
      const answers = []
      for (const journey of [bob, carol, alice]) {
        await journey.go()
        const { page } = await journey.go({ ...parameters, prompt: 'none' })
        const { state: _state, code: _code, ...rest } = Object.fromEntries(page.url.searchParams)
        answers.push(rest)
      }
      assert.deepEqual(answers[0], answers[1])
      assert.deepEqual(answers[1], answers[2])
    }
  })

  it('AC-68: a session cookie from before a recovery code, or from before a set-up, is worth nothing after it', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await atEntry(bob)
    const { page: first } = await alice.go(TWO_KINDS)
    for (const [journey, proved] of [
      [bob, () => bob.browser.post(page, { code })],
      [alice, () => alice.enroll(first)],
    ] as const) {
      const fixed = journey.browser.clone()
      await proved()
      const { url } = await journey.rp.request({ ...TWO_KINDS, prompt: 'none' })
      assert.ok(passed(await journey.browser.get(url)))
      assert.equal(passed(await fixed.get((await journey.rp.request(TWO_KINDS)).url)), false)
    }
  })
})

describe('security: two sign-ins in one browser', () => {
  const bench = useBench(() => withCodes())
  const orders = ['AABB', 'ABAB', 'ABBA', 'BAAB', 'BABA', 'BBAA']

  /** What a code is worth at the moment it arrives: the host keeps one grant for a session and a client. */
  const levelOf = async (redeem: Redeem, page: Page) => {
    assert.ok(passed(page), page.heading)
    const { acr, amr } = await redeem(page.url)
    return [acr, amr]
  }

  const strongly = async function* (bob: Journey) {
    const { url, redeem } = await bob.rp.request(TWO_KINDS)
    const page = await bob.browser.get(url)
    yield
    assert.deepEqual(await levelOf(redeem, await bob.answer(page)), [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
  }

  const weakly = async function* (bob: Journey) {
    const { url, redeem } = await bob.rp.request({ prompt: 'login' })
    const page = await bob.browser.get(url)
    yield
    assert.deepEqual(await levelOf(redeem, await signIn(bob.browser, page, 'bob')), [SINGLE_FACTOR, ['pwd']])
  }

  for (const order of orders)
    it(`AC-45: one proves more, the other begins anew with the password: ${order}`, async () => {
      const { journey: bob } = await recoverable(bench)
      assert.ok(passed((await bob.go()).page))
      const tabs = new Map([
        ['A', strongly(bob)],
        ['B', weakly(bob)],
      ])
      for (const tab of order) await tabs.get(tab)?.next()
      bench.clock.advance(60)
      const { page, redeem } = await bob.go({ ...TWO_KINDS, prompt: 'none' })
      assert.equal((await redeem(page.url)).acr, MULTI_FACTOR)
      const anew = await bob.go({ ...TWO_KINDS, prompt: 'login' })
      assert.equal(anew.page.heading, CHALLENGE, 'and what was proved counts for no login anew')
    })
})
