import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Doorstep, Identifications } from '../flow/identification.ts'
import type { RequestPair } from './session-level.ts'

/** What a login page needs to let people sign in with a passkey. */
export interface PasskeyLoginPage {
  /** JSON for the attribute `data-passkey-options` of the form. */
  readonly options: string
  /** URL paths of the scripts to load, in this order, with `defer`. */
  readonly scripts: readonly string[]
}

/**
 * Signing in with a passkey and nothing else, on the host's own login page.
 *
 * The page has a form with the attribute `data-passkey-options`, a user name field with
 * `autocomplete="username webauthn"` and a hidden field `passkey`; its content security policy lets the scripts run.
 * The form's handler passes what came in `passkey` to `finish`, and submits `{ login: { accountId } }` to
 * oidc-provider. What the passkey proved is taken into the session by itself: nothing about it belongs in the result.
 *
 * @see Web Authentication Level 3, sections 1.2.2 and 5.1.4 (conditional mediation).
 */
export interface PasskeyLogin {
  /**
   * What the page needs, for the interaction that this browser has open; undefined where no factor signs in alone.
   * The same at every reload, until it is answered or too old.
   *
   * @throws SessionNotFound of oidc-provider where this browser has no interaction open; StepUpError `ERR_STORE`.
   */
  begin(request: RequestPair): Promise<PasskeyLoginPage | undefined>
  /**
   * The id of the account whose passkey it is; undefined for everything that is not right, whatever is wrong with it:
   * the page is shown again, with new options. An answer is looked at once.
   *
   * @throws SessionNotFound of oidc-provider where this browser has no interaction open; StepUpError `ERR_STORE`.
   */
  finish(request: RequestPair, answer: string): Promise<string | undefined>
}

/** What it works with. */
export interface PasskeyLoginTools {
  readonly provider: Provider
  readonly identifications: Identifications
  /** URL paths of a factor's scripts for login pages. */
  readonly scriptsOf: (factor: string, request: RequestPair) => readonly string[]
}

/** Only a login can be answered so: elsewhere it is settled whose account it is. */
const doorstepOf = async (provider: Provider, { req, res }: RequestPair): Promise<Doorstep> => {
  const { uid, cid, prompt } = await provider.interactionDetails(req, res)
  if (prompt.name !== 'login') throw new errors.SessionNotFound('this interaction asks for no login')
  return { id: uid, cid, origin: new URL(provider.issuer).origin, issuer: provider.issuer }
}

/** @see {@link PasskeyLogin} */
export const createPasskeyLogin = ({ provider, identifications, scriptsOf }: PasskeyLoginTools): PasskeyLogin =>
  Object.freeze<PasskeyLogin>({
    async begin(request) {
      const begun = await identifications.begin(await doorstepOf(provider, request))
      return begun && { options: JSON.stringify(begun.view), scripts: scriptsOf(begun.factor, request) }
    },
    finish: async (request, answer) => identifications.finish(await doorstepOf(provider, request), answer),
  })
