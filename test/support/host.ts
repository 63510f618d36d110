import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import { NodeCryptoPlugin } from '@otplib/plugin-crypto-node'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type Configuration, type JWK } from 'oidc-provider'
import { generateSync } from 'otplib'
import { totp } from '../../src/factors/totp.ts'
import type { Account, StepUp, StepUpOptions } from '../../src/index.ts'
import { stepUp } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createBrowser } from './browser.ts'

/** Where the relying party's redirect URI points; nothing listens there, browsers stop before it. */
export const REDIRECT_URI = 'http://localhost:9/callback'

const key = generateKeyPair('ES256', { extractable: true }).then(async ({ privateKey }) => ({
  ...(await exportJWK(privateKey)),
  alg: 'ES256',
  use: 'sig',
  kid: 'test',
}))

/** The client every test uses unless it brings its own. */
export const CLIENT = {
  client_id: 'app',
  client_secret: 'app-secret',
  client_name: 'Test App',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
} as const

/** What a test may change about the host. */
export interface HostOptions {
  readonly stepUp?: Partial<StepUpOptions>
  readonly configuration?: Configuration
  readonly clients?: NonNullable<Configuration['clients']>
  /** Hook for the host's account table. */
  readonly accounts?: Map<string, Account>
  /** How the plugin is wired in. Default: as the README says. */
  readonly wiring?: 'right' | 'host configuration used' | 'not attached'
  /** How the configuration is made. Default: `configure`. */
  readonly compose?: (mfa: StepUp, host: Configuration) => Configuration
  /** How the plugin gets into the provider. Default: `attach`. */
  readonly mount?: (mfa: StepUp, provider: Provider) => void
  /** Called with the provider before it serves. */
  readonly prepare?: (provider: Provider) => void
}

/** The one-time code an app with this secret shows at that moment. */
export const codeAt = (secret: string, at = Math.floor(Date.now() / 1000)): string =>
  generateSync({ secret, epoch: at, crypto: new NodeCryptoPlugin() })

const accountsOf = (...names: readonly string[]) =>
  new Map<string, Account>(names.map((id) => [id, { id, label: `${id}@example.com` }]))

/** A host as in the README: its own login page, no consent page, our plugin. */
export const startHost = async (options: HostOptions = {}) => {
  const accounts = options.accounts ?? accountsOf('alice', 'bob', 'carol')
  const store = memoryStore()
  const mfa = stepUp({
    account: (id) => accounts.get(id),
    factors: [totp({ issuer: 'Test' })],
    sealingKeys: [Buffer.alloc(32, 7).toString('base64url')],
    policy: { default: 'never' },
    store,
    ...options.stepUp,
  })
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const issuer = `http://localhost:${port}`

  const host: Configuration = {
    clients: options.clients ?? [
      {
        ...CLIENT,
        redirect_uris: [...CLIENT.redirect_uris],
        grant_types: [...CLIENT.grant_types],
        response_types: ['code'],
      },
    ],
    cookies: { keys: ['test cookie key'] },
    jwks: { keys: [(await key) as JWK] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        accountId: ctx.oidc.session?.accountId as string,
        clientId: ctx.oidc.client?.clientId as string,
      })
      grant.addOIDCScope('openid offline_access profile')
      await grant.save()
      return grant
    },
    ...options.configuration,
  }
  const { compose = (one, its) => one.configure(its), mount = (one, into) => one.attach(into) } = options
  const configured = orClose(server, () => compose(mfa, host))
  const { wiring = 'right' } = options
  const provider = new Provider(
    issuer,
    wiring === 'host configuration used' ? { ...host, features: { devInteractions: { enabled: false } } } : configured,
  )
  provider.use(bodyParserOnLogin)
  provider.use(loginPage(provider))
  if (wiring !== 'not attached') orClose(server, () => mount(mfa, provider))
  options.prepare?.(provider)
  const errors: Error[] = []
  provider.on('server_error', (_ctx, error) => errors.push(error))
  server.on('request', provider.callback())

  return {
    issuer,
    provider,
    accounts,
    store,
    mfa,
    /** Faults the provider reported; most tests expect none. */
    errors,
    browser: () => createBrowser(issuer),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What is refused leaves no server behind. */
const orClose = <Result>(server: Server, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    server.close()
    throw error
  }
}

/** A running host. */
export type Host = Awaited<ReturnType<typeof startHost>>

const parse = bodyParser()
const bodyParserOnLogin: Parameters<Provider['use']>[0] = (ctx, next) =>
  ctx.path.startsWith('/interaction/') && ctx.method === 'POST' ? parse(ctx as never, next) : next()

/** The host's own login page: whoever types a name is that account. */
const loginPage =
  (provider: Provider): Parameters<Provider['use']>[0] =>
  async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next()
    const interaction = await provider.interactionDetails(ctx.req, ctx.res)
    if (ctx.method === 'GET') {
      ctx.type = 'html'
      ctx.body = `<h1>host ${interaction.prompt.name}</h1><form class="main" method="post" action="/interaction/${interaction.uid}"><input name="login"></form>`
      return
    }
    const { login, ...more } = ctx.request.body as Record<string, string>
    const result =
      interaction.prompt.name === 'login'
        ? { login: { ...more, accountId: login ?? 'alice', ...(more.ts === undefined ? {} : { ts: Number(more.ts) }) } }
        : { consent: {} }
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result))
    ctx.status = 303
  }
