import type { ClientMetadata } from 'oidc-provider'
import { MULTI_FACTOR } from '../assurance/presets.ts'
import { systemClock } from '../clock.ts'
import { randomToken } from '../crypto/random.ts'
import { createSealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import { recoveryCodes } from '../factors/recovery-codes.ts'
import { totp } from '../factors/totp.ts'
import { applyAcceptance, createAccountRecords } from '../flow/account-record.ts'
import type { AccountAdministration } from '../flow/administration.ts'
import type { Accounts } from '../store/accounts.ts'
import { memoryStore } from '../store/memory.ts'
import { type Backing, openRedis } from './backing.ts'
import { startBank } from './bank.ts'
import { defineConfig, type ServeConfig } from './config.ts'
import { generateSigningKeys } from './key-ring.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { serve } from './serve.ts'

/** Where the demo listens, on this machine only. */
export interface DemoOptions {
  readonly port: number
  readonly bankPort: number
  /** Takes what a person needs to know, line by line; the last begins with `ready`. */
  readonly print: (line: string) => void
  /** Keeps everything there instead of in memory. */
  readonly redisUrl?: string | undefined
}

/** A running demo. */
export interface Demo {
  /** Ends every connection at once. */
  close(): Promise<void>
  /** Lets open requests finish, for some seconds. */
  drain(): Promise<void>
}

const HOST = '127.0.0.1'
const EVERY_RESPONSE_TYPE: NonNullable<ClientMetadata['response_types']>[number][] = [
  'code',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
]
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const bankClient = (origin: string, secret: string): ClientMetadata => ({
  client_id: 'bank',
  client_name: 'Bank',
  client_secret: secret,
  redirect_uris: [`${origin}/callback`],
  post_logout_redirect_uris: [`${origin}/signed-out`],
})

/** For trying one's own relying party: everything on, and a secret that everybody knows. */
const playground: ClientMetadata = {
  client_id: 'playground',
  client_name: 'Playground',
  client_secret: 'playground',
  redirect_uris: ['http://localhost:3002/callback'],
  grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials', DEVICE_CODE],
  response_types: EVERY_RESPONSE_TYPE,
}

/** Gives an account an authenticator app as if it had been set up before; answers the app's secret in Base32. */
const enrollDemoAuthenticator = async (accounts: Accounts, { sealingKeys }: ServeConfig, accountId: string) => {
  const secret = randomSecret()
  const records = createAccountRecords(accounts, createSealer(sealingKeys))
  const change = { add: { secret, lastStep: 0 }, nickname: 'Demo app' }
  await records.update(accountId, (record) => applyAcceptance(record, 'totp', { change }, systemClock()).record)
  return secret
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

// 32 characters of 5 bits: the 160 bits that RFC 4226 section 4 (R6) recommends.
const randomSecret = () => [...Buffer.from(randomToken(32), 'base64url')].map((byte) => BASE32[byte % 32]).join('')

/** What a person needs to know who tries the demo. */
interface Secrets {
  readonly passwords: { readonly alice: string; readonly bob: string }
  /** Of bob's authenticator app, in Base32. */
  readonly authenticator: string
  /** Of bob; more than one, as each works once. */
  readonly recoveryCodes: readonly string[]
  /** A link with which alice sets something up without signing in. */
  readonly setupLink: string
}

/** How many of bob's codes are told: enough to lose the phone twice. */
const TOLD_CODES = 2

const lines = ({ passwords, authenticator, recoveryCodes, setupLink }: Secrets) => [
  `alice password: ${passwords.alice}`,
  `alice setup link: ${setupLink}`,
  `bob password: ${passwords.bob}`,
  `bob authenticator secret: ${authenticator}`,
  `bob recovery codes: ${recoveryCodes.join(' ')}`,
]

/** What only a running provider can make. */
const issue = async (accounts: AccountAdministration): Promise<Pick<Secrets, 'recoveryCodes' | 'setupLink'>> => {
  const [codes, { url }] = await Promise.all([accounts.newRecoveryCodes('bob'), accounts.issueTicket('alice')])
  return { recoveryCodes: codes.slice(0, TOLD_CODES), setupLink: url }
}

const password = () => randomToken(9)

/** For each of Bank and the provider, as requests to one end in requests to the other. */
const GRACE_SECONDS = 4

/**
 * The keys of every start are new, so what an earlier start left in Redis is of no use: each has its own part of it.
 */
const openBacking = async (sealingKeys: ServeConfig['sealingKeys'], { redisUrl, print }: DemoOptions) => {
  if (!redisUrl) return { store: memoryStore(), adapter: memoryAdapter(systemClock), close: async () => undefined }
  const prefix = `oidc-step-up-demo-${randomToken(6)}`
  print(`keys in Redis begin with: ${prefix} (at this start only)`)
  return openRedis({ url: redisUrl, prefix }, { sealingKeys, clock: systemClock, name: 'REDIS_URL' })
}

/** Where both listen, and how Bank is known to the provider. */
interface Sites {
  readonly port: number
  readonly issuer: string
  readonly origin: string
  readonly bankSecret: string
}

const configure = (
  { port, issuer, origin, bankSecret }: Sites,
  passwords: Secrets['passwords'],
  sealingKeys: ServeConfig['sealingKeys'],
  { store, adapter }: Backing,
) =>
  defineConfig({
    issuer,
    port,
    host: HOST,
    clients: [bankClient(origin, bankSecret), playground],
    accounts: [
      { id: 'alice', username: 'alice', password: passwords.alice, name: 'Alice', email: 'alice@example.com' },
      { id: 'bob', username: 'bob', password: passwords.bob, name: 'Bob', email: 'bob@example.com' },
    ],
    store,
    sealingKeys,
    cookieKeys: [randomToken(32)],
    jwks: generateSigningKeys(),
    factors: [totp({ issuer: 'oidc-step-up demo' }), recoveryCodes()],
    graceSeconds: GRACE_SECONDS,
    policy: { default: 'never', scopes: { documents: { floor: MULTI_FACTOR } } },
    configuration: {
      adapter,
      features: { clientCredentials: { enabled: true }, requestObjects: { enabled: true } },
      pkce: { required: (_ctx, client) => client.clientId !== playground.client_id },
      responseTypes: [...EVERY_RESPONSE_TYPE, 'none'],
      scopes: ['openid', 'offline_access', 'documents'],
    },
  })

interface Started {
  readonly issuer: string
  readonly origin: string
  readonly backing: Backing
  readonly sealingKeys: ServeConfig['sealingKeys']
}

const start = async ({ port, bankPort, print }: DemoOptions, { issuer, origin, backing, sealingKeys }: Started) => {
  const bankSecret = randomToken(32)
  const passwords = { alice: password(), bob: password() }
  const config = configure({ port, issuer, origin, bankSecret }, passwords, sealingKeys, backing)
  const authenticator = await enrollDemoAuthenticator(backing.store, config, 'bob')
  const provider = await serve(config, {
    demoHref: origin,
    portRemedy: `PORT=${port + 100} BANK_PORT=${bankPort} npm start`,
  })
  const registration = { issuer, origin, clientId: 'bank', clientSecret: bankSecret }
  const remedy = `PORT=${port} BANK_PORT=${bankPort + 100} npm start`
  const starting = startBank({ ...registration, host: HOST, port: bankPort, portRemedy: remedy })
  const [bank, issued] = await Promise.all([starting, issue(provider.accounts)]).catch(async (error) => {
    await provider.close()
    throw error
  })
  for (const line of lines({ passwords, authenticator, ...issued })) print(line)
  print(`ready ${issuer} ${origin}`)
  return { provider, bank }
}

/**
 * Starts a provider with two accounts and Bank, a relying party to click through.
 *
 * `alice` has nothing enrolled, and a link to set something up is printed; `bob` has an authenticator app, whose secret
 * is printed, and recovery codes, of which two are. Everything is made anew at every start and kept in memory, or in a
 * part of Redis of its own.
 *
 * @throws StepUpError ERR_CONFIG where a port cannot be had; ERR_STORE where Redis is out of reach
 */
export const demo = async (options: DemoOptions): Promise<Demo> => {
  const { port, bankPort } = options
  if (port === bankPort)
    throw new StepUpError('ERR_CONFIG', `BANK_PORT: found ${bankPort}, which PORT has; allowed: another port`)
  const sealingKeys = [randomToken(32)]
  const backing = await openBacking(sealingKeys, options)
  const sites = { issuer: `http://localhost:${port}`, origin: `http://localhost:${bankPort}` }
  const { provider, bank } = await start(options, { ...sites, backing, sealingKeys }).catch(async (error) => {
    await backing.close()
    throw error
  })
  return Object.freeze({
    async close() {
      await Promise.all([provider.close(), bank.close()])
      await backing.close()
    },
    async drain() {
      // Bank first: what it answers it asks the provider for.
      await bank.drain(GRACE_SECONDS)
      await provider.drain()
      await backing.close()
    },
  })
}
