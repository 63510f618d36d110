import { z } from 'zod'
import type { Kind, Trait, Upstream } from '../assurance/evidence.ts'
import { configError } from '../config-error.ts'
import { strict } from '../config-schema.ts'
import { StepUpError } from '../errors.ts'
import { canonicalAddress } from '../policy/address.ts'
import type { Facts, Location } from '../policy/facts.ts'

/** Something that the session has proved. */
export interface AskedEvidence {
  /** `login` for the host's own login page, or the id of a factor that the account has. */
  readonly factor: string
  /** How long ago; 0 is in this very sign-in. */
  readonly secondsAgo: number
  /** Default: a password for a login, else the most that the account's oldest authenticator of the factor shows. */
  readonly kinds?: readonly Kind[]
  readonly traits?: readonly Trait[]
  readonly amr?: readonly string[]
  /** What the host calls this way to sign in; of a login only. */
  readonly method?: string
  /** What an identity provider before said; of a login only. */
  readonly upstream?: Upstream
}

/** A sign-in to explain, which nobody has to make. */
export interface Question {
  readonly accountId: string
  readonly clientId: string
  /** The levels asked for. Default: those that the client is registered with, where a provider is attached. */
  readonly acrValues?: string | readonly string[]
  /** Whether they are asked as an essential claim. Default false. */
  readonly essential?: boolean
  /** Requested scopes, and those whose claims are requested one by one. Default `openid`. */
  readonly scopes?: readonly string[]
  /** Requested resource indicators, and the audiences they stand for. */
  readonly resources?: readonly string[]
  /** The IP address that the request comes from. */
  readonly address?: string
  readonly userAgent?: string
  /** Where the request comes from, in place of looking its address up. */
  readonly location?: Location
  /** The moment of the sign-in, in epoch seconds; records are those of now. Default: now. */
  readonly at?: number
  readonly maxAgeSeconds?: number
  readonly prompt?: 'none' | 'login'
  /** Whether the browser is one that the account has signed in from. Default: one without cookies. */
  readonly device?: 'known' | 'unknown'
  /** Request headers, for facts of the host's own that read them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Facts in place of those that would be fetched. */
  readonly facts?: Partial<Facts>
  /**
   * What the session has proved. Default: a password, in this very sign-in. Where no login is named, one by password as
   * long ago as the oldest of the others.
   */
  readonly evidence?: readonly AskedEvidence[]
  /** Whether the browser is remembered, after a proof by the strongest factor that the account has. Default false. */
  readonly remembered?: boolean
}

const PREFIX = 'explain(question): '
const TEXT = 'a text that is not empty'
const AN_ADDRESS = 'an IP address'
const AN_INSTANT = 'epoch seconds, a whole number'
const AN_AGE = 'a whole number of seconds, at least 0'

const text = z.string(TEXT).min(1, TEXT)
const texts = z.array(text, 'a list of texts')
const flag = z.boolean('true or false')
const age = z.int(AN_AGE).min(0, AN_AGE)

const evidence = strict({
  factor: text,
  secondsAgo: age,
  kinds: texts.optional(),
  traits: texts.optional(),
  amr: texts.optional(),
  method: text.optional(),
  upstream: z.looseObject({ issuer: text }, 'an object with the issuer').optional(),
})

const SCHEMA = strict({
  accountId: text,
  clientId: text,
  acrValues: z.union([text, texts], 'a text or a list of texts').optional(),
  essential: flag.optional(),
  scopes: texts.optional(),
  resources: texts.optional(),
  address: z
    .string(AN_ADDRESS)
    .refine((value) => canonicalAddress(value) !== undefined, AN_ADDRESS)
    .optional(),
  userAgent: z.string('a text').optional(),
  location: z.looseObject({}, 'an object, such as { country }').optional(),
  at: z.int(AN_INSTANT).min(0, AN_INSTANT).optional(),
  maxAgeSeconds: age.optional(),
  prompt: z.enum(['none', 'login'], 'none or login').optional(),
  device: z.enum(['known', 'unknown'], 'known or unknown').optional(),
  headers: z.record(z.string(), z.string('a text'), 'an object of texts by name').optional(),
  facts: z.looseObject({}, 'an object of facts by name').optional(),
  evidence: z.array(evidence, 'a list of { factor, secondsAgo }').optional(),
  remembered: flag.optional(),
})

/** Refuses a question, in the words of a configuration that is wrong. */
export const refuse = (path: string, found: string, allowed: string): never => {
  throw new StepUpError('ERR_CONFIG', `${PREFIX}${path}: found ${found}; allowed: ${allowed}`)
}

/** A space separates values in a request, so a list and a text of them are the same. */
export const acrListOf = (acrValues: Question['acrValues'] = []): readonly string[] => [
  ...new Set(
    (typeof acrValues === 'string' ? [acrValues] : acrValues).flatMap((one) => one.split(' ').filter(Boolean)),
  ),
]

/**
 * Checks a question.
 *
 * @param factNames - Facts there are.
 * @throws StepUpError `ERR_CONFIG` naming the path, what was found and what is allowed.
 */
export const checkQuestion = (input: Question, factNames: readonly string[]): Question => {
  const { error } = SCHEMA.safeParse(input)
  if (error !== undefined) throw configError(input, error, PREFIX)
  const strange = Object.keys(input.facts ?? {}).find((name) => !factNames.includes(name))
  if (strange !== undefined) refuse(`facts.${strange}`, 'a fact that nobody knows', factNames.join(', '))
  if (input.essential === true && acrListOf(input.acrValues).length === 0)
    refuse('essential', 'true', 'that beside acrValues')
  if (input.maxAgeSeconds === 0 && input.prompt === 'none')
    refuse('maxAgeSeconds', '0 beside prompt "none"', 'at least 1 there: nobody can be asked to log in')
  return input
}
