import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { CLIENT, codeAt } from '../support/host.ts'
import { errorOf, isAnswer, signIn } from '../support/relying-party.ts'
import { acrClaim, CHALLENGE, ENROLL, LOGIN, leave, open, type Person, useStage, visit } from './stage.ts'

const MULTI = { acr_values: MULTI_FACTOR }
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }

const OTHER = {
  ...CLIENT,
  redirect_uris: [...CLIENT.redirect_uris],
  grant_types: [...CLIENT.grant_types],
  response_types: ['code' as const],
  client_id: 'other',
}

/** What the ID token says about the sign-in, and which pages it took. */
const signedOf = async ({ seen, redeem }: Awaited<ReturnType<typeof visit>>) => {
  const { acr, amr, authTime } = await redeem()
  return { seen, acr, amr, authTime }
}

describe('freshness: max_age', () => {
  const stage = useStage()
  const session = async (parameters = {}) => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { authTime } = await (await visit(bob, parameters)).redeem()
    stage.clock.advance(100)
    return { bob, authTime }
  }

  it('asks the login again where the login is all that is needed and has grown too old', async () => {
    const { bob, authTime } = await session()
    const within = await signedOf(await visit(bob, { max_age: '1000' }))
    assert.deepEqual([within.seen, within.authTime], [[], authTime])
    const now = stage.clock.now()
    const after = await signedOf(await visit(bob, { max_age: '50' }))
    assert.deepEqual([after.seen, after.acr], [[LOGIN], SINGLE_FACTOR])
    assert.ok((after.authTime ?? 0) >= now)
  })

  it('asks the second proof again, not the password, where a level above the login is needed', async () => {
    const { bob, authTime } = await session(MULTI)
    const within = await signedOf(await visit(bob, { ...MULTI, max_age: '1000' }))
    assert.deepEqual([within.seen, within.authTime], [[], authTime])
    const now = stage.clock.now()
    const after = await signedOf(await visit(bob, { ...MULTI, max_age: '50' }))
    assert.deepEqual([after.seen, after.acr, after.amr], [[CHALLENGE], MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
    assert.ok((after.authTime ?? 0) >= now)
  })

  it('reports no level that was carried before the max_age, even where nothing was asked', async () => {
    const { bob } = await session(MULTI)
    const after = await signedOf(await visit(bob, { max_age: '50' }))
    assert.deepEqual([after.seen, after.acr, after.amr], [[LOGIN], SINGLE_FACTOR, ['pwd']])
    const later = await signedOf(await visit(bob))
    assert.deepEqual([later.seen, later.acr], [[], MULTI_FACTOR])
  })

  it('wants the login within it after a voluntary level was declined', async () => {
    const { bob } = await session()
    const { page, redeem } = await open(bob, { ...MULTI, max_age: '50' })
    assert.equal(page.heading, CHALLENGE)
    const login = await leave(bob, page, 'decline')
    assert.equal(login.heading, LOGIN)
    const answer = await signIn(bob.browser, login, 'bob')
    assert.ok(isAnswer(answer), answer.heading)
    const signed = await redeem(answer.url)
    assert.equal(signed.acr, SINGLE_FACTOR)
    assert.ok((signed.authTime ?? 0) >= stage.clock.now() - 1)
  })

  for (const parameters of [{ max_age: '1' }, { max_age: '0' }, { prompt: 'login' }])
    for (const cold of [false, true])
      it(`ends for ${JSON.stringify(parameters)}, however slow the person, ${cold ? 'signed out' : 'signed in'}`, async () => {
        const host = await stage.host({ stepUp: { policy: { default: 'always' } } })
        const bob = await stage.enrolled(host)
        if (!cold) await visit(bob)
        stage.clock.advance(60)
        const { seen, redeem } = await visit(bob, parameters, { pause: () => stage.clock.advance(70) })
        // A session of two kinds whose max_age has passed owes the second one alone.
        assert.deepEqual(seen, cold || parameters.max_age !== '1' ? [LOGIN, CHALLENGE] : [CHALLENGE])
        const { acr, authTime } = await redeem()
        assert.equal(acr, MULTI_FACTOR)
        assert.ok((authTime ?? 0) >= stage.clock.now() - 1)
      })

  it('takes max_age=0 for prompt=login', async () => {
    const { bob, authTime } = await session(MULTI)
    const { seen, acr, authTime: after } = await signedOf(await visit(bob, { max_age: '0' }))
    assert.deepEqual([seen, acr], [[LOGIN], SINGLE_FACTOR])
    assert.ok((after ?? 0) > (authTime ?? 0))
  })
})

describe('freshness: one session, several requests', () => {
  const stage = useStage()

  it('AC-45: voids for prompt=login only its own request; another app keeps what was proved', async () => {
    const host = await stage.host({ clients: [{ ...OTHER, client_id: 'app' }, OTHER] })
    const bob = await stage.enrolled(host)
    const stepped = await signedOf(await visit(bob, MULTI))
    stage.clock.advance(60)
    const again = await signedOf(await visit(bob, { prompt: 'login' }))
    assert.deepEqual([again.seen, again.acr, again.amr], [[LOGIN], SINGLE_FACTOR, ['pwd']])
    stage.clock.advance(60)
    const rp = await stage.relyingParty(host, OTHER)
    const elsewhere = await signedOf(await visit(bob, MULTI, { rp }))
    assert.deepEqual([elsewhere.seen, elsewhere.acr, elsewhere.authTime], [[], MULTI_FACTOR, stepped.authTime])
  })

  const twoTabs = async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob)
    stage.clock.advance(60)
    const login = await open(bob, { prompt: 'login' })
    const step = await open(bob, ESSENTIAL)
    assert.deepEqual([login.page.heading, step.page.heading], [LOGIN, CHALLENGE])
    const tabs = {
      login: async () => {
        const answer = await signIn(bob.browser, login.page, 'bob')
        return (await login.redeem(answer.url)).acr
      },
      step: async () => {
        const answer = await bob.answer(step.page)
        return (await step.redeem(answer.url)).acr
      },
    }
    return { bob, tabs }
  }

  for (const order of [['login', 'step'] as const, ['step', 'login'] as const])
    it(`AC-45: loses nothing when the same account finishes in two tabs: ${order.join(', then ')}`, async () => {
      const { bob, tabs } = await twoTabs()
      const told: Record<string, string | undefined> = {}
      const at: Record<string, number> = {}
      for (const tab of order) {
        at[tab] = stage.clock.now()
        told[tab] = await tabs[tab]()
        stage.clock.advance(60)
      }
      assert.deepEqual(told, { login: SINGLE_FACTOR, step: MULTI_FACTOR })
      const later = await signedOf(await visit(bob, MULTI))
      assert.deepEqual([later.seen, later.acr], [[], MULTI_FACTOR])
      // The password of the other tab makes the second proof look no fresher.
      assert.ok(Math.abs((later.authTime ?? 0) - (at.step ?? 0)) <= 2)
    })

  it('AC-51: carries nothing over to another account in the same browser, nor back', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob, MULTI)
    stage.clock.advance(60)

    const { page, redeem } = await open(bob, { ...ESSENTIAL, prompt: 'login' })
    const leaving = await signIn(bob.browser, page, 'carol')
    assert.match(leaving.text, /name="xsrf"/)
    const confirmed = await confirmSignOut(bob, leaving)
    assert.equal(confirmed.heading, ENROLL)
    const carol = await stage.person(host, 'carol')
    carol.browser.load(bob.browser.cookies())
    const answer = await carol.enroll(confirmed)
    const signed = await redeem(answer.url)
    assert.deepEqual([signed.sub, signed.acr, signed.amr], ['carol', MULTI_FACTOR, ['pwd', 'otp', 'mfa']])

    stage.clock.advance(60)
    const back = await open(carol, { prompt: 'login', ...MULTI })
    const returned = await confirmSignOut(carol, await signIn(carol.browser, back.page, 'bob'))
    assert.equal(returned.heading, CHALLENGE)
  })
})

/** oidc-provider signs the other account out first: a page that posts itself where scripts run. */
const confirmSignOut = (person: Person, page: Awaited<ReturnType<typeof open>>['page']) => {
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  return person.browser.send(page.targets[0] ?? '', { form: { xsrf, logout: 'yes' } })
}

describe('freshness: what ends a session', () => {
  const stage = useStage()
  const steppedUp = async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob, MULTI)
    stage.clock.advance(60)
    return { host, bob }
  }

  it('AC-49: asks everything again after the account has a new security stamp', async () => {
    const { host, bob } = await steppedUp()
    host.accounts.set('bob', { id: 'bob', label: 'bob@example.com', securityStamp: 'changed' })
    const silent = await visit(bob, { prompt: 'none' })
    assert.equal(silent.error, 'login_required')
    const again = await signedOf(await visit(bob, MULTI))
    assert.deepEqual([again.seen, again.acr], [[LOGIN, CHALLENGE], MULTI_FACTOR])
    assert.deepEqual((await visit(bob, MULTI)).seen, [])
  })

  it('answers access_denied for an account that was disabled or is gone, silent or not', async () => {
    const { host, bob } = await steppedUp()
    const bobs = host.accounts.get('bob') ?? { id: 'bob', label: 'bob' }
    for (const change of [
      () => host.accounts.set('bob', { ...bobs, disabled: true }),
      () => host.accounts.delete('bob'),
    ]) {
      change()
      for (const parameters of [{}, { prompt: 'none' }, MULTI, ESSENTIAL]) {
        const { seen, error, page } = await visit(bob, parameters)
        assert.deepEqual([seen, error, page.url.searchParams.get('code')], [[], 'access_denied', null])
      }
    }
    host.accounts.set('bob', bobs)
    assert.equal((await visit(bob, MULTI)).error, undefined)
  })

  it('answers access_denied after the login of such an account, and while a page waits for its code', async () => {
    const { host, bob } = await steppedUp()
    bob.browser.clear()
    const { page } = await bob.go(MULTI)
    assert.equal(page.heading, CHALLENGE)
    host.accounts.set('bob', { id: 'bob', label: 'bob', disabled: true })
    assert.equal(errorOf(await bob.browser.post(page, { code: codeAt(bob.secret) })), 'access_denied')
    bob.browser.clear()
    const { seen, error } = await visit(bob)
    assert.deepEqual([seen, error], [[LOGIN], 'access_denied'])
  })
})
