import { load } from 'cheerio'
import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { InteractionResults } from 'oidc-provider'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import type { StepUp, StepUpOptions } from '../../src/index.ts'
import type { PasskeyLoginPage } from '../../src/provider/passkey-login.ts'
import type { Browser, Page } from './browser.ts'
import type { HostOptions } from './host.ts'
import type { Manner, SoftAuthenticator } from './soft-authenticator.ts'

/** What is put into the login result beside the account. */
type LoginMore = Partial<NonNullable<InteractionResults['login']>>

interface Ways {
  readonly stepUp?: Partial<StepUpOptions>
  /** Of the login result, whichever way somebody came in. */
  readonly more?: () => LoginMore
}

/** What goes wrong at the door: the page says no more than that. */
export const NOT_YOU = 'host login, again'

const pageOf = (path: string, heading: string, page: PasskeyLoginPage | undefined) => {
  const scripts = page?.scripts.map((src) => `<script defer src="${src}"></script>`) ?? []
  const options = page === undefined ? '' : ` data-passkey-options='${page.options.replaceAll("'", '&#39;')}'`
  return `${scripts.join('')}<h1>${heading}</h1><form class="main" action="${path}"${options}></form>`
}

/** The account that the form names or shows, but for one that is only tried out. */
const whoIn = async (mfa: StepUp, ctx: Context): Promise<string | undefined> => {
  const chunks: Buffer[] = []
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  const passkey = form.get('passkey')
  const accountId = passkey === null ? form.get('login') : await mfa.passkeyLogin.finish(ctx, passkey)
  return form.has('hold') ? undefined : (accountId ?? undefined)
}

const knock = async (mfa: StepUp, provider: Provider, ctx: Context, more: () => LoginMore) => {
  const isAsked = ctx.method === 'GET'
  const accountId = isAsked ? undefined : await whoIn(mfa, ctx)
  if (accountId !== undefined) {
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login: { ...more(), accountId } }))
    ctx.status = 303
    return
  }
  ctx.status = isAsked ? 200 : 422
  ctx.type = 'html'
  ctx.body = pageOf(ctx.path, isAsked ? 'host login' : NOT_YOU, await mfa.passkeyLogin.begin(ctx))
}

/**
 * A host whose own login page lets people in by a name alone or by a passkey alone, as the documentation of
 * `passkeyLogin` has it; `faults` are what it threw. A form with `hold` is judged, and goes no further.
 */
export const passkeyDoor = ({ stepUp, more = () => ({}) }: Ways = {}) => {
  const faults: Error[] = []
  const options: HostOptions = {
    stepUp: { factors: [webauthn({ relyingPartyName: 'Test' }), totp({ issuer: 'Test' })], ...stepUp },
    configuration: { interactions: { url: (_ctx, { uid }) => `/door/${uid}` } },
    mount: (mfa: StepUp, provider) => {
      provider.use(async (ctx, next) => {
        if (!ctx.path.startsWith('/door/')) return next()
        try {
          await knock(mfa, provider, ctx, more)
        } catch (fault) {
          faults.push(fault as Error)
          ctx.status = 400
          ctx.body = 'no'
        }
      })
      mfa.attach(provider)
    },
  }
  return { options, faults }
}

/** What the login page's script is given. */
export const optionsAt = (page: Page): { readonly challenge: string } => {
  const text = load(page.text)('form.main').attr('data-passkey-options')
  if (text === undefined) throw new Error(`no options on "${page.heading}"`)
  return JSON.parse(text).options
}

/** What the passkey answers to the page, as the script would put it into the form. */
export const passkeyFor = (page: Page, soft: SoftAuthenticator, lies: Partial<Manner> = {}): string =>
  JSON.stringify(soft.get(optionsAt(page) as Parameters<SoftAuthenticator['get']>[0], lies))

/** Answers the login page with a passkey. */
export const enterWith = (
  browser: Browser,
  page: Page,
  soft: SoftAuthenticator,
  lies: Partial<Manner> = {},
): Promise<Page> => browser.send(page.action, { form: { passkey: passkeyFor(page, soft, lies) } })
