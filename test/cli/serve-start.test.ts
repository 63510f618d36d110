import assert from 'node:assert/strict'
import type { ServeConfig } from '../../src/cli/config.ts'
import { serve } from '../../src/cli/serve.ts'
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
