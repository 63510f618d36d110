import { randomBytes } from 'node:crypto'
import { email } from 'oidc-step-up/factors/email'
import { totp } from 'oidc-step-up/factors/totp'
import { webauthn } from 'oidc-step-up/factors/webauthn'
import { all, client, group, ipRange, not, timeOfDay, when } from 'oidc-step-up/policy'
import { impossibleTravel, newDevice, untrustedIp, velocity } from 'oidc-step-up/risk'
import { defineConfig } from 'oidc-step-up/serve'

// oidc-step-up serve --config examples/policy.config.mjs
// oidc-step-up explain --config examples/policy.config.mjs --account maria --client bank --ip 198.51.100.7

const { PORT = '3000', PASSWORD = randomBytes(9).toString('base64url') } = process.env

const app = (id) => ({
  client_id: id,
  client_name: id,
  client_secret: randomBytes(16).toString('hex'),
  redirect_uris: [`http://localhost:3001/${id}`],
})

const OFFICE = ['10.0.0.0/8', '2001:db8:7::/48']

// biome-ignore lint/style/noDefaultExport: that is where serve looks for a configuration.
export default defineConfig({
  issuer: `http://localhost:${PORT}`,
  port: Number(PORT),
  clients: [app('wiki'), app('bank')],
  accounts: [
    { id: '1', username: 'maria', password: PASSWORD, metadata: { groups: ['admins'] } },
    {
      id: '2',
      username: 'tom',
      password: PASSWORD,
      email: 'tom@example.com',
      emailVerified: true,
      // An empty list: without one, tom might be in any group, and would be asked as if he were.
      metadata: { groups: [] },
    },
  ],
  sealingKeys: [randomBytes(32).toString('base64url')],
  cookieKeys: [randomBytes(32).toString('base64url')],
  factors: [
    webauthn({ relyingPartyName: 'Example' }),
    totp({ issuer: 'Example' }),
    email({ sender: async ({ to, text }) => process.stdout.write(`to ${to}\n${text}\n`) }),
  ],
  risk: [newDevice(), impossibleTravel(), velocity(), untrustedIp({ deny: ['203.0.113.0/24'], anonymizers: false })],
  policy: {
    default: 'adaptive',
    rules: [
      when(ipRange(...OFFICE), { exempt: true }, { name: 'office' }),
      when(group('admins'), { floor: 'phr', allowRememberBrowser: false }, { name: 'admins' }),
      when(all(client('bank'), not(ipRange(...OFFICE))), { maxAgeSeconds: 300 }, { name: 'bank from outside' }),
      when(
        timeOfDay({ from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }),
        { factors: ['webauthn'] },
        { name: 'night', reportOnly: true },
      ),
    ],
  },
})
