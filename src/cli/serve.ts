import type Provider from 'oidc-provider'
import { type Clock, systemClock } from '../clock.ts'
import { macsOf } from '../crypto/mac.ts'
import { createSealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import type { Events } from '../events.ts'
import type { AccountAdministration } from '../flow/administration.ts'
import { createVault } from '../flow/vault.ts'
import { createCsrf } from '../http/csrf.ts'
import { isOutage } from '../http/outage.ts'
import { createRenderer, type Renderer } from '../http/render.ts'
import { type StepUp, stepUp } from '../step-up.ts'
import { construct, kept, openBacking, plugin } from './assemble.ts'
import { type CheckedConfig, checkConfig, isLoopback, type ServeConfig } from './config.ts'
import { buildConfiguration } from './configuration.ts'
import { type Directory, openDirectory } from './directory.ts'
import { frame } from './frame.ts'
import { createSharedGuesses } from './guesses.ts'
import { interactionRoutes } from './interactions.ts'
import { generateSigningKeys } from './key-ring.ts'
import { listen } from './listen.ts'
import { allowLoopbackClients } from './loopback.ts'
import type { Outbox } from './outbox.ts'
import { createScreens, logFault, type Screens } from './screens.ts'

export {
  type AccountSource,
  defineConfig,
  type ListedAccount,
  type Person,
  type ServeConfig,
  type ServedConfiguration,
} from './config.ts'
export { type LoadedKeys, type LoadedVapidKeys, loadKeys, loadVapidKeys } from './key-file.ts'

/** A provider that serves. */
export interface Served {
  readonly issuer: string
  readonly provider: Provider
  /** Where it listens on this machine. */
  readonly url: string
  /** What an operator does for people: look at what they have, hand out a link to set something up, take things away. */
  readonly accounts: AccountAdministration
  /** What happens in sign-ins and to accounts, for a listener of one's own. */
  readonly events: Events
  /** Ends every connection at once, then those to Redis. */
  close(): Promise<void>
  /**
   * Takes no new connection and lets open requests finish, for `graceSeconds` of the configuration at most; then
   * ends the connections to Redis. Flows go on at another process that shares the store.
   */
  drain(): Promise<void>
}

/** What a program around serve can set beside the configuration. */
export interface ServeOptions {
  /** How a person chooses another port. */
  readonly portRemedy?: string
  /** A relying party to try, linked from the home page. */
  readonly demoHref?: string
  /** What a demo would send, shown to everybody at `/outbox` and linked from the home page. */
  readonly outbox?: Outbox | undefined
  /** What `oidc-step-up serve` takes from `REDIS_URL`: used where the configuration says nothing of its own. */
  readonly redisUrl?: string | undefined
  /** @default the machine's */
  readonly clock?: Clock
}

const WARNING = 'StepUpWarning'

const warnOutsideDevelopment = ({ jwks, configuration }: ServeConfig) => {
  if (process.env.NODE_ENV === 'development' || process.env.NODE_ENV === 'test') return
  if (!jwks) {
    const text = 'the signing key is made anew at every start, so earlier tokens cannot be verified; set `jwks`'
    process.emitWarning(text, { type: WARNING, code: 'STEP_UP_SIGNING_KEY' })
  }
  if (!configuration?.adapter) {
    const text = 'sign-ins and tokens are kept in memory and lost at the next restart; set `redis`'
    process.emitWarning(text, { type: WARNING, code: 'STEP_UP_MEMORY_ADAPTER' })
  }
}

/** oidc-provider looks at a client when it is first used; a mistake in one has to show before the server listens. */
const checkClients = async (provider: Provider, { clients }: ServeConfig) => {
  for (const [index, { client_id: id }] of clients.entries()) {
    await provider.Client.find(id).catch((cause: Error & { error_description?: string }) => {
      const reason = cause.error_description ?? cause.message
      throw new StepUpError('ERR_CONFIG', `clients[${index}] (${JSON.stringify(id)}): ${reason}`, { cause })
    })
  }
}

/** A floor by a name that is nobody's would guard nothing. Clients can be kept in the adapter alone. */
const checkPolicy = async (provider: Provider, { clients, policy }: ServeConfig) => {
  const known = clients.map(({ client_id: id }) => id)
  for (const name of Object.keys(policy?.clients ?? {})) {
    if (known.includes(name) || (await provider.Client.find(name)) !== undefined) continue
    const allowed = known.join(', ')
    throw new StepUpError(
      'ERR_CONFIG',
      `policy.clients.${name}: found no client of that client_id; allowed: ${allowed}`,
    )
  }
}

/** Guesses are counted where everything else is kept; in memory there is a limit to how many. */
const directoryOf = ({ accounts, store, sealingKeys }: CheckedConfig, clock: Clock) =>
  store === undefined
    ? openDirectory(accounts, clock)
    : openDirectory(accounts, clock, createSharedGuesses(createVault(store, createSealer(sealingKeys), clock), clock))

interface Wiring {
  readonly mfa: StepUp
  readonly directory: Directory
  readonly renderer: Renderer
  readonly screens: Screens
  readonly clock: Clock
  readonly outbox: Outbox | undefined
}

const createProvider = async (checked: CheckedConfig, wiring: Wiring) => {
  const { mfa, directory, renderer, screens, clock, outbox } = wiring
  const { issuer } = checked
  const jwks = checked.jwks ?? generateSigningKeys()
  const provider = construct(issuer, mfa.configure(buildConfiguration(checked, { directory, screens, jwks, clock })))
  provider.proxy = checked.trustProxy
  // The last entry is the proxy's own word; what stands before it a browser can make up.
  provider.maxIpsCount = 1
  if (isLoopback(issuer)) allowLoopbackClients(provider)
  provider.use(frame({ renderer, screens, outbox }))
  mfa.attach(provider)
  const csrf = createCsrf(macsOf(createSealer(checked.sealingKeys), 'serve csrf'))
  const pages = interactionRoutes({ provider, directory, passkeyLogin: mfa.passkeyLogin, screens, csrf, clock })
  provider.use(pages.routes()).use(pages.allowedMethods())
  // Our own error page has logged its fault already; an answer in JSON and the plugin's pages have not.
  provider.on('server_error', (ctx, error: Error & { reference?: string }) => {
    if (error.reference !== undefined || !ctx.response.is('html')) logFault(ctx, error, error.reference)
  })
  await checkClients(provider, checked)
  await checkPolicy(provider, checked)
  return provider
}

const OUT_OF_REACH = 'oidc-step-up: the store is out of reach; answering 503 until it is back\n'

/** A key that is missing keeps the server from starting; a store that is out of reach will be back. */
const untilReady = async ({ ready }: StepUp) => {
  try {
    await ready()
  } catch (error) {
    if (!isOutage(error)) throw error
    process.stderr.write(OUT_OF_REACH)
  }
}

const start = async (checked: CheckedConfig, options: ServeOptions) => {
  const { issuer, port, host } = checked
  const { clock = systemClock, demoHref, outbox, portRemedy = 'change `port` in the configuration' } = options
  const renderer = createRenderer()
  const screens = createScreens(renderer, { demoHref })
  const directory = await directoryOf(checked, clock)
  const mfa = stepUp({ ...plugin(checked, clock), account: directory.find })
  const provider = await createProvider(checked, { mfa, directory, renderer, screens, clock, outbox })
  warnOutsideDevelopment(checked)
  await untilReady(mfa)
  const listening = await listen(provider.callback(), { host, port, remedy: portRemedy })
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { served: { issuer, provider, url, accounts: mfa.accounts, events: mfa.events }, listening }
}

/**
 * Serves an OpenID provider with step-up, a login and a consent page.
 *
 * @throws StepUpError ERR_CONFIG for every mistake in the configuration, for a sealing key that records still need,
 * and for a port that cannot be had
 */
export const serve = async (config: ServeConfig, options: ServeOptions = {}): Promise<Served> => {
  const checked = checkConfig(config)
  const backing = await openBacking(checked, options)
  const closeBacking = async () => backing?.close()
  try {
    const { served, listening } = await start(kept(checked, backing), options)
    return Object.freeze({
      ...served,
      close: () => listening.close().then(closeBacking),
      drain: () => listening.drain(checked.graceSeconds).then(closeBacking),
    })
  } catch (error) {
    await closeBacking()
    throw error
  }
}
