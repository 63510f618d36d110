import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Account } from '../account.ts'
import { type Evidence, LOGIN } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import type { AccountRecord } from '../flow/account-record.ts'
import { createFactReader, type FactReader, type Sources } from '../flow/facts.ts'
import type { History } from '../flow/history.ts'
import { standsBeside } from '../flow/permit.ts'
import { canonicalAddress } from '../policy/address.ts'
import { type ClientFact, FACT_NAMES, type FactSource, type LoginFact } from '../policy/facts.ts'
import type { RequestFacts } from '../policy/floors.ts'
import type { BrowserCookies } from './browser-cookies.ts'

/** What fetching facts works with. */
export interface SourceTools {
  readonly config: Config
  readonly history: Pick<History, 'read' | 'countAccount'>
  /** Assesses what the host configured; undefined where that is nothing. */
  readonly assess: FactSource | undefined
}

/** What reading a user's own request works with. */
export interface RequesterTools {
  readonly addressOf: (ctx: KoaContextWithOIDC) => string | undefined
  readonly deviceCookies: BrowserCookies
}

/** What a user's own request tells of where it comes from. */
export interface Requester {
  address(): string | undefined
  userAgent(): string | undefined
  /** The value of the account's device cookie. */
  deviceCookie(): string | undefined
  header(name: string): string | undefined
}

/** As much of a relying party as facts tell. */
export interface KnownClient {
  readonly clientId: string
  readonly clientName?: string | undefined
  /** Left out where only its id is known. */
  metadata?(): object
}

/** Whom and what the facts are about. Nothing is waited for that no fact needs. */
export interface Subject {
  readonly accountId: string
  readonly client: KnownClient
  readonly request: RequestFacts
  readonly account: () => Promise<Account>
  readonly record: () => Promise<AccountRecord>
  /** What stands of the session's evidence, oldest first. */
  readonly evidence: () => Promise<readonly Evidence[]>
  /** Undefined where no browser of the user's asks. */
  readonly requester: Requester | undefined
  /** Facts that are told, and fetched from nowhere. */
  readonly told?: Sources
}

const MAX_USER_AGENT_LENGTH = 512

/** What only client and provider share is nobody's fact. */
const SECRETS = new Set(['client_secret', 'registration_access_token', 'jwks'])

const clientFact = (client: KnownClient): ClientFact => {
  const { clientId, clientName } = client
  const metadata = client.metadata?.()
  return {
    id: clientId,
    ...(clientName === undefined ? {} : { name: clientName }),
    ...(metadata === undefined
      ? {}
      : { metadata: Object.fromEntries(Object.entries(metadata).filter(([name]) => !SECRETS.has(name))) }),
  }
}

const loginFact = (evidence: readonly Evidence[]): LoginFact | undefined => {
  const login = evidence.findLast(({ factor }) => factor === LOGIN)
  if (login === undefined) return undefined
  const { kinds, traits, amr, at, method, upstream } = login
  return {
    kinds,
    traits,
    amr,
    at,
    ...(method === undefined ? {} : { method }),
    ...(upstream === undefined ? {} : { upstream }),
  }
}

/** Who asks, by the request of the user's own browser. */
export const requesterOf = (
  ctx: KoaContextWithOIDC,
  accountId: string,
  { addressOf, deviceCookies }: RequesterTools,
): Requester => ({
  address: () => addressOf(ctx),
  userAgent: () => ctx.get('user-agent').slice(0, MAX_USER_AGENT_LENGTH) || undefined,
  deviceCookie: () => deviceCookies.read(ctx, accountId),
  header: (name) => ctx.get(name) || undefined,
})

const remote = ({ requester, accountId, record }: Subject, { config, history }: SourceTools) => {
  const { clock, geo } = config
  let read: ReturnType<History['read']> | undefined
  const past = () => {
    if (requester === undefined) return undefined
    read ??= history.read(accountId, { deviceCookie: requester.deviceCookie(), userAgent: requester.userAgent() })
    return read
  }
  return {
    now: clock,
    address: () => requester?.address(),
    userAgent: () => requester?.userAgent(),
    location: async ({ fact }) => {
      const address = await fact('address')
      return address === undefined ? undefined : geo?.locate(address)
    },
    device: async () => (await past())?.device,
    lastLogin: async () => (await past())?.lastLogin,
    velocity: async ({ fact }) => {
      const { failures } = await record()
      const address = await fact('address')
      if (address === undefined) return undefined
      return {
        failures: Object.values(failures).reduce((sum, count) => sum + count, 0),
        accounts: await history.countAccount(address, accountId),
      }
    },
  } satisfies Sources
}

const ownSources = (subject: Subject, tools: SourceTools): Sources => {
  const { client, request, account, record, evidence } = subject
  const { assess, config } = tools
  return {
    ...remote(subject, tools),
    client: () => clientFact(client),
    scopes: () => request.scopes,
    resources: () => request.resources,
    account,
    login: async () => loginFact(await evidence()),
    lastFactorAt: async () => (await evidence()).findLast(({ factor }) => factor !== LOGIN)?.at,
    enrolled: async () => {
      const [own, who] = await Promise.all([record(), account()])
      const implied = config.factors.filter(
        (factor) => !standsBeside(factor) && (factor.implied?.(who).length ?? 0) > 0,
      )
      return [...new Set([...own.authenticators.map(({ factor }) => factor), ...implied.map(({ id }) => id)])]
    },
    ...(assess === undefined ? {} : { risk: assess }),
  }
}

/** What a host's own source says of the address is an address, or nothing. */
const withCheckedAddress = (host: Sources): Sources => {
  const { address } = host
  if (address === undefined) return host
  return { ...host, address: async (request) => canonicalAddress(String((await address(request)) ?? '')) }
}

const warn = (name: string, fault: unknown) => {
  const message = `the fact "${name}" could not be had: ${fault instanceof Error ? fault.message : String(fault)}`
  process.emitWarning(message, { type: 'StepUpWarning', code: 'STEP_UP_FACT' })
}

/** Fetches facts about one request, each once and only where it is read. */
export const factsOf = (subject: Subject, tools: SourceTools): FactReader => {
  const { policy, geo } = tools.config
  const own = ownSources(subject, tools)
  const { location, ...rest } = own
  const rules = [...(policy.rules ?? []), ...(policy.reportOnly?.rules ?? [])]
  // A rule brings facts of its own, and says nothing of ours to others.
  const brought: Sources = Object.fromEntries(
    rules.flatMap(({ sources = {} }) => Object.entries(sources).filter(([name]) => !FACT_NAMES.includes(name))),
  )
  // A geolocation service of the host's may be slow or fail, as any function of its own.
  const guarded: Sources = geo === undefined || location === undefined ? {} : { location }
  return createFactReader({
    own: rest,
    host: {
      ...guarded,
      ...brought,
      ...withCheckedAddress((policy.facts as Sources | undefined) ?? {}),
      ...subject.told,
    },
    header: (name) => subject.requester?.header(name),
    failed: warn,
  })
}
