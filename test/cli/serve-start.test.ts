import assert from 'node:assert/strict'
import type { ServeConfig } from '../../src/cli/config.ts'
import { serve } from '../../src/cli/serve.ts'
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

  it('ends open connections at once', async () => {
    const served = await serve(configFor(await freePort()))
    await fetch(served.issuer)
    const started = process.hrtime.bigint()
    await served.close()
    assert.ok(process.hrtime.bigint() - started < 1_000_000_000n)
    await assert.rejects(fetch(served.issuer))
  })
})
