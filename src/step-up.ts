import type { Middleware } from 'koa'
import type Provider from 'oidc-provider'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { presets } from './assurance/presets.ts'
import { type Config, readOptions, type StepUpOptions } from './config.ts'
import { StepUpError } from './errors.ts'
import type { Events } from './events.ts'
import { createExplain, type Explain } from './explain.ts'
import { type AccountAdministration, createAdministration } from './flow/administration.ts'
import { createDeviceDesk } from './flow/devices.ts'
import { createIdentifications } from './flow/identification.ts'
import { ledgerKey } from './flow/ledger.ts'
import { createAuthenticator } from './http/authenticator.ts'
import { createOutageGuard, isOutage } from './http/outage.ts'
import type { Renderer } from './http/render.ts'
import { createRoutes } from './http/routes.ts'
import { SETUP } from './http/setup.ts'
import { judgingOf } from './judging.ts'
import { build, type Parts } from './parts.ts'
import { type Backchannel, createBackchannel } from './provider/ciba.ts'
import { configure } from './provider/configure.ts'
import { createDecider } from './provider/decision.ts'
import { createTokenGuard, revokeGrants } from './provider/grants.ts'
import { mountPathOf } from './provider/oidc.ts'
import { createPasskeyLogin, type PasskeyLogin } from './provider/passkey-login.ts'
import { createPieces, PAGES, type Pieces, scopesByClaim, sessionLife } from './provider/pieces.ts'
import { isReported } from './provider/report.ts'
import { type RequestPair, readSessionLevel, type SessionLevel } from './provider/session-level.ts'
import { createSocket } from './provider/socket.ts'

export type { Pieces } from './provider/pieces.ts'

/** Multi-factor and step-up authentication for one provider. */
export interface StepUp {
  /**
   * The host's configuration with step-up in it; the host's own object stays as it is.
   *
   * @throws StepUpError `ERR_CONFIG` where development interactions are on, `cookies.keys` or
   * `interactions.url` are missing, or the policy has no `login` prompt.
   */
  configure(hostConfiguration: Configuration): Configuration
  /**
   * What `configure` is made of, for a host that composes its configuration by hand.
   *
   * @param host - The host's own `claims` and `ttl`, which decisions depend on.
   */
  pieces(host: Pick<Configuration, 'claims' | 'ttl'>): Pieces
  /**
   * Adds the pages to a provider made from that configuration. Call it before `provider.callback()`, which
   * takes no middleware that comes later.
   *
   * @throws StepUpError `ERR_CONFIG` where `configure` was not called first, or a provider is attached already.
   */
  attach(provider: Provider): void
  /**
   * What `attach` does but for putting the middleware in place, for a host that does so itself.
   *
   * @throws StepUpError `ERR_CONFIG` where a piece is in no configuration yet, or a provider is attached already.
   */
  connect(provider: Provider): StepUpMiddleware
  /**
   * Resolves once the store has told that no sealing key is missing. `attach` asks as well, and while one is missing
   * nobody passes; a host that waits for this before it listens refuses to start instead.
   *
   * @throws StepUpError `ERR_CONFIG` with a count where a key is missing that account records are sealed with;
   * `ERR_STORE` where the store did not answer.
   */
  ready(): Promise<void>
  /**
   * What an operator does for people: look at what they have, hand out a ticket, take an authenticator away.
   *
   * @throws StepUpError `ERR_CONFIG` before `attach`.
   */
  readonly accounts: AccountAdministration
  /**
   * Signing in with a passkey on the host's own login page.
   *
   * @throws StepUpError `ERR_CONFIG` before `attach`.
   */
  readonly passkeyLogin: PasskeyLogin
  /** Where the host listens to what happens. */
  readonly events: Events
  /**
   * What the session of this browser has proved, for the host's own pages: after the password a session exists
   * that has passed no second factor yet. Undefined where nobody is signed in.
   *
   * @param request - A Koa context, or Express's `{ req, res }`.
   * @throws StepUpError `ERR_CONFIG` before `attach`; `ERR_STORE`, `ERR_SEAL` where nothing is known.
   */
  sessionLevel(request: RequestPair): Promise<SessionLevel | undefined>
  /**
   * What a sign-in would come to, and why; nothing is written, nothing counted, and no event goes out. Before `attach`
   * of the client no more is known than its id.
   *
   * @throws StepUpError `ERR_CONFIG` naming what is wrong with the question; `ERR_ACCOUNT` for an account that the host
   * does not know; `ERR_POLICY` where a rule fails; `ERR_STORE`, `ERR_SEAL` where nothing is known.
   */
  readonly explain: Explain
}

/** The two layers that `attach` puts around and into a provider. */
export interface StepUpMiddleware {
  /** Goes around everything, the host's own pages included: 503 where the store is out of reach. */
  readonly guard: Middleware
  /**
   * Our pages at `/mfa`, and where a factor wants it the web authenticator at `/authenticator`, below the provider's
   * mount path; every other path is left alone.
   */
  readonly pages: Middleware
}

const warn = (code: string, message: string) => process.emitWarning(message, { type: 'StepUpWarning', code })

const WANTS_PHISHING_RESISTANT =
  'levels "nist": NIST SP 800-63B-4 section 2.2.2 wants a phishing-resistant factor offered at AAL2; none is in `factors`'

const readsPlaces = ({ rules = [], facts = {} }: Config['policy']) =>
  rules.some(({ reads }) => reads.includes('location')) && !Object.hasOwn(facts, 'location')

/** What is no mistake in itself, and yet not what an operator would want without knowing. */
const warnOnce = ({ volatile, levels, factors, policy, geo }: Config) => {
  const alone = factors.find(({ exclusive }) => exclusive === true)
  if (alone !== undefined && factors.length > 1)
    warn('STEP_UP_EXCLUSIVE', `factors: "${alone.id}" asks only accounts that have enrolled nothing of the others`)
  if (process.env.NODE_ENV === 'development' || process.env.NODE_ENV === 'test') return
  if (volatile)
    warn('STEP_UP_MEMORY_STORE', 'authenticators are kept in memory and lost at the next restart; set `store`')
  if (geo === undefined && readsPlaces(policy))
    warn('STEP_UP_GEO', 'policy: rules read where addresses are, which is never known, as `geo` is not set')
  if (levels === presets.nist && !factors.some(({ traits }) => traits.includes('phishing-resistant')))
    warn('STEP_UP_NIST', WANTS_PHISHING_RESISTANT)
}

/** Where the web authenticator stands, below the provider's mount path. */
const AUTHENTICATOR = '/authenticator'

const both =
  (one: Middleware, other: Middleware): Middleware =>
  (ctx, next) =>
    one(ctx, () => Promise.resolve(other(ctx, next)))

/** What an operator should know once the issuer is. */
const warnOfUnfit = ({ factors }: Config, issuer: string) => {
  for (const factor of factors) {
    const why = factor.unfitAt?.(issuer)
    if (why !== undefined) warn('STEP_UP_UNFIT', `${factor.id}: ${why}`)
  }
}

const refuse = (message: string): never => {
  throw new StepUpError('ERR_CONFIG', message)
}

const assertViews = ({ factors }: Config, { hasView }: Renderer) => {
  for (const { id, enroll } of factors)
    for (const view of [`${id}/challenge`, ...(enroll === undefined ? [] : [`${id}/enroll`])])
      if (!hasView(view)) refuse(`stepUp(options): factors: "${id}" has no view ${view}.ejs`)
}

const WHAT = 'mfa.accounts'

const administrationOf = (parts: Parts, provider: (what: string) => Provider) => {
  const { config, vault, browsers, history } = parts
  return createAdministration({
    ...parts,
    browsers: {
      list: browsers.list,
      // Whoever is to be forgotten is no known browser to risk signals either.
      forgetAll: async (accountId) => {
        await Promise.all([browsers.forgetAll(accountId), history.forget(accountId)])
      },
    },
    account: async (accountId) => {
      // Every operation looks the account up first, so one that comes too early has written nothing.
      provider(WHAT)
      return config.account(accountId)
    },
    factors: config.factors,
    clock: config.clock,
    revokeGrants: (accountId) => revokeGrants(provider(WHAT), vault, accountId),
    ticketUrl: (ticket) => `${provider(WHAT).issuer.replace(/\/$/, '')}${PAGES}${SETUP}#${ticket}`,
  })
}

const passkeyLoginOf = (parts: Parts, provider: (what: string) => Provider): PasskeyLogin => {
  const { config, renderer } = parts
  const identifications = createIdentifications({ ...parts, ...config })
  const scriptsOf = (factor: string, { req }: RequestPair) =>
    renderer
      .scriptsOf(factor, 'login')
      .map((path) => `${mountPathOf({ req, url: req.url ?? '' })}${PAGES}/assets/${path}`)
  const made = (): PasskeyLogin =>
    createPasskeyLogin({ provider: provider('passkeyLogin'), identifications, scriptsOf })
  return Object.freeze<PasskeyLogin>({
    begin: async (request) => made().begin(request),
    finish: async (request, answer) => made().finish(request, answer),
  })
}

const explainOf = (parts: Parts, judging: ReturnType<typeof judgingOf>, attached: () => Provider | undefined) =>
  createExplain({
    ...parts,
    ...judging,
    client: async (clientId) => {
      const provider = attached()
      return provider === undefined ? { clientId } : provider.Client.find(clientId)
    },
  })

/** The last door: a provider whose policy lacks our prompt would accept on the password alone. */
const assertReported = (ctx: KoaContextWithOIDC) => {
  if (!isReported(ctx))
    refuse('attach(): this provider was not made from what configure() returned; no authorization passes it')
}

/**
 * Builds multi-factor and step-up authentication for one oidc-provider.
 *
 * @example
 * ```ts
 * const mfa = stepUp({ account, factors: [totp({ issuer: 'Acme' })], sealingKeys: [key] })
 * const provider = new Provider(issuer, mfa.configure(hostConfiguration))
 * mfa.attach(provider)
 * ```
 * @throws StepUpError `ERR_CONFIG` naming the full path, what was found and what is allowed.
 */
export const stepUp = (options: StepUpOptions): StepUp => {
  const config = readOptions(options)
  const parts = build(config)
  const { vault, records, keyCheck } = parts
  assertViews(config, parts.renderer)
  const socket = createSocket()

  const judging = judgingOf(config)
  let conclude: Backchannel['conclude'] | undefined
  const pieces: StepUp['pieces'] = (host) => {
    const scopesOf = scopesByClaim(host)
    const decide = createDecider({ ...parts, ...judging, sessionSeconds: sessionLife(host), scopesOf })
    const provider = () => socket.provider('features.ciba')
    const { negotiate } = parts.renderer
    const backchannel = createBackchannel({ ...parts, ...judging, scopesOf, provider, negotiate })
    conclude = backchannel?.conclude
    const isDead = createTokenGuard({ account: config.account, records })
    const assertAttached = () => void socket.provider('configure()')
    return createPieces(config, { decide, isDead, assertAttached, backchannel }, socket.ask)
  }
  const connect = (provider: Provider): StepUpMiddleware => {
    socket.attach(provider)
    warnOfUnfit(config, provider.issuer)
    provider.on('authorization.accepted', assertReported)
    provider.on('session.destroyed', ({ accountId, uid }) => {
      // Best effort: an unreachable ledger expires by itself, and no session points to it any more.
      if (accountId !== undefined) vault.delete(ledgerKey(accountId, uid)).catch(() => undefined)
    })
    keyCheck.check().catch((error) => {
      if (!isOutage(error)) warn('STEP_UP_SEALING_KEY', (error as Error).message)
    })
    const issuer = () => provider.issuer
    const devices = createDeviceDesk({ ...parts.effects, account: config.account, issuer, conclude })
    const tools = { ...parts, devices, provider, addressOf: judging.addressOf, root: PAGES }
    const pages = createRoutes(tools)
    const hasApp = config.factors.some((factor) => factor.devices?.webApp === true)
    return { guard: createOutageGuard(tools), pages: hasApp ? both(pages, createAuthenticator(AUTHENTICATOR)) : pages }
  }

  return Object.freeze<StepUp>({
    configure(hostConfiguration) {
      const configured = configure(hostConfiguration, config, pieces(Object(hostConfiguration)))
      if (!socket.isWarned()) warnOnce(config)
      return configured
    },
    pieces,
    attach(provider) {
      const { guard, pages } = connect(provider)
      // Around everything, wherever in the host's code `attach` is called.
      provider.middleware.unshift(guard)
      provider.use(pages)
    },
    connect,
    ready: keyCheck.check,
    accounts: administrationOf(parts, socket.provider),
    passkeyLogin: passkeyLoginOf(parts, socket.provider),
    events: parts.events,
    sessionLevel: async (request) =>
      readSessionLevel({ config, records, vault, provider: socket.provider('sessionLevel()') }, request),
    explain: explainOf(parts, judging, socket.attached),
  })
}
