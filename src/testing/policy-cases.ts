import { AssertionError } from 'node:assert'
import { StepUpError } from '../errors.ts'
import type { Explanation } from '../explain/explanation.ts'
import { explanationTree } from '../explain/tree.ts'
import type { PolicyCase, PolicyExpectation, PolicyTester } from './policy-tester.ts'

/** Registers one test: `it` of mocha and vitest, `test` or `it` of node:test. */
export type RegisterTest = (name: string, body: () => Promise<void>) => unknown

/** A row of a table that says what it expects. */
export type ExpectingCase = PolicyCase & { readonly expect: PolicyExpectation }

/** What an explanation says of all that can be expected. */
const foundIn = ({ decision, rules }: Explanation): Required<{ [Name in keyof PolicyExpectation]: unknown }> => ({
  outcome: decision.outcome,
  factors: 'factors' in decision ? decision.factors.toSorted() : [],
  acr: decision.outcome === 'satisfied' ? decision.acr : decision.trace.aim,
  refusal: decision.outcome === 'refuse' ? decision.error : undefined,
  rules: rules.filter(({ reportOnly }) => reportOnly !== true).map(({ rule }) => rule),
})

const inOrder = ({ factors, ...expected }: PolicyExpectation): PolicyExpectation =>
  factors === undefined ? expected : { ...expected, factors: factors.toSorted() }

const shown = (value: unknown) => JSON.stringify(value) ?? 'nothing'

/**
 * Fails where an explanation is not what a case expects.
 *
 * @throws AssertionError that names each difference, with the explanation as a tree.
 */
const assertExpected = (explanation: Explanation, expectation: PolicyExpectation): void => {
  const expected = inOrder(expectation)
  const found = foundIn(explanation)
  const names = Object.keys(expected) as (keyof PolicyExpectation)[]
  const differing = names.filter((name) => shown(found[name]) !== shown(expected[name]))
  if (differing.length === 0) return
  const lines = differing.map((name) => `${name}: expected ${shown(expected[name])}, found ${shown(found[name])}`)
  throw new AssertionError({
    message: `${lines.join('\n')}\n\n${explanationTree(explanation)}\n`,
    actual: Object.fromEntries(names.map((name) => [name, found[name]])),
    expected,
    operator: 'policyCases',
  })
}

const titleOf = ({ name, expect, ...asked }: ExpectingCase) => name ?? `${JSON.stringify(asked)} → ${expect.outcome}`

/**
 * Registers a test for each row of a table.
 *
 * @example
 * ```ts
 * policyCases(tester, [
 *   { name: 'asks at the bank', client: 'bank', enrolled: ['totp'], expect: { outcome: 'challenge', factors: ['totp'] } },
 * ])
 * ```
 * @param runner - Registers a test. Default: the global `it`, which mocha has, and vitest with `globals`.
 * @throws StepUpError `ERR_CONFIG` where there is no such function, or a row expects nothing.
 */
export const policyCases = (
  tester: PolicyTester,
  table: readonly ExpectingCase[],
  runner: RegisterTest | undefined = (globalThis as { readonly it?: RegisterTest }).it,
): void => {
  if (typeof runner !== 'function')
    throw new StepUpError('ERR_CONFIG', 'policyCases: found no global it; allowed: policyCases(tester, table, it)')
  table.forEach((one, index) => {
    if (typeof one.expect?.outcome !== 'string')
      throw new StepUpError(
        'ERR_CONFIG',
        `policyCases: table[${index}].expect.outcome: found nothing; allowed: an outcome`,
      )
    runner(titleOf(one), async () => assertExpected(await tester.decide(one), one.expect))
  })
}
