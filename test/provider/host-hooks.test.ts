import assert from 'node:assert/strict'
import { type Configuration, errors, interactionPolicy } from 'oidc-provider'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { acrClaim, answerOf, CHALLENGE, LOGIN, open, useStage, visit } from '../journeys/stage.ts'
import { errorOf } from '../support/relying-party.ts'

const MULTI = { acr_values: MULTI_FACTOR }

describe("the host's own functions, under the plugin", () => {
  const stage = useStage()

  it('lists every acr in discovery, and says that it takes the claims parameter', async () => {
    const host = await stage.host({ configuration: { acrValues: ['urn:example:own'] } })
    const { config } = await stage.relyingParty(host)
    const { acr_values_supported: acrs = [], claims_supported: claims = [], ...rest } = config.serverMetadata()
    assert.equal(rest.claims_parameter_supported, true)
    for (const acr of ['urn:example:own', SINGLE_FACTOR, MULTI_FACTOR, 'https://refeds.org/profile/mfa', 'phr', 'phrh'])
      assert.equal(acrs.filter((one) => one === acr).length, 1, acr)
    for (const claim of ['acr', 'amr', 'auth_time', 'sub']) assert.ok(claims.includes(claim), claim)
  })

  it('asks assertClaimsParameter first, and sends its refusal to the relying party', async () => {
    const judged: unknown[] = []
    const host = await stage.host({
      configuration: {
        features: {
          claimsParameter: {
            enabled: true,
            assertClaimsParameter: async (_ctx, claims, client) => {
              judged.push([claims.id_token?.acr, client.clientId])
              if (judged.length > 1) throw new errors.InvalidRequest("not with the host's rules")
            },
          },
        },
      },
    })
    const bob = await stage.person(host)
    const strange = { essential: true, value: 'urn:example:none' }
    const claims = acrClaim(strange)
    assert.equal(errorOf((await open(bob, { claims })).page), 'unmet_authentication_requirements')
    const { error, error_description: description } = answerOf((await open(bob, { claims })).page)
    assert.deepEqual([error, description], ['invalid_request', "not with the host's rules"])
    assert.deepEqual(judged, [
      [strange, 'app'],
      [strange, 'app'],
    ])
  })

  it('ignores the claims parameter where the host has turned it off', async () => {
    const host = await stage.host({ configuration: { features: { claimsParameter: { enabled: false } } } })
    const bob = await stage.person(host)
    for (const acr of [{ essential: true, value: 'urn:example:none' }, 'malformed']) {
      const { error, redeem } = await visit(bob, { claims: acrClaim(acr) })
      assert.deepEqual([error, (await redeem()).acr], [undefined, SINGLE_FACTOR])
    }
  })

  it('accepts nothing at a provider that was made from the configuration without step-up', async () => {
    const host = await stage.host({ stepUp: { policy: { default: 'always' } }, wiring: 'host configuration used' })
    const bob = await stage.person(host)
    const { page } = await visit(bob)
    assert.equal(page.url.searchParams.get('code'), null)
    assert.equal(page.status, 500)
    assert.match(host.errors.splice(0).join(), /not made from what configure\(\) returned/)
  })

  it('says in the log what is missing where attach() was forgotten', async () => {
    const host = await stage.host({ stepUp: { policy: { default: 'always' } }, wiring: 'not attached' })
    const bob = await stage.person(host)
    const { page } = await visit(bob)
    assert.equal(page.url.searchParams.get('code'), null)
    assert.match(host.errors.splice(0).join(), /attach\(provider\) was not called/)
  })

  it("refuses an account that the host's own findAccount no longer knows", async () => {
    let known = true
    const findAccount: Configuration['findAccount'] = (_ctx, sub) =>
      known ? { accountId: sub, claims: () => ({ sub }) } : undefined
    const host = await stage.host({ configuration: { findAccount } })
    const bob = await stage.person(host)
    assert.equal((await visit(bob)).error, undefined)
    known = false
    assert.equal((await visit(bob)).error, 'access_denied')
  })

  it('asks findAccount and interactions.url as ever, and interactions.url never for its own page', async () => {
    const found: string[] = []
    const sentTo: string[] = []
    const configuration: Configuration = {
      findAccount: async (ctx, sub, token) => {
        found.push(`${sub} at ${ctx.oidc.route}${token === undefined ? '' : ` with ${token.kind}`}`)
        return { accountId: sub, claims: () => ({ sub }) }
      },
      interactions: {
        url: (_ctx, { prompt, uid }) => {
          sentTo.push(prompt.name)
          return `/interaction/${uid}`
        },
      },
    }
    const host = await stage.host({ configuration })
    const bob = await stage.enrolled(host)
    const { seen, redeem } = await visit(bob, { ...MULTI, prompt: 'login consent' })
    assert.deepEqual(seen, [LOGIN, CHALLENGE, 'host consent'])
    assert.equal((await redeem()).acr, MULTI_FACTOR)
    assert.deepEqual(sentTo, ['login', 'login', 'consent'])
    assert.ok(
      found.includes('bob at resume') && found.includes('bob at token with AuthorizationCode'),
      found.join(', '),
    )
  })

  it("shows the host's own prompts in their places, and its checks beside ours", async () => {
    const { Check, Prompt, base } = interactionPolicy
    const policy = base()
    policy.add(
      new Prompt(
        { name: 'terms', requestable: true },
        new Check('unread', 'not read yet', 'terms_unread', ({ oidc }) => oidc.result?.consent === undefined),
      ),
      1,
    )
    policy
      .get('login')
      ?.checks.add(
        new Check('hour', 'not at this hour', 'login_required', ({ oidc }) => oidc.params?.display === 'wap'),
      )
    const url = (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}`
    const host = await stage.host({ configuration: { interactions: { policy, url } } })
    const bob = await stage.person(host)
    const { page } = await bob.go(MULTI)
    const terms = await bob.enroll(page)
    assert.equal(terms.heading, 'host terms')
    assert.equal(errorOf((await open(bob, { prompt: 'none' })).page), 'terms_unread')
    assert.equal(errorOf((await open(bob, { prompt: 'none', display: 'wap' })).page), 'login_required')
  })
})
