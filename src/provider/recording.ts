import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Config } from '../config.ts'
import type { FactReader } from '../flow/facts.ts'
import type { Decision, Situation } from '../policy/decision.ts'
import type { FactName, Facts } from '../policy/facts.ts'
import { isFirstPass, recordOf } from '../recording/record.ts'
import type { Recorder } from '../recording/recorder.ts'
import { factsToRecord } from '../recording/reduce.ts'
import type { Pass } from './oidc.ts'
import { type RequestTools, requestFactsOf } from './request.ts'

/** What recording works with. */
export interface RecordingTools extends RequestTools {
  readonly config: Config
  /** The facts that are read at every decision. */
  readonly reads: readonly FactName[]
  /** Undefined where nothing is recorded. */
  readonly recorder: Recorder | undefined
}

/** A pass with what it came to. */
export interface Decided {
  readonly situation: Situation
  readonly decision: Decision
  readonly facts: () => FactReader
}

/** A fact that cannot be had now is not recorded. */
const readEach = async (reader: FactReader, names: readonly FactName[]): Promise<Partial<Facts>> => {
  const values = await Promise.all(names.map((name) => reader.fact(name).catch(() => undefined)))
  return Object.fromEntries(names.map((name, index) => [name, values[index]]))
}

const warn = (fault: unknown) =>
  process.emitWarning(`a decision was not recorded: ${fault instanceof Error ? fault.message : String(fault)}`, {
    type: 'StepUpWarning',
    code: 'STEP_UP_RECORDING',
  })

const record = async (
  ctx: KoaContextWithOIDC,
  pass: Pass,
  { situation, decision, facts }: Decided,
  recorder: Recorder,
  tools: RecordingTools,
): Promise<void> => {
  const { named } = recorder
  const reading = readEach(facts(), factsToRecord(tools.reads, named))
  const request = requestFactsOf(ctx, pass, tools)
  const pseudonym = recorder.pseudonym(pass.session.accountId)
  const allByTicket = tools.config.enrollment === 'ticket'
  recorder.write(recordOf({ situation, decision, request, facts: await reading, pseudonym, allByTicket, named }))
}

/**
 * Records the first decision of an authorization. Facts are asked for at once, before anything is learned from this
 * pass; nobody waits for them, and no fault comes from here.
 */
export const recordDecision = (ctx: KoaContextWithOIDC, pass: Pass, decided: Decided, tools: RecordingTools): void => {
  const { recorder } = tools
  const { situation, decision } = decided
  if (recorder === undefined || !isFirstPass(situation, decision) || !recorder.admits(situation.now)) return
  record(ctx, pass, decided, recorder, tools).catch(warn)
}
