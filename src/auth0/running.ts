import { StepUpError } from '../errors.ts'
import type { FactName, FactSource } from '../policy/facts.ts'
import type { Rule } from '../policy/rule.ts'
import { described, oneLine } from './copy.ts'
import { type Known, know } from './known.ts'
import { createNotes, type Notes } from './notes.ts'
import { demandsOf, type Settings } from './options.ts'
import { demandOf, type Said } from './said.ts'

/** Runs what was written for Auth0, and answers what it said; whatever it throws lets nobody pass. */
export type Run = (known: Known, notes: Notes, signal: AbortSignal) => Promise<Said>

const taken = new Map<string, number>()

/** A name that no other fact has: the same one at every start, for the same rules in the same order. */
const factNameOf = (name: string): FactName => {
  const count = (taken.get(name) ?? 0) + 1
  taken.set(name, count)
  return `auth0:${name}${count === 1 ? '' : `#${count}`}` as FactName
}

const ended = (said: Said, notes: Notes): Said => {
  const fault = notes.fault()
  const unknown = notes.looked()
  return Object.freeze<Said>(
    fault === undefined ? { ...said, ...(unknown.length === 0 ? {} : { unknown }) } : { refused: oneLine(fault) },
  )
}

const sourceOf =
  (run: Run, settings: Settings): FactSource<Said> =>
  async (request) => {
    const known = await know(request, settings)
    const notes = createNotes()
    const said = await run(known, notes, request.signal).catch((error): Said => ({ refused: described(error) }))
    return ended(said, notes)
  }

/**
 * Functions that are to be run.
 *
 * @throws StepUpError `ERR_CONFIG` where there are none, or one is no function.
 */
export const assertFunctions = (where: string, functions: readonly unknown[]): void => {
  if (!Array.isArray(functions) || functions.length === 0 || functions.some((one) => typeof one !== 'function'))
    throw new StepUpError('ERR_CONFIG', `${where}(): found something else; allowed: functions, at least one`)
}

/** What it is called where it has no name. */
const UNNAMED = 'auth0'

/** Makes a rule of ours of what was written for Auth0. */
export const ruleOf = (run: Run, settings: Settings, called: string): Rule => {
  const name = settings.name ?? (called || UNNAMED)
  const fact = factNameOf(name)
  const saidIn = (facts: object) => (Reflect.get(facts, fact) ?? undefined) as Said | undefined
  const late = Object.freeze({
    refuse: oneLine(`${name} gave no answer in time, or what it looks at could not be had`),
  })
  return Object.freeze<Rule>({
    name,
    reads: Object.freeze([fact, 'enrolled' as const, ...settings.reads]),
    sources: Object.freeze({ [fact]: sourceOf(run, settings) }),
    demands: demandsOf(settings),
    demand(facts) {
      const said = saidIn(facts)
      return said === undefined ? late : Object.freeze(demandOf(said, settings, facts.enrolled ?? []))
    },
    because(facts) {
      const { unknown = [] } = saidIn(facts) ?? {}
      return unknown.length === 0 ? undefined : `looked at what is not known: ${unknown.join(', ')}`
    },
    ...(settings.reportOnly === true ? { reportOnly: true } : {}),
  })
}
