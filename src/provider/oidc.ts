import type { Client, Interaction, KoaContextWithOIDC, Account as OidcAccount, Session } from 'oidc-provider'

/** The name of our prompt in the interaction policy, in interactions and in their results. */
export const PROMPT = 'mfa'

/** The parts of `ctx.oidc` that every browser-facing authorization pass has once its account is loaded. */
export interface Pass {
  readonly session: Session & { accountId: string }
  readonly client: Client
  readonly account: OidcAccount | undefined
  readonly params: Readonly<Record<string, unknown>>
  /** Only on resuming: the interaction that was just finished. */
  readonly interaction: Interaction | undefined
}

/** Narrows `ctx.oidc` to a pass with a signed-in account; undefined where nobody is signed in. */
export const passOf = ({ oidc }: KoaContextWithOIDC): Pass | undefined => {
  const { session, client, account, params = {}, entities } = oidc
  if (session?.accountId === undefined || client === undefined) return undefined
  return { session: session as Pass['session'], client, account, params, interaction: entities.Interaction }
}

interface MountedRequest {
  readonly originalUrl?: string
  readonly baseUrl?: string
}

/** Clients may send a target in absolute form, with a host of their choosing (RFC 9112 section 3.2.2). */
const withoutHost = (target: string) => target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').replace(/^\/{2,}/, '/')

/**
 * The path the provider is mounted under, `''` where it is not. Express and its kin rewrite `req.url` and
 * keep the whole in `originalUrl`; koa-mount tells in `ctx.mountPath`.
 */
export const mountPathOf = (ctx: { req: object; url: string; mountPath?: string }): string => {
  const { originalUrl, baseUrl } = ctx.req as MountedRequest
  const [whole, own] = [withoutHost(originalUrl ?? ''), withoutHost(ctx.url)]
  if (whole.endsWith(own)) return whole.slice(0, whole.length - own.length)
  return ctx.mountPath ?? baseUrl ?? ''
}
