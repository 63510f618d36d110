import assert from 'node:assert/strict'
import type { AdapterFactory } from 'oidc-provider'
import type { ServeConfig } from '../../src/cli/config.ts'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'
import { serve } from '../../src/cli/serve.ts'
import { systemClock } from '../../src/clock.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { createBrowser } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createRelyingParty, secretOn } from '../support/relying-party.ts'
import { freePort, holdPort } from './free-port.ts'
import { configFor } from './served.ts'

describe('cli/serve at start', () => {
  it('says which port is taken and how to choose another', async () => {
    const { port, release } = await holdPort()
    await assert.rejects(serve(configFor(port)), {
      code: 'ERR_CONFIG',
      message: `port ${port} is in use by another program; stop that one, or choose another: change \`port\` in the configuration`,
    })
    await release()
  })

  const mistakes: [name: string, changes: Partial<ServeConfig>, message: RegExp][] = [
    [
      'a client',
      { clients: [{ client_id: 'app', client_secret: 's', redirect_uris: ['no url'] }] },
      /^clients\[0\] \("app"\): redirect_uris must/,
    ],
    [
      'a setting of oidc-provider',
      { configuration: { features: { nonsense: { enabled: true } } } as never },
      /^configuration: /,
    ],
    ['a level', { levels: [] }, /levels/],
    ['a floor', { policy: { clients: { app: { floor: 'unknown' } } } }, /floor/],
    [
      'the name of a client in the policy',
      { policy: { default: 'never', clients: { app: {}, aap: { floor: MULTI_FACTOR } } } },
      /^policy\.clients\.aap: found no client of that client_id; allowed: app$/,
    ],
    ['how people enroll', { enrollment: 'link' as never }, /enrollment: found "link"; allowed/],
    ['how long browsers are remembered', { rememberBrowser: { lifeSeconds: 0 } }, /rememberBrowser\.lifeSeconds/],
    [
      'remembering browsers under a preset that does not',
      { levels: 'nist', rememberBrowser: {} },
      /rememberBrowser: found .*nist/,
    ],
    ['development pages', { configuration: { features: { devInteractions: { enabled: true } } } }, /devInteractions/],
    ['keys', { jwks: { keys: [{ kty: 'EC' }] } }, /jwks|key/],
  ]
  for (const [name, changes, message] of mistakes) {
    it(`names a mistake in ${name} before it listens`, async () => {
      const port = await freePort()
      await assert.rejects(serve(configFor(port, changes)), { code: 'ERR_CONFIG', message })
      await assert.rejects(fetch(`http://127.0.0.1:${port}/`))
    })
  }

  it('takes a floor for a client that is in the adapter alone', async () => {
    const memory = memoryAdapter(systemClock)
    const row = { client_id: 'other', client_secret: 's', redirect_uris: ['https://x.example'] }
    const adapter: AdapterFactory = (name) => ({
      ...memory(name),
      ...(name === 'Client' ? { find: async (id: string) => (id === row.client_id ? row : undefined) } : {}),
    })
    const policy = { default: 'never', clients: { other: { floor: MULTI_FACTOR } } } as const
    await (await serve(configFor(await freePort(), { policy, configuration: { adapter } }))).close()
  })

  it('warns of passkeys at an address that is no domain', async () => {
    const heard: (string | undefined)[] = []
    const listen = (warning: Error & { code?: string }) => void heard.push(warning.code)
    process.on('warning', listen)
    try {
      for (const host of ['127.0.0.1', 'localhost']) {
        const port = await freePort()
        const factors = [webauthn({ relyingPartyName: 'Test' })]
        await (await serve(configFor(port, { issuer: `http://${host}:${port}`, factors }))).close()
        await new Promise((resolve) => setImmediate(resolve))
        assert.deepEqual(heard, ['STEP_UP_UNFIT'])
      }
    } finally {
      process.off('warning', listen)
    }
  })

  it('enrolls by link only and remembers browsers for a week where told to, and answers operators', async () => {
    const changes: Partial<ServeConfig> = {
      enrollment: 'ticket',
      rememberBrowser: { lifeSeconds: 7 * 86_400 },
      policy: { default: 'always' },
    }
    const served = await serve(configFor(await freePort(), changes))
    const heard: string[] = []
    served.events.on('ticket.opened', ({ accountId }) => void heard.push(`opened for ${accountId}`))
    served.events.on('authenticator.enrolled', ({ by }) => void heard.push(`enrolled by ${by}`))
    const rp = await createRelyingParty(served)
    const signIn = async () => {
      const browser = createBrowser(served.issuer)
      const { url } = await rp.request()
      return browser.post(await browser.get(url), { username: 'alice', password: 'right' })
    }
    try {
      assert.match((await signIn()).text, /here it can be set up only with a link/)
      const { url } = await served.accounts.issueTicket('a')
      const browser = createBrowser(served.issuer)
      const enroll = await browser.post(await browser.get(url), { ticket: url })
      await browser.post(enroll, { code: codeAt(secretOn(enroll)) })
      assert.match((await signIn()).text, /Do not ask again in this browser for 7 days/)
      assert.deepEqual(heard, ['opened for a', 'enrolled by ticket'])
      const { authenticators } = await served.accounts.list('a')
      assert.deepEqual(
        authenticators.map(({ factor }) => factor),
        ['totp'],
      )
    } finally {
      await served.close()
    }
  })

  it('ends open connections at once', async () => {
    const served = await serve(configFor(await freePort()))
    await fetch(served.issuer)
    const started = process.hrtime.bigint()
    await served.close()
    assert.ok(process.hrtime.bigint() - started < 1_000_000_000n)
    await assert.rejects(fetch(served.issuer))
  })
})
