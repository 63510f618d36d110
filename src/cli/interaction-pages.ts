import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { Interaction } from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { Csrf } from '../http/csrf.ts'
import type { Notice } from '../http/screens.ts'
import type { PasskeyLogin } from '../provider/passkey-login.ts'
import { interactionPath } from './configuration.ts'
import type { Directory, SignIn } from './directory.ts'
import type { Fields, Screens } from './screens.ts'

/** What the login and consent pages work with. */
export interface InteractionParts {
  readonly provider: Provider
  readonly directory: Directory
  readonly passkeyLogin: PasskeyLogin
  readonly screens: Screens
  readonly csrf: Csrf
  readonly clock: Clock
}

/** The scopes that have a sentence in `serve.scope.*`. */
const SCOPES = new Set(['profile', 'email', 'phone', 'address', 'documents', 'offline_access'])

/** Longest user name that is looked at, in characters. */
export const MAX_USERNAME = 256

/** What oidc-provider's consent prompt found not to be granted yet. */
interface Missing {
  readonly missingOIDCScope?: string[]
  readonly missingOIDCClaims?: string[]
  readonly missingResourceScopes?: Readonly<Record<string, string[]>>
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)

const scopesOf = ({ prompt, params }: Interaction) => {
  const { missingOIDCScope, missingResourceScopes } = prompt.details as Missing
  const missing = [...(missingOIDCScope ?? []), ...Object.values(missingResourceScopes ?? {}).flat()]
  // A native app's consent is asked although nothing is missing.
  return missing.length > 0 ? missing : (textOf(params.scope) ?? '').split(' ').filter(Boolean)
}

/** Gives the client all that the consent page has shown; answers the grant's id. */
export const grantAll = async (provider: Provider, { grantId, prompt, params, session }: Interaction) => {
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant =
    known ?? new provider.Grant({ accountId: session?.accountId ?? '', clientId: textOf(params.client_id) ?? '' })
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details as Missing
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims)
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '))
  }
  return grant.save()
}

/** The status and message for a sign-in that was not accepted. */
export const signInProblem = (answer: Exclude<SignIn, { outcome: 'accepted' }>): { status: number; error: Notice } => {
  if (answer.outcome === 'throttled') {
    return { status: 429, error: { id: 'serve.login.throttled', values: { seconds: answer.waitSeconds } } }
  }
  return answer.outcome === 'busy'
    ? { status: 503, error: { id: 'serve.login.busy' } }
    : { status: 422, error: { id: 'serve.login.invalid' } }
}

/** What came of the last answer to a login page. */
export interface Unaccepted {
  readonly error: Notice
  /** The user name that was typed; absent where a passkey was tried. */
  readonly username?: string
}

/** The pages of one interaction: what they show, and what they answer to oidc-provider. */
export const createPages = ({ provider, directory, passkeyLogin, screens, csrf }: InteractionParts) => {
  const common = async ({ uid, params, session }: Interaction): Promise<Fields> => {
    const client = await provider.Client.find(textOf(params.client_id) ?? '')
    const account = session?.accountId === undefined ? undefined : await directory.find(session.accountId)
    const name = client?.clientName ?? client?.clientId
    return {
      csrf: csrf.token('interaction', uid),
      cancelAction: `${interactionPath(uid)}/cancel`,
      ...(name === undefined ? {} : { clientName: name }),
      ...(account === undefined ? {} : { accountLabel: account.label }),
    }
  }
  return {
    async login(ctx: Context, details: Interaction, last?: Unaccepted) {
      const [fields, passkey] = await Promise.all([common(details), passkeyLogin.begin(ctx)])
      const username =
        last?.username ?? fields.accountLabel ?? textOf(details.params.login_hint)?.slice(0, MAX_USERNAME)
      const shown = {
        ...fields,
        action: `${interactionPath(details.uid)}/login`,
        username: username ?? '',
        ...(passkey === undefined ? {} : { passkey: passkey.options, scripts: passkey.scripts }),
        ...(last === undefined ? {} : { error: last.error, mistyped: last.username !== undefined }),
      }
      screens.show(ctx, 'serve/login', shown, textOf(details.params.ui_locales))
    },
    async consent(ctx: Context, details: Interaction) {
      const fields = await common(details)
      const uiLocales = textOf(details.params.ui_locales)
      const t = screens.texts(ctx, uiLocales)
      const scopes = scopesOf(details)
        .filter((id) => id !== 'openid')
        .map((id) => ({ id, text: SCOPES.has(id) ? t(`serve.scope.${id}`) : id }))
      const action = `${interactionPath(details.uid)}/consent`
      screens.show(ctx, 'serve/consent', { ...fields, action, scopes }, uiLocales)
    },
  }
}
