import { oneLine, own } from './copy.ts'
import type { Notes } from './notes.ts'
import { type Auth0Factor, PROVIDERS, TYPES } from './options.ts'
import { isProvider, type Said } from './said.ts'

/** A factor as Actions name it; only its type counts. */
export interface Auth0FactorName {
  readonly type: string
  readonly options?: unknown
}

type Single = (factor: Auth0FactorName, options?: { readonly additionalFactors?: readonly Auth0FactorName[] }) => void
type Several = (factors: readonly Auth0FactorName[]) => void

/** What an Action can do. */
export interface Auth0Api {
  readonly multifactor: {
    /** Asks for a level, or, by `none`, for nothing. A remembered browser lifts it only where it says so. */
    enable(provider: string, options?: { readonly allowRememberBrowser?: boolean }): void
  }
  readonly access: {
    /** Nobody passes. The reason goes into traces and events, and is never shown to users. */
    deny(reason: string): void
  }
  readonly authentication: {
    challengeWith: Single
    challengeWithAny: Several
    enrollWith: Single
    enrollWithAny: Several
  }
}

/** What JavaScript itself may ask any object for. */
const HARMLESS = new Set<PropertyKey>(['then', 'toJSON', 'constructor'])

/** An object of which nothing but its own members can be used. */
const guarded = <Part extends object>(part: Part, path: string, notes: Notes): Part =>
  new Proxy(Object.freeze(part), {
    get(target, name) {
      if (Object.hasOwn(target, name)) return Reflect.get(target, name)
      if (typeof name === 'symbol' || HARMLESS.has(name)) return undefined
      throw notes.bar(`${path}.${name} does not exist here`)
    },
  })

const isType = (value: unknown): value is Auth0Factor => TYPES.some((type) => type === value)

const sameSet = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((name) => other.includes(name))

/** The `api` for a run of Actions, and what they said by it. */
export const createApi = (notes: Notes): { readonly api: Auth0Api; said(): Said } => {
  let said: Said = {}
  const typesOf = (factors: readonly unknown[], command: string): readonly Auth0Factor[] => {
    const types = [...new Set(factors.map((factor) => own(factor, 'type')))]
    const known = types.filter(isType)
    if (known.length === 0 || known.length < types.length) {
      const strange = oneLine(String(types.find((type) => !isType(type))))
      throw notes.bar(`${command}: found ${strange}; allowed: ${TYPES.join(', ')}`)
    }
    return known
  }
  const ask = (name: 'challenge' | 'enroll', factors: unknown, command: string) => {
    const types = typesOf(Array.isArray(factors) ? factors : [], command)
    const before = said[name]
    // Both would have to be proved, and one rule demands one thing.
    if (before !== undefined && !sameSet(before, types))
      throw notes.bar(`${command}: found after another of its kind; allowed: one of them in a sign-in`)
    said = { ...said, [name]: types }
  }
  const single =
    (name: 'challenge' | 'enroll', command: string): Single =>
    (factor, options) => {
      const others = own(options, 'additionalFactors')
      ask(name, [factor, ...(Array.isArray(others) ? others : [])], command)
    }
  const several =
    (name: 'challenge' | 'enroll', command: string): Several =>
    (factors) =>
      ask(name, factors, command)
  const enable: Auth0Api['multifactor']['enable'] = (provider, options) => {
    if (!isProvider(provider))
      throw notes.bar(`api.multifactor.enable: found ${oneLine(String(provider))}; allowed: ${PROVIDERS.join(', ')}`)
    const { allowRememberBrowser: _before, ...rest } = said
    const remembers = own(options, 'allowRememberBrowser') === true
    said = { ...rest, provider, ...(remembers ? {} : { allowRememberBrowser: false }) }
  }
  const deny = (reason: unknown) => {
    notes.bar(`denied: ${typeof reason === 'string' ? oneLine(reason) : 'without a reason'}`)
  }
  const path = 'api.authentication'
  const api: Auth0Api = {
    multifactor: guarded({ enable }, 'api.multifactor', notes),
    access: guarded({ deny }, 'api.access', notes),
    authentication: guarded(
      {
        challengeWith: single('challenge', `${path}.challengeWith`),
        challengeWithAny: several('challenge', `${path}.challengeWithAny`),
        enrollWith: single('enroll', `${path}.enrollWith`),
        enrollWithAny: several('enroll', `${path}.enrollWithAny`),
      },
      path,
      notes,
    ),
  }
  return { api: guarded(api, 'api', notes), said: () => said }
}
