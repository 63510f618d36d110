import Provider, { type Configuration } from 'oidc-provider'
import { type Clock, systemClock } from '../clock.ts'
import { createMac } from '../crypto/mac.ts'
import { createSealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import type { Events } from '../events.ts'
import type { AccountAdministration } from '../flow/administration.ts'
import { createCsrf } from '../http/csrf.ts'
import { createRenderer } from '../http/render.ts'
import { stepUp } from '../step-up.ts'
import { type CheckedConfig, checkConfig, isLoopback, type ServeConfig } from './config.ts'
import { buildConfiguration, generateSigningKeys } from './configuration.ts'
import { openDirectory } from './directory.ts'
import { frame } from './frame.ts'
import { interactionRoutes } from './interactions.ts'
import { listen } from './listen.ts'
import { allowLoopbackClients } from './loopback.ts'
import { createScreens, logFault } from './screens.ts'

export {
  type AccountSource,
  defineConfig,
  type ListedAccount,
  type Person,
  type ServeConfig,
} from './config.ts'

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
  /** Ends every connection at once. */
  close(): Promise<void>
}

/** What a program around serve can set beside the configuration. */
export interface ServeOptions {
  /** How a person chooses another port. */
  readonly portRemedy?: string
  /** A relying party to try, linked from the home page. */
  readonly demoHref?: string
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
    const text = 'sign-ins and tokens are kept in memory and lost at the next restart; set `configuration.adapter`'
    process.emitWarning(text, { type: WARNING, code: 'STEP_UP_MEMORY_ADAPTER' })
  }
}

const configurationFault = (cause: unknown) =>
  new StepUpError('ERR_CONFIG', `configuration: ${(cause as Error).message}`, { cause })

const construct = (issuer: string, configuration: Configuration) => {
  try {
    return new Provider(issuer, configuration)
  } catch (cause) {
    throw configurationFault(cause)
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

const plugin = (
  { levels, acrValues, maxAge, policy, enrollment, rememberBrowser, store, factors, sealingKeys }: CheckedConfig,
  clock: Clock,
) => ({
  factors,
  sealingKeys,
  clock,
  ...(store === undefined ? {} : { store }),
  ...(levels === undefined ? {} : { levels }),
  ...(acrValues === undefined ? {} : { acrValues }),
  ...(maxAge === undefined ? {} : { maxAge }),
  ...(policy === undefined ? {} : { policy }),
  ...(enrollment === undefined ? {} : { enrollment }),
  ...(rememberBrowser === undefined ? {} : { rememberBrowser }),
})

/**
 * Serves an OpenID provider with step-up, a login and a consent page.
 *
 * @throws StepUpError ERR_CONFIG for every mistake in the configuration and for a port that cannot be had
 */
export const serve = async (config: ServeConfig, options: ServeOptions = {}): Promise<Served> => {
  const checked = checkConfig(config)
  const { issuer, port, host } = checked
  const { clock = systemClock, demoHref, portRemedy = 'change `port` in the configuration' } = options
  const renderer = createRenderer()
  const screens = createScreens(renderer, { demoHref })
  const directory = await openDirectory(checked.accounts, clock)
  const csrf = createCsrf(createMac(createSealer(checked.sealingKeys).derive('serve csrf')))

  const mfa = stepUp({ ...plugin(checked, clock), account: directory.find })
  const jwks = checked.jwks ?? generateSigningKeys()
  const provider = construct(issuer, mfa.configure(buildConfiguration(checked, { directory, screens, jwks, clock })))
  provider.proxy = checked.trustProxy
  if (isLoopback(issuer)) allowLoopbackClients(provider)
  provider.use(frame({ renderer, screens }))
  mfa.attach(provider)
  const pages = interactionRoutes({ provider, directory, screens, csrf, clock })
  provider.use(pages.routes()).use(pages.allowedMethods())
  // Our own error page has logged its fault already; an answer in JSON and the plugin's pages have not.
  provider.on('server_error', (ctx, error: Error & { reference?: string }) => {
    if (error.reference !== undefined || !ctx.response.is('html')) logFault(ctx, error, error.reference)
  })
  await checkClients(provider, checked)
  warnOutsideDevelopment(config)

  const { close } = await listen(provider.callback(), { host, port, remedy: portRemedy })
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return Object.freeze({ issuer, provider, url, accounts: mfa.accounts, events: mfa.events, close })
}
