import type { ServeConfig } from '../../src/cli/config.ts'
import { generateSigningKeys } from '../../src/cli/key-ring.ts'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'
import { systemClock } from '../../src/clock.ts'
import { totp } from '../../src/factors/totp.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { CLIENT } from '../support/host.ts'

const people = new Map([
  ['alice', { id: 'a', label: 'alice', name: 'Alice', email: 'alice@example.com' }],
  ['broken', { id: 'broken', label: 'broken' }],
  ['carol', { id: 'c', label: 'carol', disabled: true }],
])

/** A configuration with a user database, on this port. */
export const configFor = (port: number, changes: Partial<ServeConfig> = {}): ServeConfig => ({
  issuer: `http://localhost:${port}`,
  port,
  clients: [
    {
      client_id: 'app',
      client_name: 'Test <App>',
      client_secret: CLIENT.client_secret,
      redirect_uris: [...CLIENT.redirect_uris],
      post_logout_redirect_uris: [...CLIENT.redirect_uris],
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ],
  accounts: {
    authenticate: (username, password) => (password === 'right' ? people.get(username)?.id : undefined),
    find: (id) => {
      if (id === 'broken') throw new Error('SECRET DATABASE ADDRESS')
      return [...people.values()].find((person) => person.id === id)
    },
  },
  sealingKeys: [Buffer.alloc(32, 5).toString('base64url')],
  cookieKeys: ['cookie key '.repeat(4)],
  factors: [totp({ issuer: 'Test' })],
  policy: { default: 'never' },
  store: memoryStore(),
  jwks: generateSigningKeys(),
  configuration: { adapter: memoryAdapter(systemClock) },
  ...changes,
})
