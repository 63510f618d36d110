import type { ClientMetadata } from 'oidc-provider'
import { MULTI_FACTOR } from '../assurance/presets.ts'
import { randomToken } from '../crypto/random.ts'
import type { Backing } from './backing.ts'
import { defineConfig, type ServeConfig } from './config.ts'
import { generateSigningKeys } from './key-ring.ts'

/** The address that both sites of the demo listen on: this machine only. */
export const HOST = '127.0.0.1'

/** How long open requests may take at the end, for each of Bank and the provider: those to one end in the other. */
export const GRACE_SECONDS = 4

const EVERY_RESPONSE_TYPE: NonNullable<ClientMetadata['response_types']>[number][] = [
  'code',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
]
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const CIBA = 'urn:openid:params:grant-type:ciba'

const bankClient = (origin: string, secret: string): ClientMetadata => ({
  client_id: 'bank',
  client_name: 'Bank',
  client_secret: secret,
  redirect_uris: [`${origin}/callback`],
  post_logout_redirect_uris: [`${origin}/signed-out`],
  grant_types: ['authorization_code', CIBA],
  backchannel_token_delivery_mode: 'poll',
})

/** For trying one's own relying party: everything on, and a secret that everybody knows. */
const playground: ClientMetadata = {
  client_id: 'playground',
  client_name: 'Playground',
  client_secret: 'playground',
  redirect_uris: ['http://localhost:3002/callback'],
  grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials', DEVICE_CODE, CIBA],
  backchannel_token_delivery_mode: 'poll',
  response_types: EVERY_RESPONSE_TYPE,
}

/** Where both listen, and how Bank is known to the provider. */
export interface Sites {
  readonly port: number
  readonly issuer: string
  readonly origin: string
  readonly bankSecret: string
}

/** Numbers of these are for stories only: nobody has one. */
const person = (id: string, name: string, password: string, phone: string) => ({
  id,
  username: id,
  password,
  name,
  email: `${id}@example.com`,
  emailVerified: true,
  phone,
})

/** What a start brings along that is new each time. */
export interface DemoParts extends Pick<ServeConfig, 'sealingKeys' | 'factors'> {
  readonly passwords: { readonly alice: string; readonly bob: string }
  readonly backing: Pick<Backing, 'store' | 'adapter'>
}

/** The provider's configuration. */
export const demoConfig = (
  { port, issuer, origin, bankSecret }: Sites,
  { passwords, sealingKeys, factors, backing: { store, adapter } }: DemoParts,
): ServeConfig =>
  defineConfig({
    issuer,
    port,
    host: HOST,
    clients: [bankClient(origin, bankSecret), playground],
    accounts: [
      person('alice', 'Alice', passwords.alice, '+12025550123'),
      person('bob', 'Bob', passwords.bob, '+12025550145'),
    ],
    store,
    sealingKeys,
    cookieKeys: [randomToken(32)],
    jwks: generateSigningKeys(),
    factors,
    offers: true,
    graceSeconds: GRACE_SECONDS,
    policy: { default: 'never', scopes: { documents: { floor: MULTI_FACTOR } } },
    configuration: {
      adapter,
      features: { ciba: { enabled: true }, clientCredentials: { enabled: true }, requestObjects: { enabled: true } },
      pkce: { required: (_ctx, client) => client.clientId !== playground.client_id },
      responseTypes: [...EVERY_RESPONSE_TYPE, 'none'],
      scopes: ['openid', 'offline_access', 'documents'],
    },
  })
