import assert from 'node:assert/strict'
import type { JWTPayload } from 'jose'
import { MULTI_FACTOR } from '../../src/index.ts'
import { acrClaim } from '../journeys/stage.ts'
import type { Browser, Page } from '../support/browser.ts'
import { APPROVES, type DuoScript, type Fault } from '../support/duo.ts'
import { CLOSED_PAGE, DUO_PAGE, type DuoDesk, type DuoWishes, openDuo } from '../support/duo-desk.ts'
import { errorOf, isAnswer } from '../support/relying-party.ts'

type Person = Awaited<ReturnType<DuoDesk['person']>>

/** Two kinds or nothing. */
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }

/** One way back from Duo, and the people who could be anywhere on it. */
interface Way {
  readonly desk: DuoDesk
  readonly name: string
  readonly bob: Person
  /** Bob's page at Duo. */
  readonly page: Page
  /** Where Duo sends Bob's browser back to. */
  readonly url: URL
}

const changed = (url: URL, change: (parameters: URLSearchParams) => void) => {
  const other = new URL(url)
  change(other.searchParams)
  return other
}

const claims = (change: (claims: JWTPayload) => JWTPayload): Partial<DuoScript> => ({ forge: { claims: change } })
const now = () => Math.floor(Date.now() / 1000)

describe('security: duo', () => {
  const desks: DuoDesk[] = []
  let desk: DuoDesk
  let people = 0
  let rp: Person['rp']

  const open = async (wishes: DuoWishes = {}) => {
    desk = await openDuo(wishes)
    desks.push(desk)
    return desk
  }
  before(() => open())
  afterEach(async () => {
    const faults = desks.flatMap(({ host }) => host.errors.splice(0))
    // Those of single tests; the first serves all others.
    await Promise.all(desks.splice(1).map(({ close }) => close()))
    desk = desks[0] as DuoDesk
    Object.assign(desk.peer.script, { person: APPROVES, faults: {}, skewSeconds: 0, forge: {} })
    assert.deepEqual(faults, [])
  })
  after(() => desk.close())

  /** Somebody whom nobody has met before. */
  const somebody = () => {
    people += 1
    const id = `person-${people}`
    desk.host.accounts.set(id, { id, label: `${id}@example.com` })
    return id
  }

  const setOut = async (wishes?: DuoWishes): Promise<Way> => {
    if (wishes !== undefined) await open(wishes)
    const name = somebody()
    const bob = await desk.person(name)
    rp = bob.rp
    const { page } = await bob.go(ESSENTIAL)
    assert.ok(desk.isAtDuo(page))
    return { desk, name, bob, page, url: await desk.back(page) }
  }

  /** No code is to be had: not on this page, and not by asking again without any page. */
  const assertNotIn = async (browser: Browser, page: Page) => {
    assert.ok(!isAnswer(page), page.url.href)
    assert.ok(page.status >= 400 && page.status < 500, `${page.status} "${page.heading}"`)
    assert.doesNotMatch(page.text, /secret-of-the-test|duo_code|eyJ/)
    const { url } = await rp.request({ ...ESSENTIAL, prompt: 'none' })
    const silent = await browser.get(url)
    assert.match(errorOf(silent) ?? '', /^(?:login|interaction)_required$/)
    assert.equal(silent.url.searchParams.get('code'), null)
  }

  /** Answers that are not Bob's own of this ceremony: where each goes back to. None of them ends it. */
  const OTHERS: Readonly<Record<string, (way: Way) => URL | Promise<URL>>> = {
    'a state that is another': ({ url }) => changed(url, (all) => all.set('state', 'A'.repeat(43))),
    'no state': ({ url }) => changed(url, (all) => all.delete('state')),
    'two states': ({ url }) => changed(url, (all) => all.append('state', all.get('state') ?? '')),
    'no code': ({ url }) => changed(url, (all) => all.delete('duo_code')),
    'a code that Duo never gave': ({ url }) => changed(url, (all) => all.set('duo_code', 'f'.repeat(40))),
    'an error with another state': ({ url }) =>
      changed(url, (all) => {
        all.set('state', 'A'.repeat(43))
        all.set('error', 'access_denied')
      }),
    'state and code of another browser': async ({ url, name, desk: { person, back } }) => {
      const { page } = await (await person(name)).go(ESSENTIAL)
      return new URL(`${url.pathname}${(await back(page)).search}`, url)
    },
    'the code of another user': async ({ url, desk: { person, back } }) => {
      const { page } = await (await person(somebody())).go(ESSENTIAL)
      const theirs = await back(page)
      return changed(url, (all) => all.set('duo_code', theirs.searchParams.get('duo_code') ?? ''))
    },
  }

  for (const [name, other] of Object.entries(OTHERS))
    it(`AC-86: refuses ${name}, and the right answer still counts`, async () => {
      const way = await setOut()
      const { browser } = way.bob
      const refused = await browser.get(await other(way))
      assert.equal(refused.heading, DUO_PAGE)
      await assertNotIn(browser, refused)
      assert.ok(isAnswer(await browser.get(way.url)))
    })

  /** What Duo says, or somebody in its place. */
  const SAYINGS: Readonly<Record<string, Partial<DuoScript>>> = {
    'a denial that comes with status 200': { person: { ...APPROVES, result: 'deny', status: 'deny' } },
    'a result that is not allow': { person: { ...APPROVES, result: 'deny' } },
    'a status that is not allow': { person: { ...APPROVES, status: 'deny' } },
    'a sign-in that was reported': { person: { ...APPROVES, context: { ...APPROVES.context, result: 'fraud' } } },
    'a browser that Duo remembers': {
      person: { ...APPROVES, context: { factor: 'remembered_device', reason: 'remembered_device' } },
    },
    'a user whom Duo lets pass': { person: { ...APPROVES, context: { factor: 'duo_push', reason: 'bypass_user' } } },
    'a token of another sign-in (nonce)': claims((all) => ({ ...all, nonce: 'another-nonce-0123456789' })),
    'a token without a nonce': claims(({ nonce: _nonce, ...all }) => all),
    'a token for another client': claims((all) => ({ ...all, aud: 'DIOTHEROTHEROTHEROTH' })),
    'a token of another issuer': claims((all) => ({ ...all, iss: 'https://localhost/oauth/v1/token' })),
    'a token about another user': claims((all) => ({ ...all, preferred_username: 'carol@example.com' })),
    'a token that has expired': claims((all) => ({ ...all, iat: now() - 200, exp: now() - 61 })),
    'a token signed with another secret': { forge: { secret: 'another-secret-0123456789-0123456789-abc' } },
    'a token signed with HS256': { forge: { alg: 'HS256' } },
    'a token that is not signed': { forge: { alg: 'none' } },
  }

  for (const [name, script] of Object.entries(SAYINGS))
    it(`AC-86: refuses ${name}`, async () => {
      const { bob, url } = await setOut()
      Object.assign(desk.peer.script, script)
      const refused = await bob.browser.get(url)
      assert.ok([DUO_PAGE, CLOSED_PAGE].includes(refused.heading), refused.heading)
      await assertNotIn(bob.browser, refused)
      // The code is spent, and so is what it was worth.
      Object.assign(desk.peer.script, { person: APPROVES, forge: {} })
      await assertNotIn(bob.browser, await bob.browser.get(url))
    })

  it('AC-86: refuses an error at Duo, after which the code of the same prompt is worth nothing', async () => {
    const { bob, url } = await setOut()
    const denied = changed(url, (all) => {
      all.delete('duo_code')
      all.set('error', 'access_denied')
    })
    const closed = await bob.browser.get(denied)
    assert.equal(closed.heading, CLOSED_PAGE)
    await assertNotIn(bob.browser, closed)
    await assertNotIn(bob.browser, await bob.browser.get(url))
  })

  it('AC-86: refuses it in another browser, with and without a sign-in of its own, and by post', async () => {
    const { bob, name, url } = await setOut()
    const stranger = desk.host.browser()
    await assertNotIn(stranger, await stranger.get(url))
    const eve = await desk.person(name)
    await eve.go(ESSENTIAL)
    await assertNotIn(eve.browser, await eve.browser.get(url))
    const posted = await bob.browser.send(url, { form: Object.fromEntries(url.searchParams) })
    assert.equal(posted.status, 405)
    await assertNotIn(bob.browser, posted)
    const form = await bob.browser.get(url.pathname.replace(/\/return$/, ''))
    await assertNotIn(bob.browser, await bob.browser.post(form, Object.fromEntries(url.searchParams)))
    assert.ok(isAnswer(await bob.browser.get(url)))
  })

  it('AC-86: takes one answer no more than once, also of many that come at the same time', async () => {
    const { bob, url } = await setOut()
    const pages = await Promise.all(Array.from({ length: 6 }, () => bob.browser.clone().send(url, { follow: false })))
    const onward = pages.filter(({ headers }) => /\/auth\//.test(headers.get('location') ?? ''))
    assert.ok(onward.length <= 1)
    assert.ok(pages.every(({ status }) => status === 303))
    assert.ok(!isAnswer(await desk.host.browser().get(url)))
  })

  it('AC-86: names the account that signed in, whatever a form or an address says', async () => {
    const name = somebody()
    const bob = await desk.person(name)
    const { page } = await bob.go({ ...ESSENTIAL, login_hint: 'carol', duo_uname: 'carol@example.com' })
    await desk.back(page)
    assert.equal(
      desk.peer.requests.findLast(({ endpoint }) => endpoint === 'authorize')?.claims.duo_uname,
      `${name}@example.com`,
    )
  })

  it('AC-86: five wrong answers end it, and the right one comes too late', async () => {
    const { bob, url } = await setOut()
    const wrong = changed(url, (all) => all.set('state', 'x'))
    for (let count = 0; count < 5; count += 1) await bob.browser.get(wrong)
    const late = await bob.browser.get(url)
    assert.equal(late.heading, CLOSED_PAGE)
    await assertNotIn(bob.browser, late)
  })

  it('AC-27: after the way back was used, going there again or to the page gives no second code', async () => {
    const { bob, url } = await setOut()
    assert.ok(isAnswer(await bob.browser.get(url)))
    for (const target of [url, new URL(url.pathname, url), new URL(url.pathname.replace(/\/return$/, ''), url)]) {
      const page = await bob.browser.get(target)
      assert.ok(!isAnswer(page), target.pathname)
      assert.ok(page.status >= 400 && page.status < 500)
    }
  })

  it('AC-27: resuming before the way back leads to Duo again, and never to a code', async () => {
    const { bob, url } = await setOut()
    const uid = url.pathname.split('/')[2] ?? ''
    const page = await bob.browser.get(`/auth/${uid}`)
    assert.ok(!isAnswer(page))
    await assertNotIn(bob.browser, { ...page, status: 400 })
  })

  const FAULTS: Readonly<Record<string, Fault>> = {
    hangs: 'hang',
    drips: 'drip',
    'cuts the line': 'drop',
    'answers with 500': { status: 500, body: 'oops' },
    'answers with a page': { status: 200, body: '<h1>Maintenance</h1>' },
    'sends elsewhere': { status: 302, body: '', headers: { location: 'http://localhost:9/' } },
  }

  const unavailable = async (bob: Person) => {
    rp = bob.rp
    const startedAt = performance.now()
    const { page, redeem } = await bob.go()
    assert.ok(performance.now() - startedAt < 4000, 'it takes too long')
    assert.deepEqual([page.heading, page.status], [CLOSED_PAGE, 422])
    assert.match(page.text, /Duo does not answer just now/)
    await assertNotIn(bob.browser, page)
    return { page, redeem }
  }

  for (const [name, fault] of Object.entries(FAULTS))
    it(`AC-87, F-10: lets nobody in where Duo ${name} before the prompt or after it, and takes up again with Duo`, async () => {
      const { bob, url } = await setOut({ options: { timeoutSeconds: 0.4 } })
      desk.peer.script.faults = { health_check: fault, token: fault }
      const late = await bob.browser.get(url)
      assert.ok(!isAnswer(late) && late.status < 500, `${late.status} "${late.heading}"`)
      const carol = await desk.person('carol')
      const { page, redeem } = await unavailable(carol)
      desk.peer.script.faults = {}
      assert.ok(isAnswer(await bob.browser.get(url)))
      const again = await carol.browser.get(page.url)
      assert.ok(desk.isAtDuo(again))
      const answer = await desk.through(carol.browser, again)
      assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'mca', 'mfa'])
    })

  it('AC-87, F-10: lets nobody in where the clocks are apart, the certificate is another, or Duo is down', async () => {
    await open({ options: { timeoutSeconds: 1 } })
    const { peer } = desk
    peer.script.skewSeconds = 700
    await unavailable(await desk.person())
    peer.script.skewSeconds = 0
    peer.changeCertificate()
    await unavailable(await desk.person())
    await peer.close()
    await unavailable(await desk.person())
  })

  it('AC-87: claims no more than the login where the level may be declined', async () => {
    await open({ options: { timeoutSeconds: 0.3 }, stepUp: { policy: { default: 'never' } } })
    desk.peer.script.faults = { health_check: 'hang' }
    const bob = await desk.person()
    const { page, redeem } = await bob.go({ acr_values: MULTI_FACTOR })
    const decline = page.targets.find((target) => target.endsWith('/decline'))
    assert.ok(decline !== undefined)
    const answer = await bob.browser.post(page, {}, decline)
    const { acr, amr } = await redeem(answer.url)
    assert.notEqual(acr, MULTI_FACTOR)
    assert.deepEqual(amr, ['pwd'])
  })

  it('puts neither codes nor states nor names into events', async () => {
    const { bob, name, url } = await setOut()
    const told: unknown[] = []
    const NAMES = ['challenge.accepted', 'challenge.refused', 'authorization.decided', 'browser.remembered'] as const
    const ends = NAMES.map((one) => desk.host.mfa.events.on(one, (event) => void told.push(event)))
    await bob.browser.get(changed(url, (all) => all.set('state', 'x')))
    await bob.browser.get(url)
    for (const end of ends) end()
    const text = JSON.stringify(told)
    assert.match(text, /"reason":"invalid"/)
    for (const secret of [url.searchParams.get('state'), url.searchParams.get('duo_code'), `${name}@example.com`])
      assert.ok(!text.includes(secret ?? ''))
  })
})
