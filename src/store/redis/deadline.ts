import { StepUpError } from '../../errors.ts'

/**
 * Waits for work no longer than a fixed time: settles as the work does, or rejects once the time is over. `onLate`
 * is told then; the work itself goes on, and what comes of it later is dropped.
 */
export type Deadline = <T>(work: Promise<T>, onLate: () => void) => Promise<T>

interface Waiting {
  readonly endsAt: number
  readonly late: () => void
}

/**
 * One timer watches all that is under way: everything has the same time, so the oldest is always the next to be late.
 *
 * A timer for each command would cost more than sending it.
 */
export const createDeadline = (seconds: number): Deadline => {
  const milliseconds = seconds * 1000
  const waiting = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined

  const arm = (delay: number) => {
    // An answer may lie in the socket already where the process was busy: it is read before anything is late.
    timer = setTimeout(() => void setImmediate(sweep), delay).unref()
  }
  const sweep = () => {
    timer = undefined
    const now = performance.now()
    for (const one of waiting) {
      if (one.endsAt > now) return arm(one.endsAt - now)
      waiting.delete(one)
      one.late()
    }
  }

  return <T>(work: Promise<T>, onLate: () => void) =>
    new Promise<T>((resolve, reject) => {
      const one: Waiting = {
        endsAt: performance.now() + milliseconds,
        late: () => {
          onLate()
          reject(new StepUpError('ERR_STORE', `Redis did not answer within ${seconds} s`))
        },
      }
      waiting.add(one)
      if (timer === undefined) arm(milliseconds)
      const settle =
        <Value>(then: (value: Value) => void) =>
        (value: Value) => {
          waiting.delete(one)
          then(value)
        }
      work.then(settle(resolve), settle(reject))
    })
}
