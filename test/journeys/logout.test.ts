import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { codeAt } from '../support/host.ts'
import { journey, outcomeOf, redeem, truthOf, walk } from './flow-answers.ts'
import { beside, createParty, fill, flowClient, flowConfiguration, openAsked, type Parameters } from './flows.ts'
import { acrClaim, CHALLENGE, LOGIN, type Person, useStage } from './stage.ts'

const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const BYE = 'https://rp.example/bye'

describe('logging out', () => {
  const stage = useStage()
  const start = async (policy: 'never' | 'always' = 'never') => {
    const host = await stage.host({
      clients: beside(flowClient(), flowClient({ client_id: 'other' })),
      configuration: flowConfiguration,
      stepUp: { policy: { default: policy } },
    })
    const [bob, party] = [await stage.enrolled(host), await createParty(host)]
    const other = await createParty(host, flowClient({ client_id: 'other' }))
    const logout = async ({ browser }: Person, how: 'full' | 'partial', more: Parameters = {}) => {
      const { id_token: hint = '' } = (await redeem(party, await journey(bob, party, { prompt: 'none' }))).tokens ?? {}
      const parameters = { id_token_hint: hint, post_logout_redirect_uri: BYE, state: 'bye', ...more }
      const page = await browser.get(client.buildEndSessionUrl(party.config, parameters))
      const { url } = await fill(browser, page, how === 'full' ? { logout: 'yes' } : {})
      assert.equal(url.href, `${BYE}?state=bye`)
    }
    return { host, bob, party, other, logout }
  }

  it('in full: nothing that the session had shown counts any more, and the new one starts from nothing', async () => {
    const { host, bob, party, other, logout } = await start()
    const first = await redeem(party, await journey(bob, party, ESSENTIAL))
    await journey(bob, other, ESSENTIAL)
    // `enrolled` left one session behind in another browser.
    assert.equal((await host.store.list('bob', 'ledger')).length, 2)
    const stolen = bob.browser.clone()
    stage.clock.advance(60)
    await logout(bob, 'full')
    assert.equal((await host.store.list('bob', 'ledger')).length, 1)

    for (const browser of [bob.browser, stolen])
      for (const rp of [party, other])
        for (const parameters of [{}, ESSENTIAL]) {
          const silent = await journey({ ...bob, browser } as Person, rp, { ...parameters, prompt: 'none' })
          assert.equal(silent.error, 'login_required')
        }
    const token = first.tokens?.access_token ?? ''
    assert.equal((await client.tokenIntrospection(party.config, token)).active, false)
    await assert.rejects(client.refreshTokenGrant(party.config, first.tokens?.refresh_token ?? ''))

    const weak = await journey(bob, party)
    assert.deepEqual([weak.seen, await outcomeOf(party, weak)], [[LOGIN], SINGLE_FACTOR])
    const strong = await journey(bob, party, { ...ESSENTIAL, id_token_hint: first.tokens?.id_token ?? '' })
    assert.deepEqual([strong.seen, await outcomeOf(party, strong)], [[CHALLENGE], MULTI_FACTOR])
  })

  it('in part: the app is signed out of, the session and what it has shown stay', async () => {
    const { bob, party, other, logout } = await start()
    const first = await redeem(party, await journey(bob, party, ESSENTIAL))
    stage.clock.advance(60)
    await logout(bob, 'partial')
    assert.equal((await client.tokenIntrospection(party.config, first.tokens?.access_token ?? '')).active, false)
    for (const rp of [party, other]) {
      const silent = await journey(bob, rp, { ...ESSENTIAL, prompt: 'none' })
      assert.equal(await outcomeOf(rp, silent), MULTI_FACTOR)
    }
    const again = await redeem(party, await journey(bob, party, { ...ESSENTIAL, prompt: 'none' }))
    assert.deepEqual(again.told['ID token'], first.told['ID token'])
  })

  it('keeps what was granted for offline use, with what was true when it was granted', async () => {
    const { bob, party, logout } = await start()
    const offline = { scope: 'openid offline_access', prompt: 'consent' }
    const { tokens } = await redeem(party, await journey(bob, party, { ...offline, ...ESSENTIAL }))
    stage.clock.advance(60)
    await logout(bob, 'full')
    stage.clock.advance(3600)
    const refreshed = await client.refreshTokenGrant(party.config, tokens?.refresh_token ?? '')
    assert.deepEqual(truthOf(refreshed.claims() ?? {}), truthOf(tokens?.claims() ?? {}))
  })

  it('leaves a page that was open at that moment good for nothing', async () => {
    const { bob, party, logout } = await start()
    await journey(bob, party)
    const asked = await journey(bob, party, ESSENTIAL, { stopAt: CHALLENGE })
    assert.equal(asked.page.heading, CHALLENGE)
    await logout(bob, 'full')
    const { answer, seen } = await walk(bob, await bob.answer(asked.page))
    assert.equal(answer?.parameters.has('code') ?? false, false, String(seen))
    const fresh = await journey(bob, party, { prompt: 'none' })
    assert.equal(fresh.error, 'login_required')
  })

  it('forgets no remembered browser, which lifts the floor of the next session and proves nothing in it', async () => {
    const { bob, party, logout } = await start('always')
    const { request, page } = await journey(bob, party, {}, { stopAt: CHALLENGE })
    assert.equal(page.heading, CHALLENGE)
    const code = codeAt(bob.secret)
    const remembered = await walk(bob, await bob.browser.post(page, { code, remember: 'yes' }))
    assert.equal(await outcomeOf(party, { request, ...remembered, error: undefined }), MULTI_FACTOR)
    stage.clock.advance(60)
    await logout(bob, 'full')

    const lifted = await journey(bob, party)
    assert.deepEqual([lifted.seen, await outcomeOf(party, lifted)], [[LOGIN], SINGLE_FACTOR])
    const silent = await journey(bob, party, { prompt: 'none' })
    assert.equal(await outcomeOf(party, silent), SINGLE_FACTOR)
    assert.equal((await journey(bob, party, { ...ESSENTIAL, prompt: 'none' })).error, 'interaction_required')
    const strong = await journey(bob, party, ESSENTIAL)
    assert.deepEqual([strong.seen, await outcomeOf(party, strong)], [[CHALLENGE], MULTI_FACTOR])
  })

  it('of an account in one browser ends nothing in another', async () => {
    const { host, bob, party, logout } = await start()
    const laptop = await stage.person(host)
    laptop.secret = bob.secret
    await journey(bob, party, ESSENTIAL)
    stage.clock.advance(60)
    await journey(laptop, party, ESSENTIAL)
    await logout(bob, 'full')
    const silent = await journey(laptop, party, { ...ESSENTIAL, prompt: 'none' })
    assert.equal(await outcomeOf(party, silent), MULTI_FACTOR)
    const { all } = await party.request({ prompt: 'none' })
    const url = client.buildAuthorizationUrl(party.config, { ...all })
    const gone = await openAsked(bob.browser, { url, method: 'POST' })
    assert.equal(gone.url.searchParams.get('error'), 'login_required')
  })
})
