import assert from 'node:assert/strict'
import { memoryStore } from '../../src/store/memory.ts'
import type { Browser, Page } from '../support/browser.ts'
import { CLIENT, codeAt, type Host } from '../support/host.ts'
import { createJourney, createRelyingParty, errorOf, secretOn } from '../support/relying-party.ts'
import {
  CHALLENGE,
  ENROLL,
  inventory,
  listening,
  RECOVER,
  recover,
  recoverable,
  SAVE,
  UNTOUCHED,
  withCodes,
} from './recovered.ts'
import { later, tick } from './remembered.ts'
import { type Bench, challenged, enrolled, type Journey, passed, postOnly, TWO_KINDS, useBench } from './support.ts'

const LOGIN = 'host login'

const restamp = ({ accounts }: Host) => accounts.set('bob', { id: 'bob', label: 'bob', securityStamp: 'changed' })

const removeAll = async ({ mfa }: Host, factor: string) => {
  const { authenticators } = await mfa.accounts.list('bob')
  for (const one of authenticators.filter((all) => all.factor === factor)) await mfa.accounts.remove('bob', one.id)
}

/** The set-up page that a new ticket opens in a browser of its own. */
const byTicket = async ({ mfa, browser: open }: Host) => {
  const { url } = await mfa.accounts.issueTicket('bob')
  const browser = open()
  const page = await browser.post(await browser.get('/mfa/setup'), { ticket: new URL(url).hash.slice(1) })
  return { browser, page }
}

const enrollElsewhere = async (host: Host) => {
  const { browser, page } = await byTicket(host)
  await browser.post(page, { code: codeAt(secretOn(page)) })
}

describe('security: a first set-up ends with the password that led to it', () => {
  const bench = useBench(() => withCodes())

  /** As far as the redirect to the set-up page, with the password of before. */
  const heldBack = async (journey: Journey) => {
    const login = await journey.browser.get((await journey.rp.request(TWO_KINDS)).url)
    const done = await journey.browser.send(login.action, { form: { login: 'bob' }, follow: false })
    const resumed = await journey.browser.send(done.headers.get('location') ?? '', { follow: false })
    const at = resumed.headers.get('location') ?? ''
    assert.match(at, /^\/mfa\//)
    return at
  }

  for (const [when, opened, seconds] of [
    ['where its page is open', true, 0],
    ['where its page was never opened', false, 60],
    ['where its page was open for too long', true, 1900],
  ] as const)
    it(`AC-34, AC-49: ${when}`, async () => {
      const thief = await createJourney(bench.host)
      const at = await heldBack(thief)
      const page = opened ? await thief.browser.get(at) : undefined
      restamp(bench.host)
      bench.clock.advance(seconds)
      if (page !== undefined) {
        const posted = await postOnly(thief.browser, page, { code: codeAt(secretOn(page)) })
        assert.equal(posted.status, 303)
      }
      assert.deepEqual(await inventory(bench.host), [])
      assert.equal((await thief.browser.get(at)).heading, LOGIN)
      const owner = await createJourney(bench.host)
      assert.equal((await owner.go(TWO_KINDS)).page.heading, ENROLL, 'nothing of it is left for the owner')
    })
})

/** Posts the set-up that is open, and what the person gets to see after it: a heading, or what the app is told. */
const setUp = async (journey: Journey, page: Page) => {
  const form = page.heading === SAVE ? { kept: 'yes' } : { code: codeAt(secretOn(page)) }
  const after = await journey.browser.post(page, form)
  return errorOf(after) ?? (passed(after) ? 'code' : after.heading)
}

describe('security: what one proof lets in ends with what that proof stood on', () => {
  const bench = useBench(() => withCodes())

  /** Signed in by app, at the offer of the codes that the account does not have. */
  const offeredCodes = async () => {
    const bob = await createJourney(bench.host)
    assert.equal((await bob.enroll((await bob.go(TWO_KINDS)).page)).heading, SAVE)
    bob.browser.clear()
    bench.clock.advance(60)
    const offer = await bob.answer((await challenged(bob)).page)
    assert.equal(offer.heading, SAVE)
    return { bob, page: offer }
  }
  /** Signed in by recovery code, at the offer of a new app. */
  const offeredApp = async () => {
    const { journey: bob, code } = await recoverable(bench)
    return { bob, page: (await recover(bob, code)).page }
  }

  const endings: Readonly<Record<string, (host: Host) => unknown>> = {
    'its app removed': (host) => removeAll(host, 'totp'),
    'its codes removed': (host) => removeAll(host, 'recovery-codes'),
    'its codes replaced': ({ mfa }) => mfa.accounts.newRecoveryCodes('bob'),
    'everything reset': ({ mfa }) => mfa.accounts.reset('bob'),
    'a new security stamp': restamp,
    'an app enrolled elsewhere': enrollElsewhere,
  }
  const cases = [
    // An offer that is gone goes on to the app, once nothing is owed; else the request is decided anew.
    ['codes', offeredCodes, 'its app removed', [], ENROLL],
    ['codes', offeredCodes, 'its codes replaced', ['recovery-codes:10', 'totp'], 'code'],
    ['codes', offeredCodes, 'everything reset', [], LOGIN],
    ['codes', offeredCodes, 'a new security stamp', ['totp'], LOGIN],
    ['codes', offeredCodes, 'an app enrolled elsewhere', ['recovery-codes:10', 'totp', 'totp'], 'code'],
    ['a new app', offeredApp, 'its app removed', ['recovery-codes:9'], 'code'],
    ['a new app', offeredApp, 'its codes removed', ['totp'], CHALLENGE],
    ['a new app', offeredApp, 'its codes replaced', UNTOUCHED, CHALLENGE],
    ['a new app', offeredApp, 'everything reset', [], LOGIN],
    ['a new app', offeredApp, 'a new security stamp', ['recovery-codes:9', 'totp'], LOGIN],
    ['a new app', offeredApp, 'an app enrolled elsewhere', ['recovery-codes:9', 'totp', 'totp', 'totp'], 'code'],
  ] as const
  for (const [what, reach, ending, left, goesOn] of cases)
    it(`AC-34: ${what}: ${ending}`, async () => {
      const { bob, page } = await reach()
      bench.clock.advance(1)
      await endings[ending]?.(bench.host)
      assert.equal(await setUp(bob, page), goesOn)
      assert.deepEqual(await inventory(bench.host), left)
    })

  it('AC-34: what was offered before a removal is not worth a sign-in after it', async () => {
    const { bob, page } = await offeredCodes()
    await enrollElsewhere(bench.host)
    const [stolen] = (await bench.host.mfa.accounts.list('bob')).authenticators
    await bench.host.mfa.accounts.remove('bob', stolen?.id ?? '')
    const after = await bob.browser.post(page, { kept: 'yes' })
    assert.equal(passed(after), false)
    assert.notEqual(after.heading, RECOVER)
    assert.deepEqual(await inventory(bench.host), ['totp'])
  })
})

describe('security: a ticket ends the one before it', () => {
  const bench = useBench(() => withCodes())
  const openWith = async (link: string) => {
    const browser = bench.host.browser()
    return browser.post(await browser.get('/mfa/setup'), { ticket: new URL(link).hash.slice(1) })
  }

  for (const [when, used] of [
    ['is not used yet', false],
    ['was used', true],
  ] as const)
    it(`AC-31: an older one that was not opened opens nothing, where the newer one ${when}`, async () => {
      const { accounts } = bench.host.mfa
      const older = await accounts.issueTicket('bob', { ttlSeconds: 604_800 })
      const others = await accounts.issueTicket('carol')
      const newer = await accounts.issueTicket('bob')
      if (used) assert.equal((await openWith(newer.url)).heading, ENROLL)
      bench.clock.advance(60)
      assert.equal((await openWith(older.url)).status, 422)
      if (!used) assert.equal((await openWith(newer.url)).heading, ENROLL)
      assert.equal((await openWith(others.url)).heading, ENROLL, "another account's stays")
    })

  it('AC-31: a set-up that was begun goes on all the same', async () => {
    const { browser, page } = await byTicket(bench.host)
    await bench.host.mfa.accounts.issueTicket('bob')
    assert.equal((await browser.post(page, { code: codeAt(secretOn(page)) })).heading, SAVE)
  })
})

describe('security: a session from before the account was taken back', () => {
  const bench: Bench = useBench(() => ({
    ...withCodes(),
    prepare: (provider) => {
      provider.use(async (ctx, next) => {
        if (ctx.path !== '/level') return next()
        ctx.body = { level: await bench.host.mfa.sessionLevel(ctx) }
      })
    },
  }))
  const levelIn = async ({ browser }: Journey) => JSON.parse((await browser.get('/level')).text).level

  for (const [how, end, asked] of [
    ['a reset', ({ mfa }: Host) => mfa.accounts.reset('bob'), ENROLL],
    [
      'a lock, undone later',
      async ({ mfa }: Host) => {
        await mfa.accounts.disable('bob')
        await mfa.accounts.enable('bob')
      },
      CHALLENGE,
    ],
  ] as const)
    for (const [proved, answered] of [
      ['two things', true],
      ['its password alone', false],
    ] as const)
      it(`AC-49: that proved ${proved} has to sign in anew after ${how}`, async () => {
        const { journey: bob } = await recoverable(bench)
        if (answered) await bob.answer((await challenged(bob)).page)
        else assert.ok(passed((await bob.go()).page))
        assert.equal((await levelIn(bob)).accountId, 'bob')
        bench.clock.advance(60)
        await end(bench.host)
        bench.clock.advance(60)
        assert.equal(await levelIn(bob), undefined)
        for (const parameters of [{}, TWO_KINDS]) {
          const silent = await bob.rp.request({ ...parameters, prompt: 'none' })
          assert.equal(errorOf(await bob.browser.get(silent.url)), 'login_required')
          assert.equal((await bob.browser.get((await bob.rp.request(parameters)).url)).heading, LOGIN)
        }
        const { page } = await bob.go(TWO_KINDS)
        assert.equal(page.heading, asked)
        assert.equal((await levelIn(bob)).accountId, 'bob')
      })
})

describe('security: the first lift of a session, in many silent tabs', () => {
  const clients = [CLIENT.client_id, 'bank'].map((client_id) => ({
    ...CLIENT,
    redirect_uris: [...CLIENT.redirect_uris],
    grant_types: [...CLIENT.grant_types],
    response_types: ['code' as const],
    client_id,
  }))
  /** Holds whoever has read a remembered browser until all who are awaited have. */
  let held: { awaited: number; readonly waiting: (() => void)[] }
  const meet = () =>
    new Promise<void>((goOn) => {
      held.waiting.push(goOn)
      if (held.waiting.length < held.awaited) return
      held.awaited = 0
      for (const one of held.waiting) one()
    })
  const bench = useBench(() => {
    held = { awaited: 0, waiting: [] }
    const inner = memoryStore()
    const get: typeof inner.get = async (key) => {
      const entry = await inner.get(key)
      if (key.kind === 'browser' && held.awaited > 0) await meet()
      return entry
    }
    const policy = { default: 'never', clients: { bank: { floor: 'urn:okta:loa:2fa:any' } } } as const
    return { stepUp: { policy, store: { ...inner, get } }, clients }
  })

  for (const [tabs, how] of [
    [1, 'alone'],
    [4, 'at once'],
    [4, 'at the same point'],
    [4, 'one after the other, each with the cookies of before'],
  ] as const)
    it(`AC-70d: ${tabs}, ${how}: all get a code, and the session lives on`, async () => {
      const bob = await enrolled(bench)
      const bank = await createRelyingParty(bench.host, { ...CLIENT, client_id: 'bank' })
      const login = await bob.browser.get((await bank.request()).url)
      const page = await bob.browser.send(login.action, { form: { login: 'bob' } })
      assert.equal(page.heading, CHALLENGE)
      assert.ok(passed(await tick(bob, page)))
      bench.clock.advance(600)
      const again = await later(bench.host, bob)
      const { named } = listening(bench.host.mfa)
      assert.ok(passed((await again.go()).page), 'nothing is owed at this app')
      const silently = async (browser: Browser) => browser.get((await bank.request({ prompt: 'none' })).url)
      const browsers = Array.from({ length: tabs }, () => again.browser.clone())
      const pages: Page[] = []
      if (how === 'at the same point') held.awaited = tabs
      if (!how.startsWith('one')) pages.push(...(await Promise.all(browsers.map(silently))))
      else for (const browser of browsers) pages.push(await silently(browser))
      assert.deepEqual(
        pages.map((answer) => errorOf(answer) ?? passed(answer)),
        pages.map(() => true),
      )
      for (const rp of [bank, again.rp]) {
        const { url } = await rp.request({ prompt: 'none' })
        assert.ok(passed(await again.browser.get(url)), 'and afterwards')
      }
      assert.equal(named('browser.reused').length, 0)
    })
})
