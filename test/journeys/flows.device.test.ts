import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR } from '../../src/index.ts'
import { journey, type Truth, truthOf, walk } from './flow-answers.ts'
import { beside, createParty, fill, flowClient, flowConfiguration, type Parameters, type Party } from './flows.ts'
import { acrClaim, CHALLENGE, LOGIN, leave, type Person, UNREACHABLE, useStage } from './stage.ts'

const DONE = 'Sign-in Success'
const CONFIRM = 'Confirm Device'
const MULTI = { acr_values: MULTI_FACTOR }
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const UNMET = 'unmet_authentication_requirements'
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const begin = ({ config }: Party, parameters: Parameters = {}) =>
  client.initiateDeviceAuthorization(config, { scope: 'openid', ...parameters })

type Device = Awaited<ReturnType<typeof begin>>

/** What the device is told when it asks once. */
const redeem = ({ config }: Party, { device_code }: Device) =>
  client.genericGrantRequest(config, GRANT, { device_code })

/** Types the device's code, up to the page that wants it confirmed. */
const type = async ({ browser }: Person, device: Device) => {
  const page = await fill(browser, await browser.get(device.verification_uri), { user_code: device.user_code })
  assert.equal(page.heading, CONFIRM)
  return page
}

const confirm = async (person: Person, device: Device, stopAt?: string) =>
  walk(person, await fill(person.browser, await type(person, device), { confirm: 'yes' }), 'bob', stopAt)

/** What the device's tokens say alike. */
const tell = async (party: Party, device: Device): Promise<Truth> => {
  const tokens = await client.pollDeviceAuthorizationGrant(party.config, { ...device, interval: 0 })
  const truth = truthOf(tokens.claims() ?? {})
  assert.deepEqual(truthOf(await client.tokenIntrospection(party.config, tokens.access_token)), truth)
  const refreshed = await client.refreshTokenGrant(party.config, tokens.refresh_token ?? '')
  assert.deepEqual(truthOf(refreshed.claims() ?? {}), truth)
  return truth
}

type Row = readonly [parameters: Parameters, seen: readonly string[], acr: string]

/** Asked of a browser whose session has a password of 100 seconds ago, where nothing is owed. */
const OUT_OF_A_PASSWORD: readonly Row[] = [
  [{}, [], SINGLE_FACTOR],
  [{ max_age: '1000' }, [], SINGLE_FACTOR],
  [MULTI, [CHALLENGE], MULTI_FACTOR],
  [ESSENTIAL, [CHALLENGE], MULTI_FACTOR],
  [{ ...ESSENTIAL, acr_values: SINGLE_FACTOR }, [CHALLENGE], MULTI_FACTOR],
  [{ ...MULTI, max_age: '50' }, [CHALLENGE], MULTI_FACTOR],
  [{ max_age: '50' }, [LOGIN], SINGLE_FACTOR],
  [{ max_age: '0' }, [LOGIN], SINGLE_FACTOR],
  [{ ...ESSENTIAL, max_age: '0' }, [LOGIN, CHALLENGE], MULTI_FACTOR],
]

const ABOVE_A_FLOOR: readonly Row[] = [
  [{}, [LOGIN, CHALLENGE], MULTI_FACTOR],
  [{ acr_values: SINGLE_FACTOR }, [LOGIN, CHALLENGE], SINGLE_FACTOR],
  [{ max_age: '0' }, [LOGIN, CHALLENGE], MULTI_FACTOR],
]

describe('flows: a device asks', () => {
  const stage = useStage()
  const start = async (policy: 'never' | 'always' = 'never') => {
    const host = await stage.host({
      clients: beside(flowClient()),
      configuration: flowConfiguration,
      stepUp: { policy: { default: policy } },
    })
    return { host, bob: await stage.enrolled(host), party: await createParty(host) }
  }

  it('as a browser would, and is told the truth', async () => {
    const { bob, party } = await start()
    for (const [parameters, seen, acr] of OUT_OF_A_PASSWORD) {
      bob.browser.clear()
      await journey(bob, party)
      stage.clock.advance(100)
      const now = stage.clock.now()
      const device = await begin(party, parameters)
      const title = JSON.stringify(parameters)
      assert.deepEqual((await confirm(bob, device)).seen, [...seen, DONE], title)
      const truth = await tell(party, device)
      assert.equal(truth.acr, acr, title)
      assert.deepEqual(truth.amr, acr === MULTI_FACTOR ? ['pwd', 'otp', 'mfa'] : ['pwd'], title)
      assert.equal(Number(truth.auth_time) >= now, seen.length > 0, title)
    }
  })

  it('and passes no floor', async () => {
    const { bob, party } = await start('always')
    for (const [parameters, seen, acr] of ABOVE_A_FLOOR) {
      bob.browser.clear()
      stage.clock.advance(60)
      const device = await begin(party, parameters)
      assert.deepEqual((await confirm(bob, device)).seen, [...seen, DONE], JSON.stringify(parameters))
      assert.equal((await tell(party, device)).acr, acr)
    }
  })

  it('with max_age=0 for a sign-in of its own, however fresh another one is', async () => {
    const { bob, party } = await start()
    await journey(bob, party, ESSENTIAL)
    const device = await begin(party, { ...ESSENTIAL, max_age: '0' })
    const { seen, page } = await confirm(bob, device, CHALLENGE)
    assert.deepEqual(seen, [LOGIN, CHALLENGE])
    await assert.rejects(redeem(party, device), { error: 'authorization_pending' })
    stage.clock.advance(60)
    assert.equal((await bob.answer(page)).heading, DONE)
    assert.equal((await tell(party, device)).acr, MULTI_FACTOR)
  })

  it('for a level that no level names, and is refused at once', async () => {
    const { party } = await start()
    const claims = acrClaim({ essential: true, value: 'urn:example:none' })
    await assert.rejects(begin(party, { claims }), { error: UNMET })
  })

  for (const [title, policy, parameters, stopAt, error] of [
    ['an essential level', 'never', ESSENTIAL, CHALLENGE, UNMET],
    ['a floor', 'always', {}, CHALLENGE, 'access_denied'],
    [
      'a level out of reach',
      'never',
      { claims: acrClaim({ essential: true, value: PHISHING_RESISTANT }) },
      UNREACHABLE,
      UNMET,
    ],
  ] as const)
    it(`and is told once when ${title} was cancelled`, async () => {
      const { bob, party } = await start(policy)
      const device = await begin(party, parameters)
      const { page } = await confirm(bob, device, stopAt)
      await assert.rejects(redeem(party, device), { error: 'authorization_pending' })
      const left = await leave(bob, page, 'cancel')
      assert.notEqual(left.heading, DONE)
      await assert.rejects(redeem(party, device), { error })
      await assert.rejects(redeem(party, device), { error: 'invalid_grant' })
      // Neither the page that was left nor the code brings it back.
      stage.clock.advance(60)
      assert.notEqual((await bob.answer(page)).heading, DONE)
      const typed = await fill(bob.browser, await bob.browser.get(device.verification_uri), {
        user_code: device.user_code,
      })
      assert.notEqual(typed.heading, CONFIRM)
    })

  it('and is told the lower level where a voluntary one was declined', async () => {
    const { bob, party } = await start()
    const device = await begin(party, MULTI)
    const { page } = await confirm(bob, device, CHALLENGE)
    assert.equal((await leave(bob, page, 'decline')).heading, DONE)
    assert.equal((await tell(party, device)).acr, SINGLE_FACTOR)
  })

  it('and is denied where its code is not confirmed', async () => {
    const { bob, party } = await start()
    const device = await begin(party)
    await fill(bob.browser, await type(bob, device), { confirm: 'yes', abort: 'yes' })
    await assert.rejects(redeem(party, device), { error: 'access_denied' })
  })

  it('and gets nothing when its code expired while a page was open', async () => {
    const { bob, party } = await start()
    const device = await begin(party, ESSENTIAL)
    const { page } = await confirm(bob, device, CHALLENGE)
    stage.clock.advance(Number(device.expires_in) + 60)
    assert.notEqual((await bob.answer(page)).heading, DONE)
    await assert.rejects(redeem(party, device), ({ error }) => ['expired_token', 'invalid_grant'].includes(error))
  })

  it('and another client, or a second poll, gets nothing', async () => {
    const host = await stage.host({
      clients: beside(flowClient(), flowClient({ client_id: 'other' })),
      configuration: flowConfiguration,
    })
    const bob = await stage.enrolled(host)
    const party = await createParty(host)
    const device = await begin(party, ESSENTIAL)
    assert.equal((await confirm(bob, device)).page.heading, DONE)
    const other = await createParty(host, flowClient({ client_id: 'other' }))
    await assert.rejects(redeem(other, device), { error: 'invalid_grant' })
    assert.equal((await tell(party, device)).acr, MULTI_FACTOR)
    await assert.rejects(redeem(party, device), { error: 'invalid_grant' })
  })
})
