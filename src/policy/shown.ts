import type { FactName, Facts } from './facts.ts'

/** Nothing else of the account goes into logs. */
const SHOWN: { readonly [Name in FactName]?: (fact: Facts[Name]) => unknown } = {
  client: ({ id }) => id,
  account: ({ tenant = null }) => ({ tenant }),
}

const show = <Name extends FactName>(name: Name, value: Facts[Name] | undefined): unknown =>
  value === undefined ? null : (SHOWN[name]?.(value) ?? value)

/** Facts as traces show them: `null` where one could not be had, of the client its id, of the account its tenant. */
export const shownFacts = (names: readonly FactName[], facts: Partial<Facts>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(names.map((name) => [name, show(name, facts[name])]))
