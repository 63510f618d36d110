import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as client from 'openid-client'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { journey, oneTruth, redeem } from './flow-answers.ts'
import {
  beside,
  createParty,
  flowClient,
  flowConfiguration,
  OTHER_CALLBACK,
  type Parameters,
  type Party,
} from './flows.ts'
import { acrClaim, CHALLENGE, LOGIN, type Person, useStage } from './stage.ts'

const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
/** The device grant would want a `jwks_uri` of such a client. */
const PAIRWISE = { subject_type: 'pairwise', grant_types: ['authorization_code', 'implicit', 'refresh_token'] } as const
const SETTINGS = { ...PAIRWISE, grant_types: [...PAIRWISE.grant_types] }
const HERE = flowClient(SETTINGS)
const THERE = flowClient({ client_id: 'there', redirect_uris: [OTHER_CALLBACK], ...SETTINGS })

const pairwise = (sector: string, accountId: string) =>
  createHash('sha256').update(`${sector} ${accountId}`).digest('base64url')

const SUBJECTS = { here: pairwise('rp.example', 'bob'), there: pairwise('other.example', 'bob') }

describe('pairwise subjects', () => {
  const stage = useStage()
  const start = async () => {
    const host = await stage.host({
      clients: beside(HERE, THERE),
      configuration: {
        ...flowConfiguration,
        pairwiseIdentifier: (_ctx, accountId, asking) => pairwise(String(asking.sectorIdentifier), accountId),
        subjectTypes: ['public', 'pairwise'],
      },
    })
    const bob = await stage.enrolled(host)
    const [here, there] = [await createParty(host, HERE), await createParty(host, THERE)]
    const sign = async (person: Person, party: Party, parameters: Parameters = {}) => {
      const { seen, answer, request } = await journey(person, party, parameters)
      const { told, tokens } = await redeem(party, { answer, request })
      assert.ok(tokens !== undefined)
      return { seen, tokens, truth: oneTruth(told), sub: tokens.claims()?.sub ?? '' }
    }
    return { host, bob, here, there, sign }
  }

  it('are two names of one person, whose session is one', async () => {
    const { host, bob, here, there, sign } = await start()
    const weak = await sign(bob, there)
    assert.deepEqual([weak.seen, weak.sub, weak.truth.acr], [[LOGIN], SUBJECTS.there, SINGLE_FACTOR])
    const first = await sign(bob, here, ESSENTIAL)
    assert.deepEqual([first.seen, first.sub, first.truth.acr], [[CHALLENGE], SUBJECTS.here, MULTI_FACTOR])
    const second = await sign(bob, there, { ...ESSENTIAL, prompt: 'none' })
    assert.deepEqual([second.seen, second.sub, second.truth], [[], SUBJECTS.there, first.truth])
    // One of them is of the browser in which bob was enrolled.
    assert.equal((await host.store.list('bob', 'ledger')).length, 2)
    for (const sub of Object.values(SUBJECTS)) assert.deepEqual(await host.store.list(sub, 'ledger'), [])
  })

  it('are told by userinfo and introspection as by the ID token, whoever asks', async () => {
    const { bob, here, there, sign } = await start()
    const first = await sign(bob, here, ESSENTIAL)
    const second = await sign(bob, there, { ...ESSENTIAL, prompt: 'none' })
    for (const [{ tokens, sub }, party] of [
      [first, here],
      [second, there],
    ] as const) {
      assert.deepEqual(await client.fetchUserInfo(party.config, tokens.access_token, sub), { sub })
      for (const asking of [here, there])
        for (const token of [tokens.access_token, tokens.refresh_token ?? '']) {
          const introspected = await client.tokenIntrospection(asking.config, token)
          assert.deepEqual([introspected.active, introspected.sub], [true, sub])
        }
    }
  })

  it('stay the same over a refresh', async () => {
    const { bob, here, sign } = await start()
    const { tokens, sub, truth } = await sign(bob, here, ESSENTIAL)
    stage.clock.advance(600)
    const claims = (await client.refreshTokenGrant(here.config, tokens.refresh_token ?? '')).claims()
    assert.deepEqual([claims?.sub, claims?.acr, claims?.auth_time], [sub, truth.acr, truth.auth_time])
  })

  it('hint at their own person only, by the client that knows them', async () => {
    const { host, bob, here, there, sign } = await start()
    const { tokens } = await sign(bob, here, ESSENTIAL)
    const hint = { id_token_hint: tokens.id_token ?? '', prompt: 'none' }
    assert.equal((await sign(bob, here, hint)).truth.acr, MULTI_FACTOR)
    const carol = await stage.person(host, 'carol')
    await journey(carol, here, {}, { login: 'carol' })
    assert.equal((await journey(carol, here, hint)).error, 'login_required')
    assert.notEqual((await journey(bob, there, hint)).error, undefined)
  })

  it('AC-46: hide nobody from the end of an account', async () => {
    const { host, bob, here, there, sign } = await start()
    const all = [
      [await sign(bob, here, ESSENTIAL), here],
      [await sign(bob, there, { ...ESSENTIAL, prompt: 'none' }), there],
    ] as const
    stage.clock.advance(60)
    await host.mfa.accounts.reset('bob')
    for (const [{ tokens, sub }, { config }] of all) {
      await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ''), { error: 'invalid_grant' })
      assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false)
      await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub))
    }
  })
})
