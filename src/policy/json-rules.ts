import { z } from 'zod'
import { configError } from '../config-error.ts'
import { StepUpError } from '../errors.ts'
import { all, any, type Condition, not } from './condition.ts'
import { CONDITIONS, only, said, sayings, text } from './json-conditions.ts'
import { refusal } from './refuse.ts'
import { type Demand, type Rule, when } from './rule.ts'

/** One member: the key of a condition and what is asked. */
type JsonCondition = Readonly<Record<string, unknown>>

interface Combinator {
  readonly shape: (inner: z.ZodType) => z.ZodType
  /** The conditions inside, each with where it stands. */
  readonly inside: (value: unknown) => readonly (readonly [place: string, condition: unknown])[]
  readonly build: (...conditions: readonly Condition[]) => Condition
}

const MAX_DEPTH = 16
const MAX_RULES = 1000
const MAX_NAME = 200
const NAME = `a text of at most ${MAX_NAME} letters`
const RULES = 'a list of rules'
const SECONDS = 'a whole number of seconds, at least 1'
const CONDITION_LIST = 'a list of conditions'

const listOf = (description: string) => (inner: z.ZodType) =>
  said(z.array(inner, CONDITION_LIST).min(1, `${CONDITION_LIST}, at least one`), description)

const each = (value: unknown) =>
  Array.isArray(value) ? value.map((inner, index) => [`[${index}]`, inner] as const) : []

const COMBINATORS: Readonly<Record<string, Combinator>> = {
  all: { shape: listOf('All of these hold.'), inside: each, build: all },
  any: { shape: listOf('Any of these holds.'), inside: each, build: any },
  not: {
    shape: (inner) => said(inner, 'This does not hold; what is not known stays so.'),
    inside: (value) => [['', value]],
    build: (...conditions) => not(all(...conditions)),
  },
}

const KEYS = [...Object.keys(COMBINATORS), ...Object.keys(CONDITIONS)]
const ONE_KEY = `an object with exactly one of ${KEYS.join(', ')}`

const optional = (shapes: readonly (readonly [string, z.ZodType])[]) =>
  Object.fromEntries(shapes.map(([key, shape]) => [key, shape.optional()]))

/** The members that are there. */
const namesIn = (value: unknown) =>
  Object.entries(Object(value)).flatMap(([name, member]) => (member === undefined ? [] : [name]))

/** What is wrong with the members is said by them. */
const isSound = ({ issues }: z.core.ParsePayload) => issues.length === 0

const condition: z.ZodType<JsonCondition> = said(
  only(
    {
      ...optional(
        Object.entries(COMBINATORS).map(([key, { shape }]) => [key, shape(z.lazy((): z.ZodType => condition))]),
      ),
      ...optional(Object.entries(CONDITIONS).map(([key, { shape }]) => [key, shape])),
    },
    ONE_KEY,
  ).refine((value) => namesIn(value).length === 1, {
    error: ({ input }) => `${ONE_KEY}; it has ${namesIn(input).join(' and ') || 'none'}`,
    when: isSound,
  }),
  'A question about a sign-in, answered yes, no, or not known: exactly one of these members.',
  { id: 'condition', minProperties: 1, maxProperties: 1 },
)

const demand = said(
  only(
    {
      floor: said(text(), 'The acr or an alias of a level that is owed.').optional(),
      maxAgeSeconds: said(z.int(SECONDS).min(1, SECONDS), 'How old what meets the floor may be.').optional(),
      factors: said(
        z.array(text(), 'a list of factor ids').min(1, 'at least one factor id'),
        'The floor has to be met by one of these factors.',
      ).optional(),
      allowRememberBrowser: said(z.literal(false, 'false'), 'No remembered browser lifts a floor.').optional(),
      enrollment: said(
        z.enum(['required', 'ticket'], 'required or ticket'),
        'An account that has nothing enrolled has to set something up, or can do so by a ticket only.',
      ).optional(),
      verifiedAddress: said(
        z.literal(true, 'true'),
        'An account that has nothing enrolled has to prove a verified address.',
      ).optional(),
      refuse: said(text(), 'Nobody passes; this tells operators why and is never shown to users.').optional(),
      exempt: said(z.literal(true, 'true'), 'Lifts the default and what rules before this one demand.').optional(),
    },
    'a demand',
  )
    .refine((value) => namesIn(value).length > 0, { error: 'at least one thing that is demanded', when: isSound })
    .refine((value) => value.exempt === undefined || namesIn(value).length === 1, {
      error: 'exempt alone',
      when: isSound,
    }),
  'What is owed where the condition holds, or is not known to hold or not; exempt, and alone, where it is known to hold.',
  { minProperties: 1, dependentSchemas: { exempt: { maxProperties: 1 } } },
)

const rule = said(
  only(
    {
      name: said(z.string(NAME).min(1, NAME).max(MAX_NAME, NAME), 'What explanations call it.').optional(),
      when: condition,
      demand,
      reportOnly: said(z.boolean('true or false'), 'It has no effect; what it would have led to is told.').optional(),
    },
    'an object with when and demand',
  ),
  'One rule: what it demands, and when.',
)

const rules = said(
  z.array(rule, RULES).max(MAX_RULES, `${RULES}, at most ${MAX_RULES}`),
  'Rules of a sign-in policy, in order. Of all that they demand, all is owed.',
)

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []

/** Refuses conditions that go deeper than anybody writes, before a parser loses itself in them: they may be endless. */
const inspect = (value: unknown, at: string, depth = 1): void => {
  if (depth > MAX_DEPTH) throw refusal(at, value, `conditions inside each other, ${MAX_DEPTH} deep at most`)
  for (const [key, content] of entriesOf(value)) {
    const inside = Object.hasOwn(COMBINATORS, key) ? COMBINATORS[key]?.inside(content) : undefined
    for (const [place, inner] of inside ?? []) inspect(inner, `${at}.${key}${place}`, depth + 1)
  }
}

const inspectRules = (value: unknown) => {
  if (!Array.isArray(value)) return
  for (const [index, one] of value.entries()) inspect(Object(one).when, `rules[${index}].when`)
}

/** What the builder of a condition refuses, with where in the document it stands. */
const placed = (at: string, error: unknown) =>
  error instanceof StepUpError ? new StepUpError(error.code, `${at}.${error.message}`, { cause: error }) : error

const build = (json: unknown, at: string): Condition => {
  const [key = '', value] = entriesOf(json).find(([, content]) => content !== undefined) ?? []
  const combinator = Object.hasOwn(COMBINATORS, key) ? COMBINATORS[key] : undefined
  if (combinator !== undefined)
    return combinator.build(...combinator.inside(value).map(([place, inner]) => build(inner, `${at}.${key}${place}`)))
  const entry = Object.hasOwn(CONDITIONS, key) ? CONDITIONS[key] : undefined
  if (entry === undefined) throw refusal(at, json, ONE_KEY)
  try {
    return entry.build(value as never)
  } catch (error) {
    throw placed(at, error)
  }
}

const defined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))

/**
 * Rules as operators write them who do not write code; `policy-rules.schema.json` describes them for editors.
 *
 * @example
 * ```json
 * [{ "name": "abroad", "when": { "not": { "country": ["DE", "AT"] } }, "demand": { "floor": "phr" } }]
 * ```
 * @param value - what `JSON.parse` answered: a list of `{ name?, when, demand, reportOnly? }`.
 * @throws StepUpError `ERR_CONFIG` with the full path of what is wrong, what was found there and what is allowed.
 */
export const rulesFromJson = (value: unknown): readonly Rule[] => {
  inspectRules(value)
  const raw = { rules: value }
  const parsed = z.object({ rules }).safeParse(raw)
  if (!parsed.success) throw configError(raw, parsed.error)
  return Object.freeze(
    parsed.data.rules.map(({ when: asked, demand: owed, name, reportOnly }, index) =>
      when(build(asked, `rules[${index}].when`), defined(owed) as Demand, defined({ name, reportOnly })),
    ),
  )
}

/** The JSON Schema (draft 2020-12) of what {@link rulesFromJson} takes, as published in `policy-rules.schema.json`. */
export const rulesSchema = (): Readonly<Record<string, unknown>> => ({
  title: 'Policy rules of oidc-step-up',
  ...z.toJSONSchema(rules, { metadata: sayings, io: 'input' }),
})
