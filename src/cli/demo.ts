import { systemClock } from '../clock.ts'
import { randomToken } from '../crypto/random.ts'
import { createSealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import { applyAcceptance, createAccountRecords } from '../flow/account-record.ts'
import type { AccountAdministration } from '../flow/administration.ts'
import type { Accounts } from '../store/accounts.ts'
import { memoryStore } from '../store/memory.ts'
import { type Backing, openRedis } from './backing.ts'
import { startBank } from './bank.ts'
import type { ServeConfig } from './config.ts'
import { type DemoParts, demoConfig, GRACE_SECONDS, HOST } from './demo-config.ts'
import { type DemoFactors, demoFactors } from './demo-factors.ts'
import type { Environment } from './demo-gateways.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { createOutbox, isProduction, OUTBOX_PATH, type Outbox } from './outbox.ts'
import { serve } from './serve.ts'

/** Where the demo listens, on this machine only. */
export interface DemoOptions {
  readonly port: number
  readonly bankPort: number
  /** Takes what a person needs to know, line by line; the last begins with `ready`. */
  readonly print: (line: string) => void
  /** Keeps everything there instead of in memory. */
  readonly redisUrl?: string | undefined
  /**
   * Gateways that send for real: `SMTP_URL`, `MAIL_FROM` and those that begin with `TWILIO_` or `VAPID_`; Duo by those
   * that begin with `DUO_`. Default: none.
   */
  readonly env?: Environment
}

/** A running demo. */
export interface Demo {
  /** Ends every connection at once. */
  close(): Promise<void>
  /** Lets open requests finish, for some seconds. */
  drain(): Promise<void>
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
interface Secrets extends Pick<DemoParts, 'passwords'> {
  /** Of bob's authenticator app, in Base32. */
  readonly authenticator: string
  /** Of bob; more than one, as each works once. */
  readonly recoveryCodes: readonly string[]
  /** A link with which alice sets something up without signing in. */
  readonly setupLink: string
}

/** How many of bob's codes are told: enough to lose the phone twice. */
const TOLD_CODES = 2

const lines = (
  { passwords, authenticator, recoveryCodes, setupLink }: Secrets,
  { issuer, outboxHref }: { readonly issuer: string; readonly outboxHref: string | undefined },
) => [
  `alice password: ${passwords.alice}`,
  `alice setup link: ${setupLink}`,
  `bob password: ${passwords.bob}`,
  `bob authenticator secret: ${authenticator}`,
  `bob recovery codes: ${recoveryCodes.join(' ')}`,
  `web authenticator: ${issuer}/authenticator`,
  ...(outboxHref === undefined ? [] : [`outbox: ${outboxHref}`]),
]

/** What only a running provider can make. */
const issue = async (accounts: AccountAdministration): Promise<Pick<Secrets, 'recoveryCodes' | 'setupLink'>> => {
  const [codes, { url }] = await Promise.all([accounts.newRecoveryCodes('bob'), accounts.issueTicket('alice')])
  return { recoveryCodes: codes.slice(0, TOLD_CODES), setupLink: url }
}

const password = () => randomToken(9)

/**
 * The keys of every start are new, so what an earlier start left in Redis is of no use: each has its own part of it.
 */
const openBacking = async (sealingKeys: ServeConfig['sealingKeys'], { redisUrl, print }: DemoOptions) => {
  if (!redisUrl) return { store: memoryStore(), adapter: memoryAdapter(systemClock), close: async () => undefined }
  const prefix = `oidc-step-up-demo-${randomToken(6)}`
  print(`keys in Redis begin with: ${prefix} (at this start only)`)
  return openRedis({ url: redisUrl, prefix }, { sealingKeys, clock: systemClock, name: 'REDIS_URL' })
}

interface Started {
  readonly issuer: string
  readonly origin: string
  readonly backing: Backing
  readonly sealingKeys: ServeConfig['sealingKeys']
  readonly ways: DemoFactors
  /** What is sent for show; absent where nothing is. */
  readonly outbox: Outbox | undefined
}

const start = async ({ port, bankPort, print }: DemoOptions, started: Started) => {
  const { issuer, origin, backing, sealingKeys, ways, outbox } = started
  const outboxHref = outbox && `${issuer}${OUTBOX_PATH}`
  const bankSecret = randomToken(32)
  const passwords = { alice: password(), bob: password() }
  const config = demoConfig(
    { port, issuer, origin, bankSecret },
    { passwords, sealingKeys, backing, factors: ways.factors },
  )
  const authenticator = await enrollDemoAuthenticator(backing.store, config, 'bob')
  const provider = await serve(config, {
    demoHref: origin,
    outbox,
    portRemedy: `PORT=${port + 100} BANK_PORT=${bankPort} npm start`,
  })
  const registration = { issuer, origin, clientId: 'bank', clientSecret: bankSecret }
  const remedy = `PORT=${port} BANK_PORT=${bankPort + 100} npm start`
  const starting = startBank({ ...registration, outboxHref, host: HOST, port: bankPort, portRemedy: remedy })
  const [bank, issued] = await Promise.all([starting, issue(provider.accounts)]).catch(async (error) => {
    await provider.close()
    throw error
  })
  for (const line of lines({ passwords, authenticator, ...issued }, { issuer, outboxHref })) print(line)
  print(`ready ${issuer} ${origin}`)
  return { provider, bank }
}

/** Opens what everything is kept in and sent through. */
const prepare = async (options: DemoOptions): Promise<Started> => {
  const { port, bankPort, print, env = {} } = options
  const sealingKeys = [randomToken(32)]
  const outbox = isProduction() ? undefined : createOutbox(systemClock)
  const ways = await demoFactors({ env, outbox, print })
  return {
    issuer: `http://localhost:${port}`,
    origin: `http://localhost:${bankPort}`,
    sealingKeys,
    ways,
    outbox: ways.usesOutbox ? outbox : undefined,
    backing: await openBacking(sealingKeys, options),
  }
}

/**
 * Starts a provider with two accounts and Bank, a relying party to click through.
 *
 * `alice` has nothing enrolled, and a link to set something up is printed; `bob` has an authenticator app, whose secret
 * is printed, and recovery codes, of which two are. Everything is made anew at every start and kept in memory, or in a
 * part of Redis of its own. What would be sent by text message or mail stands on the page `/outbox`, unless there is a
 * gateway to send it; where NODE_ENV is production there is no such page.
 *
 * @throws StepUpError ERR_CONFIG where a port cannot be had, or a gateway is half set; ERR_STORE where Redis is out of
 * reach
 */
export const demo = async (options: DemoOptions): Promise<Demo> => {
  const { port, bankPort } = options
  if (port === bankPort)
    throw new StepUpError('ERR_CONFIG', `BANK_PORT: found ${bankPort}, which PORT has; allowed: another port`)
  const started = await prepare(options)
  const end = async () => {
    started.ways.close()
    await started.backing.close()
  }
  const { provider, bank } = await start(options, started).catch(async (error) => {
    await end()
    throw error
  })
  return Object.freeze({
    async close() {
      await Promise.all([provider.close(), bank.close()])
      await end()
    },
    async drain() {
      // Bank first: what it answers it asks the provider for.
      await bank.drain(GRACE_SECONDS)
      await provider.drain()
      await end()
    },
  })
}
