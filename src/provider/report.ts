import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Decision } from '../policy/decision.ts'
import type { Pass } from './oidc.ts'

type Satisfied = Decision & { outcome: 'satisfied' }

const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, configurable: true, enumerable: false, writable: true })

/**
 * Makes this one request report what was really reached. Codes, tokens and device codes copy these values
 * when they are issued; nothing is written to the Session, whose own acr is overwritten and replayed by
 * every later submission.
 */
export const report = (ctx: KoaContextWithOIDC, { session }: Pass, { acr, amr, authTime }: Satisfied): void => {
  define(ctx.oidc, 'acr', acr)
  define(ctx.oidc, 'amr', [...amr])
  define(session, 'authTime', () => authTime)
}

/** Whether this request's authorization was decided and reported by us. */
export const isReported = ({ oidc }: KoaContextWithOIDC): boolean => Object.hasOwn(oidc, 'amr')

interface Issued {
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
  readonly authTime?: number | undefined
}

/**
 * `acr`, `amr` and `auth_time` for access tokens and introspection, as they were when the authorization was
 * answered: a refresh repeats them, whatever the session has become since (RFC 9068 section 2.2.1).
 */
export const tokenClaims = (ctx: KoaContextWithOIDC | undefined): Record<string, unknown> => {
  if (ctx?.oidc === undefined) return {}
  const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } = ctx.oidc.entities
  const source: Issued | undefined =
    AuthorizationCode ?? RefreshToken ?? DeviceCode ?? BackchannelAuthenticationRequest ?? frontChannel(ctx)
  if (source === undefined) return {}
  const { acr, amr, authTime } = source
  return {
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
    ...(authTime === undefined ? {} : { auth_time: authTime }),
  }
}

/** Tokens of the implicit and hybrid flows are issued by the authorization response itself. */
const frontChannel = ({ oidc }: KoaContextWithOIDC): Issued | undefined =>
  oidc.session?.accountId === undefined
    ? undefined
    : { acr: oidc.acr, amr: oidc.amr, authTime: oidc.session.authTime() }
