import type Provider from 'oidc-provider'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { type Config, readOptions, type StepUpOptions } from './config.ts'
import { createMac } from './crypto/mac.ts'
import { createSealer } from './crypto/seal.ts'
import { StepUpError } from './errors.ts'
import { createAccountRecords } from './flow/account-record.ts'
import { createCeremonies } from './flow/ceremony.ts'
import { ledgerKey } from './flow/ledger.ts'
import { createThrottle } from './flow/throttle.ts'
import { createVault } from './flow/vault.ts'
import { createCsrf } from './http/csrf.ts'
import { createRenderer, type Renderer } from './http/render.ts'
import { createRoutes } from './http/routes.ts'
import { createFloors } from './policy/policy.ts'
import { configure, PAGES, scopesByClaim, sessionLife } from './provider/configure.ts'
import { createDecider } from './provider/decision.ts'
import { isReported } from './provider/report.ts'

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
   * Adds the pages to a provider made from that configuration. Call it before `provider.callback()`, which
   * takes no middleware that comes later.
   *
   * @throws StepUpError `ERR_CONFIG` where `configure` was not called first, or a provider is attached already.
   */
  attach(provider: Provider): void
}

const warnOnce = (volatile: boolean) => {
  if (volatile && process.env.NODE_ENV !== 'development' && process.env.NODE_ENV !== 'test')
    process.emitWarning('authenticators are kept in memory and lost at the next restart; set `store`', {
      type: 'StepUpWarning',
      code: 'STEP_UP_MEMORY_STORE',
    })
}

const refuse = (message: string): never => {
  throw new StepUpError('ERR_CONFIG', message)
}

const assertViews = ({ factors }: Config, { hasView }: Renderer) => {
  for (const { id, enroll } of factors)
    for (const view of [`${id}/challenge`, ...(enroll === undefined ? [] : [`${id}/enroll`])])
      if (!hasView(view)) refuse(`stepUp(options): factors: "${id}" has no view ${view}.ejs`)
}

/** How far the wiring has come; each step stands on the one before. */
type Stage = 'new' | 'configured' | 'attached'

const assertAttachable = (stage: Stage) => {
  if (stage === 'new') refuse('attach(): make the provider from what configure(hostConfiguration) returns, first')
  if (stage === 'attached') refuse('attach(): a provider is attached already; each provider has its own stepUp()')
}

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
  const { store, accounts, clock, levels, policy } = config
  const sealer = createSealer(config.sealingKeys)
  const vault = createVault(store, sealer, clock)
  const records = createAccountRecords(accounts, sealer)
  const renderer = createRenderer()
  assertViews(config, renderer)

  let stage: Stage = 'new'
  const assertAttached = () => {
    if (stage !== 'attached') refuse('configure(): attach(provider) was not called, so there are no pages to go to')
  }
  const tools = { config, vault, records, floors: createFloors(policy, levels) }

  return Object.freeze<StepUp>({
    configure(hostConfiguration) {
      const decide = createDecider({
        ...tools,
        sessionSeconds: sessionLife(hostConfiguration),
        scopesOf: scopesByClaim(hostConfiguration),
      })
      const configured = configure(hostConfiguration, config, { decide, assertAttached })
      if (stage === 'new') warnOnce(config.volatile)
      if (stage === 'new') stage = 'configured'
      return configured
    },
    attach(provider) {
      assertAttachable(stage)
      stage = 'attached'
      const ceremonies = createCeremonies({ vault, records, throttle: createThrottle(vault, clock), clock })
      const csrf = createCsrf(createMac(sealer.derive('csrf')))
      provider.use(createRoutes({ provider, config, ceremonies, renderer, csrf, root: PAGES }))
      provider.on('authorization.accepted', assertReported)
      provider.on('session.destroyed', ({ accountId, uid }) => {
        // Best effort: an unreachable ledger expires by itself, and no session points to it any more.
        if (accountId !== undefined) vault.delete(ledgerKey(accountId, uid)).catch(() => undefined)
      })
    },
  })
}
