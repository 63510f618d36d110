import type { Rule } from '../policy/rule.ts'
import { type Auth0Api, createApi } from './api.ts'
import { type Auth0Event, eventOf } from './event.ts'
import { type Auth0ActionOptions, settingsOf } from './options.ts'
import { assertFunctions, type Run, ruleOf } from './running.ts'

/** A handler of `onExecutePostLogin` as it was written for Auth0. */
export type Auth0Action = (event: Auth0Event, api: Auth0Api) => unknown

/**
 * Makes one rule of several Auth0 Actions of the trigger post-login, which run in their order on one event. What they
 * ask for is put together when all have run; `api.access.deny` ends it and wins over all else.
 *
 * They run as a fact of their own at every decision, within two seconds. `api.multifactor`, `api.access.deny` and the
 * commands of `api.authentication` to challenge and to enroll do something; whatever else of `api` is used lets nobody
 * pass, as errors and answers that are late do. Who looks at what cannot be told here, and then asks for nothing, has
 * asked for the level.
 *
 * @throws StepUpError `ERR_CONFIG` where there are none, one is no function, or an option is wrong.
 */
export const auth0Actions = (handlers: readonly Auth0Action[], options: Auth0ActionOptions = {}): Rule => {
  assertFunctions('auth0Actions', handlers)
  const settings = settingsOf('auth0Actions', options)
  const all = [...handlers]
  const run: Run = async (known, notes, signal) => {
    const event = eventOf(known, notes, settings)
    const { api, said } = createApi(notes)
    for (const handler of all) {
      signal.throwIfAborted()
      await handler(event, api)
      if (notes.fault() !== undefined) break
    }
    return said()
  }
  const name = all.length === 1 ? all[0]?.name : undefined
  return ruleOf(run, settings, name ?? 'auth0 actions')
}

/**
 * Makes a rule of one Auth0 Action, as it was written. @see {@link auth0Actions}
 *
 * @throws StepUpError `ERR_CONFIG` where it is no function, or an option is wrong.
 */
export const auth0Action = (handler: Auth0Action, options: Auth0ActionOptions = {}): Rule =>
  auth0Actions([handler], options)
