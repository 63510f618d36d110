import type { DecisionRecord } from './decision-record.ts'
import { lineOf } from './record.ts'
import type { Named } from './reduce.ts'

/** Where decisions are recorded, and what stands in the recording. */
export interface DecisionRecorder {
  /**
   * Takes one line of JSON, without a line break. What it throws or rejects with becomes a process warning
   * (`STEP_UP_RECORDING`), and no sign-in waits for it; with 1000 promises open further lines are dropped.
   */
  write(line: string): unknown
  /** Members of `account.metadata` to record as they are: `department`, `org.unit`. Default none. */
  readonly metadata?: readonly string[]
  /**
   * Facts to record beside those of ours that rules read now: the host's own, as they are, and of ours `location`,
   * `device`, `lastLogin`, `velocity`, `risk` and `userAgent`, which are fetched for it. Default none.
   */
  readonly facts?: readonly string[]
  /** How many decisions a second are recorded at most; the next line tells how many were dropped. Default 200. */
  readonly maxPerSecond?: number
}

/** Hands records over to a host's recorder, within bounds. */
export interface Recorder {
  readonly named: Named
  /** Stands for an account. */
  pseudonym(accountId: string): string
  /** Whether one more may be recorded in this second; where it may not, it is counted. */
  admits(at: number): boolean
  write(record: DecisionRecord): void
}

const MAX_PER_SECOND = 200
const MAX_PENDING = 1000
/** A fact of a host's own can be of any size. */
const MAX_LINE = 8192

const textOf = (fault: unknown) => (fault instanceof Error ? fault.message : String(fault))

/** Warns of a recording that fails, once until it works again. */
export const createWarning = () => {
  let isTold = false
  return {
    tell(fault: unknown) {
      if (isTold) return
      isTold = true
      process.emitWarning(`decisions are not recorded: ${textOf(fault)}`, {
        type: 'StepUpWarning',
        code: 'STEP_UP_RECORDING',
      })
    },
    works: () => {
      isTold = false
    },
  }
}

/** Counts what a second has had; a clock that stands still or goes back starts a new one. */
const createLimit = (perSecond: number) => {
  let second: number | undefined
  let count = 0
  return (at: number): boolean => {
    const now = Math.floor(at)
    if (now !== second) {
      second = now
      count = 0
    }
    count += 1
    return count <= perSecond
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> => typeof Object(value).then === 'function'

/** Stands between decisions and a host's recorder: nothing that it does comes to a sign-in. */
export const createRecorder = (target: DecisionRecorder, pseudonym: (accountId: string) => string): Recorder => {
  const { metadata = [], facts = [], maxPerSecond = MAX_PER_SECOND } = target
  const isWithin = createLimit(maxPerSecond)
  const warning = createWarning()
  let dropped = 0
  let pending = 0
  const hand = (line: string) => {
    const answer = target.write(line)
    if (!isThenable(answer)) return warning.works()
    pending += 1
    const done = () => {
      pending -= 1
    }
    Promise.resolve(answer).then(warning.works, warning.tell).finally(done)
  }
  return Object.freeze<Recorder>({
    named: { metadata, facts },
    pseudonym,
    admits(at) {
      const isAdmitted = isWithin(at)
      if (!isAdmitted) dropped += 1
      return isAdmitted
    },
    write(record) {
      const line = lineOf(dropped === 0 ? record : { ...record, dropped })
      if (line.length > MAX_LINE || pending >= MAX_PENDING) {
        dropped += 1
        if (pending >= MAX_PENDING) warning.tell(new Error(`${MAX_PENDING} lines wait to be written`))
        return
      }
      dropped = 0
      try {
        hand(line)
      } catch (fault) {
        warning.tell(fault)
      }
    },
  })
}
