import { setTimeout as sleep } from 'node:timers/promises'

const PACE_MILLISECONDS = 20

/** Milliseconds of real time, whatever a virtual clock says. */
export const stopwatch = () => {
  const start = performance.now()
  return () => performance.now() - start
}

/**
 * Asks again and again until the answer is neither false nor undefined, and gives that answer. A rejection counts
 * as "not yet". Real time.
 */
export const until = async <T>(
  what: string,
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  seconds = 15,
): Promise<T> => {
  const elapsed = stopwatch()
  let last: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== undefined) return answer
    } catch (error) {
      last = error
    }
    if (elapsed() > seconds * 1000)
      throw new Error(`waited ${seconds} s in vain: ${what}${last === undefined ? '' : `; last ${last}`}`, {
        cause: last,
      })
    await sleep(PACE_MILLISECONDS)
  }
}
