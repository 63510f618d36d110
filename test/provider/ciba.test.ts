import assert from 'node:assert/strict'
import type Provider from 'oidc-provider'
import { presets } from '../../src/assurance/presets.ts'
import type { Config } from '../../src/config.ts'
import { push } from '../../src/factors/push.ts'
import type { AccountRecord } from '../../src/flow/account-record.ts'
import type { DeviceEnding } from '../../src/flow/devices.ts'
import { type ConcludeTools, createConclude } from '../../src/provider/ciba/conclude.ts'

const NOW = 1_700_000_000
const factor = push()
const proof = { kinds: factor.kinds, traits: factor.traits, amr: factor.amr }
const phone = { id: 'phone', factor: 'push', status: 'active', createdAt: 0, data: {} } as const

const ending = {
  place: {
    id: 'ciba.1',
    account: { id: 'bob', label: 'Bob' },
    factor,
    client: { id: 'app', name: 'App' },
    backchannel: { authReqId: '1', requirement: { asked: { levels: [], unknown: [], essential: false }, floors: [] } },
  },
  proof,
  authenticatorId: phone.id,
  at: NOW,
} as unknown as DeviceEnding

/** A provider that has one request, and the results it was given. */
const provided = (fault?: Error) => {
  const results: unknown[] = []
  const request = { jti: '1', clientId: 'app', accountId: 'bob', scope: 'openid', remainingTTL: 60, params: {} }
  const grant = { addOIDCScope() {}, addOIDCClaims() {}, addResourceScope() {}, save: async () => 'grant' }
  const provider = {
    BackchannelAuthenticationRequest: { find: async () => request },
    Grant: function Grant() {
      return grant
    },
    backchannelResult: async (_request: unknown, result: unknown) => {
      results.push(result)
      if (fault !== undefined) throw fault
    },
  }
  return { results, grant, provider: () => provider as unknown as Provider }
}

const toolsWith = (authenticators: AccountRecord['authenticators'], provider: () => Provider): ConcludeTools => ({
  config: { factors: [factor], levels: presets.standard, flowSeconds: 600, clock: () => NOW } as unknown as Config,
  announce: () => undefined,
  records: {
    load: async () => ({
      record: { authenticators, failures: {}, disabledFactors: {}, factorsVersion: '0' },
      version: 1,
    }),
  },
  provider,
})

describe('provider: the end of a backchannel request', () => {
  it('is a grant where the device that approved still stands', async () => {
    const { provider, results, grant } = provided()
    await createConclude(toolsWith([phone], provider))(ending)
    assert.deepEqual(results, [grant])
  })

  it('is access_denied where the device was taken away in the moment after it approved', async () => {
    const { provider, results } = provided()
    await createConclude(toolsWith([], provider))(ending)
    assert.deepEqual(
      results.map((result) => (result as { error: string }).error),
      ['access_denied'],
    )
  })

  it('is a fault where the result could not be written', async () => {
    const fault = new Error('out of reach')
    const { provider } = provided(fault)
    await assert.rejects(createConclude(toolsWith([phone], provider))(ending), fault)
  })

  it('concerns nobody where a browser waits', async () => {
    const { provider, results } = provided()
    const { backchannel: _none, ...place } = ending.place
    await createConclude(toolsWith([phone], provider))({ ...ending, place })
    assert.deepEqual(results, [])
  })
})
