import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { isOutage } from '../http/outage.ts'
import type { Screens } from './screens.ts'

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>
type Logout = NonNullable<NonNullable<Configuration['features']>['rpInitiatedLogout']>

/** The pages that oidc-provider itself asks for. */
export interface ProviderPages {
  readonly renderError: NonNullable<Configuration['renderError']>
  readonly device: Pick<DeviceFlow, 'userCodeInputSource' | 'userCodeConfirmSource' | 'successSource'>
  readonly logout: Pick<Logout, 'logoutSource' | 'postLogoutSuccessSource'>
}

// oidc-provider puts a fresh token here before it asks for a page, and compares it with the form's `xsrf` field.
const xsrfOf = ({ oidc }: KoaContextWithOIDC) => {
  const state: unknown = oidc.session?.state
  return typeof state === 'object' && state !== null ? String(Reflect.get(state, 'secret')) : ''
}

const clientName = ({ oidc }: KoaContextWithOIDC) => {
  const name = oidc.client?.clientName ?? oidc.client?.clientId
  return name === undefined ? {} : { clientName: name }
}

const uiLocales = ({ oidc }: KoaContextWithOIDC) => {
  const value = oidc.params?.ui_locales
  return typeof value === 'string' ? value : undefined
}

/** oidc-provider's own pages in the house's looks. */
export const providerPages = (screens: Screens): ProviderPages => ({
  renderError(ctx, out, error) {
    // The plugin answers an outage, in place of whatever stands here.
    if (isOutage(error)) return
    const status = ctx.status
    if (error.name === 'SessionNotFound') screens.explain(ctx, status, 'expired')
    else if (status >= 500) screens.explain(ctx, status, 'error.unexpected', error)
    else screens.explain(ctx, status, 'error.request', `${out.error}: ${out.error_description ?? ''}`)
  },
  device: {
    userCodeInputSource(ctx, _form, _out, error) {
      const action = ctx.oidc.urlFor('code_verification')
      const problem = error && { error: { id: `device.code.${error.name === 'AbortedError' ? 'aborted' : 'invalid'}` } }
      screens.show(ctx, 'serve/device/code', { action, xsrf: xsrfOf(ctx), ...problem })
    },
    userCodeConfirmSource(ctx, _form, client, _deviceInfo, userCode) {
      const action = ctx.oidc.urlFor('code_verification')
      const fields = { action, xsrf: xsrfOf(ctx), userCode, clientName: client.clientName ?? client.clientId }
      screens.show(ctx, 'serve/device/confirm', fields)
    },
    successSource: (ctx) => screens.show(ctx, 'serve/device/done', clientName(ctx)),
  },
  logout: {
    logoutSource(ctx) {
      const action = ctx.oidc.urlFor('end_session_confirm')
      screens.show(ctx, 'serve/logout', { action, xsrf: xsrfOf(ctx), ...clientName(ctx) }, uiLocales(ctx))
    },
    postLogoutSuccessSource: (ctx) => screens.show(ctx, 'serve/signed-out', clientName(ctx)),
  },
})
