import assert from 'node:assert/strict'
import { CLIENT } from '../support/host.ts'
import { createJourney, createRelyingParty, errorOf, signIn } from '../support/relying-party.ts'
import { CHALLENGE, ENROLL, inventory, leave, RECOVER, recover, recoverable, withCodes } from './recovered.ts'
import { challenged, type Journey, passed, useBench } from './support.ts'

const OTHER = { client_id: 'other', client_secret: 'other-secret' }

const clients = [CLIENT, { ...CLIENT, ...OTHER }].map((client) => ({
  ...client,
  redirect_uris: [...client.redirect_uris],
  grant_types: [...client.grant_types],
  response_types: ['code' as const],
}))

type Way = (journey: Journey, login: string) => Promise<string | undefined>

/** Where a request of whatever kind ends; the login page is answered, nothing else. */
const toward =
  (parameters: Readonly<Record<string, string>>, { tab = false, app = false } = {}): Way =>
  async (journey, login) => {
    const rp = app ? await createRelyingParty({ issuer: journey.rp.config.serverMetadata().issuer }, OTHER) : journey.rp
    const browser = tab ? journey.browser.clone() : journey.browser
    const { url } = await rp.request(parameters)
    let page = await browser.get(url)
    if (page.heading === 'host login') page = await signIn(browser, page, login)
    assert.equal(passed(page), false, page.url.href)
    return errorOf(page) ?? page.heading
  }

/** Ways to lose what is owed. */
const WAYS: Readonly<Record<string, Way>> = {
  'begun again': toward({}),
  'in a new tab': toward({}, { tab: true }),
  'at another app': toward({}, { app: true }),
  'at another app in a new tab': toward({}, { app: true, tab: true }),
  'with consent asked for': toward({ prompt: 'consent' }),
  'with consent asked for elsewhere': toward({ prompt: 'consent' }, { app: true, tab: true }),
  'signed in anew': toward({ prompt: 'login' }),
  'signed in anew with consent': toward({ prompt: 'login consent' }),
  'with a hint of somebody else': toward({ login_hint: 'carol' }),
  'with no age': toward({ max_age: '0' }),
}

describe('security: what is owed stays owed', () => {
  const bench = useBench(() => ({ ...withCodes({ policy: { default: 'always' } }), clients }))

  const assertOwed = async (journey: Journey, login: string, heading: string) => {
    for (const [name, way] of Object.entries(WAYS)) assert.equal(await way(journey, login), heading, name)
    for (const app of [false, true])
      assert.equal(await toward({ prompt: 'none' }, { app })(journey, login), 'interaction_required')
  }

  it('AC-28: a first set-up, left open, cancelled, or by its resume', async () => {
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await alice.go()
    assert.equal(page.heading, ENROLL)
    await assertOwed(alice, 'alice', ENROLL)
    const resumed = await alice.browser.get(`/auth/${page.url.pathname.split('/')[2]}`)
    assert.equal(resumed.heading, ENROLL)
    assert.equal(errorOf(await leave(alice, resumed, 'cancel')), 'access_denied')
    await assertOwed(alice, 'alice', ENROLL)
    assert.deepEqual(await inventory(bench.host, 'alice'), [])
  })

  it('AC-28: a challenge, left open, or at the page for a recovery code, or cancelled there', async () => {
    const { journey: bob } = await recoverable(bench)
    const { page } = await challenged(bob, {})
    await assertOwed(bob, 'bob', CHALLENGE)
    const entry = await bob.browser.get(`${page.url.pathname}/recovery-codes`)
    assert.equal(entry.heading, RECOVER)
    assert.equal(errorOf(await leave(bob, entry, 'cancel')), 'access_denied')
    await assertOwed(bob, 'bob', CHALLENGE)
  })

  it('AC-28: where a recovery code was used, what it opened is its own session only', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const before = await createJourney(bench.host)
    await challenged(before, {})
    const { page } = await recover(bob, code, {})
    await assertOwed(before, 'bob', CHALLENGE)
    assert.ok(passed(await leave(bob, page, 'decline')))
    const stranger = await createJourney(bench.host)
    assert.equal(await toward({})(stranger, 'bob'), CHALLENGE)
    await assertOwed(stranger, 'bob', CHALLENGE)
  })
})
