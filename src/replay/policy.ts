import type { Proof } from '../assurance/evidence.ts'
import type { Level } from '../assurance/levels.ts'
import type { Config } from '../config.ts'
import { besideOthers } from '../flow/permit.ts'
import type { FactName } from '../policy/facts.ts'
import { createJudge, type Judge } from '../policy/judge.ts'
import type { Policy } from '../policy/policy.ts'
import type { AcrValuesReading, MaxAgeReading } from '../policy/requirement.ts'

/** A factor as decisions know it. */
export interface ReplayedFactor extends Proof {
  readonly id: string
  readonly besideOthers?: true
  /** It can be the first thing that an account sets up. */
  readonly enrolls: boolean
}

/** What recorded decisions are made again by. */
export interface ReplayedPolicy {
  readonly judge: Judge
  /** The facts that it reads. */
  readonly reads: readonly FactName[]
  readonly levels: readonly Level[]
  readonly factors: readonly ReplayedFactor[]
  readonly flowSeconds: number
  readonly acrValues: AcrValuesReading
  readonly maxAge: MaxAgeReading
  /** All that the age of a proof is held against; undefined where a rule may demand any. */
  readonly ageLimits: readonly number[] | undefined
  /** Every account needs a ticket. */
  readonly byTicket: boolean
  /** Browsers are remembered. */
  readonly remembers: boolean
}

const isNumber = (value: number | undefined): value is number => value !== undefined

/** All that the age of a proof is held against, beside a request's own `max_age`; undefined where that cannot be told. */
export const ageLimitsOf = (
  { rules = [] }: Policy,
  levels: readonly Level[],
  flowSeconds: number,
): readonly number[] | undefined => {
  const demands = rules.map((rule) => rule.demands)
  if (demands.some((demanded) => demanded === undefined)) return undefined
  const byRules = demands.flatMap((demanded = []) => demanded.map(({ maxAgeSeconds }) => maxAgeSeconds))
  const byLevels = levels.flatMap(({ maxAgeSeconds, overallMaxAgeSeconds }) => [maxAgeSeconds, overallMaxAgeSeconds])
  return [flowSeconds, ...byRules.filter(isNumber), ...byLevels.filter(isNumber)]
}

/** All of a configuration that decisions depend on; what is on trial in it is left out. */
export const replayedPolicyOf = (config: Config): ReplayedPolicy => {
  const { policy, levels, factors, risk } = config
  const { reportOnly: _, ...inEffect } = policy
  const judge = createJudge(
    inEffect,
    levels,
    factors.map(({ id }) => id),
  )
  return Object.freeze<ReplayedPolicy>({
    judge,
    reads: [...new Set<FactName>([...judge.reads, ...(risk === undefined ? [] : (['risk'] as const))])],
    levels,
    factors: factors.map((factor) => {
      const { id, kinds, traits, amr, enroll } = factor
      const beside = besideOthers(factor)
      const enrolls = enroll !== undefined && beside.besideOthers !== true && !traits.includes('recovery')
      return { id, kinds, traits, amr, ...beside, enrolls }
    }),
    flowSeconds: config.flowSeconds,
    ageLimits: ageLimitsOf(inEffect, levels, config.flowSeconds),
    acrValues: config.acrValues,
    maxAge: config.maxAge,
    byTicket: config.enrollment === 'ticket',
    remembers: config.rememberBrowser !== undefined,
  })
}
