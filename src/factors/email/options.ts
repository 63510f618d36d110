import { StepUpError } from '../../errors.ts'

const BUDGETS = [
  { per: 'target', messages: 5, windowSeconds: 600 },
  { per: 'target', messages: 10, windowSeconds: 3600 },
  { per: 'target', messages: 20, windowSeconds: 86_400 },
  { per: 'account', messages: 10, windowSeconds: 3600 },
  { per: 'address', messages: 100, windowSeconds: 3600 },
  { per: 'total', messages: 3600, windowSeconds: 3600 },
] as const

const DEFAULTS = Object.freeze({
  alone: false,
  codeSeconds: 300,
  furtherAddresses: true,
  perAccount: 5,
  budgets: BUDGETS,
  retriesAfterSeconds: Object.freeze([20, 60]),
})

const isWhole = (value: unknown, least: number, most: number) =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most

const isFlag = (value: unknown) => typeof value === 'boolean'

/** What each option must be, in words and as a test. */
const RULES: Readonly<Record<string, readonly [string, (value: unknown) => boolean]>> = {
  sender: ['a function', (value) => typeof value === 'function'],
  alone: ['true or false', isFlag],
  codeSeconds: ['a whole number from 60 to 600', (value) => isWhole(value, 60, 600)],
  furtherAddresses: ['true or false', isFlag],
  perAccount: ['a whole number from 1 to 100', (value) => isWhole(value, 1, 100)],
  budgets: ['a list', Array.isArray],
  retriesAfterSeconds: [
    'a list of at most 5 whole numbers from 1 to 600',
    (value) => Array.isArray(value) && value.length <= 5 && value.every((pause) => isWhole(pause, 1, 600)),
  ],
}

type Defaulted<Options> = Omit<Options, keyof typeof DEFAULTS> &
  Required<Pick<Options, Extract<keyof Options, keyof typeof DEFAULTS>>>

/**
 * The options with their defaults.
 *
 * @throws StepUpError `ERR_CONFIG` for an unknown option and for one that its rule refuses.
 */
export const checkedOptions = <Options extends object>(options: Options): Defaulted<Options> => {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined)
  const all = { ...DEFAULTS, ...Object.fromEntries(given) }
  for (const name of Object.keys(all))
    if (!Object.hasOwn(RULES, name)) throw new StepUpError('ERR_CONFIG', `email({ ${name} }): there is no such option`)
  for (const [name, [words, holds]] of Object.entries(RULES))
    if (!holds((all as Readonly<Record<string, unknown>>)[name]))
      throw new StepUpError('ERR_CONFIG', `email({ ${name} }): must be ${words}`)
  return all as unknown as Defaulted<Options>
}
