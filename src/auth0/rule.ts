import type { Rule } from '../policy/rule.ts'
import { type Auth0Context, type Auth0User, contextOf, userOf } from './context.ts'
import type { Notes } from './notes.ts'
import { type Auth0Options, settingsOf } from './options.ts'
import { assertFunctions, type Run, ruleOf } from './running.ts'
import { readMultifactor } from './said.ts'

/** How a Rule ends: with an error, which lets nobody pass, or without. Only the first call counts. */
export type Auth0Callback = (error?: unknown, user?: Auth0User, context?: Auth0Context) => void

/** A Rule as it was written for Auth0. */
export type Auth0Rule = (user: Auth0User, context: Auth0Context, callback: Auth0Callback) => unknown

type Passed = readonly [Auth0User, Auth0Context]

const orElse = <Value extends object>(given: Value | undefined, before: Value): Value =>
  typeof given === 'object' && given !== null ? given : before

/** Runs one rule up to its callback. One that returns without calling back is waited for. */
const call = (rule: Auth0Rule, [user, context]: Passed): Promise<Passed> =>
  new Promise((resolve, reject) => {
    const callback: Auth0Callback = (error, nextUser, nextContext) => {
      if (error) reject(error)
      else resolve([orElse(nextUser, user), orElse(nextContext, context)])
    }
    Promise.resolve(rule(user, context, callback)).catch(reject)
  })

const assertNoRedirect = ({ redirect }: Auth0Context, notes: Notes) => {
  if (redirect) throw notes.bar('context.redirect was set, and no rule can send people elsewhere here')
}

/**
 * Makes one rule of several Auth0 Rules, which run in their order on one user and one context: the last
 * `context.multifactor` counts, and the first error ends it.
 *
 * They run as a fact of their own at every decision, within two seconds. `multifactor` asks for the level `floor`,
 * `provider: 'none'` exempts. An error, an answer that is late, a redirect, and what Auth0 does not know let nobody pass.
 * Who looks at what cannot be told here, and then asks for nothing, has asked for the level.
 *
 * @throws StepUpError `ERR_CONFIG` where there are none, one is no function, or an option is wrong.
 */
export const auth0Rules = (rules: readonly Auth0Rule[], options: Auth0Options = {}): Rule => {
  assertFunctions('auth0Rules', rules)
  const settings = settingsOf('auth0Rules', options)
  const all = [...rules]
  const run: Run = async (known, notes, signal) => {
    let passed: Passed = [userOf(known, settings), contextOf(known, notes, settings)]
    for (const rule of all) {
      signal.throwIfAborted()
      passed = await call(rule, passed)
      assertNoRedirect(passed[1], notes)
    }
    return readMultifactor(passed[1].multifactor)
  }
  return ruleOf(run, settings, all.length === 1 ? (all[0]?.name ?? '') : 'auth0 rules')
}

/**
 * Makes a rule of one Auth0 Rule, `function (user, context, callback)`, as it was written. @see {@link auth0Rules}
 *
 * @example
 * ```ts
 * auth0Rule((user, context, callback) => {
 *   if (context.clientID === 'bank') context.multifactor = { provider: 'any', allowRememberBrowser: false }
 *   callback(null, user, context)
 * })
 * ```
 * @throws StepUpError `ERR_CONFIG` where it is no function, or an option is wrong.
 */
export const auth0Rule = (rule: Auth0Rule, options: Auth0Options = {}): Rule => auth0Rules([rule], options)

/** Makes an error of that name. */
export interface UnauthorizedErrorConstructor {
  /** @param message - Why, for traces; users never see it. */
  new (message?: string): Error
}

/** What Rules throw or call back with to turn somebody away; at Auth0 every rule finds it without importing it. */
export const UnauthorizedError = function UnauthorizedError(message?: string): Error {
  const error = new Error(message)
  error.name = 'UnauthorizedError'
  return error
} as unknown as UnauthorizedErrorConstructor
