import { setTimeout as sleep } from 'node:timers/promises'
import { randomToken } from '../crypto/random.ts'
import { StepUpError } from '../errors.ts'

/** What a contract suite is run on. Every test gets its own and closes it. */
export interface Subject<Contract> {
  /** Connected and ready. It may hold records of earlier tests: the suites use fresh names. */
  readonly store: Contract
  /**
   * Lets time pass for the store.
   *
   * @default real waiting
   */
  advance?(seconds: number): Promise<void> | void
  /** Ends connections. */
  close?(): Promise<void> | void
}

/** Makes a subject, at once or in time. */
export type CreateSubject<Contract> = () => Promise<Subject<Contract>> | Subject<Contract>

/** A subject with all that a test needs. */
export interface Bench<Contract> {
  readonly store: Contract
  readonly advance: (seconds: number) => Promise<void>
}

/** Registers one test: a sentence, and what must hold. */
export type Test<Contract> = (title: string, body: (bench: Bench<Contract>) => Promise<void>) => void

interface Runner {
  describe(title: string, body: () => void): unknown
  it(title: string, body: () => Promise<void>, timeoutMs: number): { timeout?(ms: number): unknown } | undefined
}

const TIMEOUT_MS = 30_000

/** Identifiers that have broken key schemes: separators, patterns, hash tags, prototypes, long texts. */
export const ODD_NAMES: readonly string[] = [
  'a:b',
  'a::b',
  '{a}',
  '}{',
  '{',
  '*',
  '?[a-z]',
  'a\nb',
  'a b',
  'a/../b',
  'a\\b',
  '"a"',
  "'a'; --",
  '%61',
  '__proto__',
  'constructor',
  'toString',
  'é',
  'e\u0301',
  'A',
  'a',
  '用户😀',
  `${'x'.repeat(200)}1`,
  `${'x'.repeat(200)}2`,
]

/** A name that no earlier test has used. */
export const freshName = (): string => `suite-${randomToken(9)}`

/** Runs an operation many times at once. */
export const race = <Result>(count: number, run: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)))

/**
 * Opens a suite in the test runner that offers `describe` and `it` as globals: mocha, or one like it.
 *
 * @throws StepUpError `ERR_CONFIG` when there is none.
 */
export const openSuite = <Contract>(
  name: string,
  create: CreateSubject<Contract>,
  register: (test: Test<Contract>) => void,
): void => {
  const { describe, it } = globalThis as Partial<Runner>
  if (!describe || !it) throw new StepUpError('ERR_CONFIG', `${name}: no global describe and it, run it under mocha`)
  const test: Test<Contract> = (title, body) => {
    const run = async () => {
      const subject = await create()
      try {
        await body({
          store: subject.store,
          advance: async (seconds) => (subject.advance ? subject.advance(seconds) : sleep(seconds * 1000)),
        })
      } finally {
        await subject.close?.()
      }
    }
    it(title, run, TIMEOUT_MS)?.timeout?.(TIMEOUT_MS)
  }
  describe(name, () => register(test))
}
