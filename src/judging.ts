import type { Config } from './config.ts'
import { createAddressReader } from './http/address.ts'
import type { FactName } from './policy/facts.ts'
import { createJudge } from './policy/judge.ts'
import { readsHistory, readsPlaces } from './provider/devices.ts'
import { createRiskSource } from './risk/assess.ts'

/** What policy and risk come to, and what they read. */
export const judgingOf = ({ policy, levels, factors, risk, trustedProxies, recordDecisions }: Config) => {
  const judge = createJudge(
    policy,
    levels,
    factors.map(({ id }) => id),
  )
  const reads: readonly FactName[] = [...new Set([...judge.reads, ...(risk === undefined ? [] : (['risk'] as const))])]
  const behind = risk?.assessors.flatMap((assessor) => assessor.reads) ?? []
  const recorded = (recordDecisions?.facts ?? []) as readonly FactName[]
  const all = [...reads, ...behind, ...recorded]
  return {
    judge,
    reads,
    remembersDevices: readsHistory(all),
    remembersPlaces: readsPlaces(all),
    assess: risk && createRiskSource(risk),
    addressOf: createAddressReader(trustedProxies),
  }
}
