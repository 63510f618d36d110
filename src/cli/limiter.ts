/** Runs at most so many tasks at once; further ones wait, and beyond the waiting room they are turned away. */
export interface Limiter {
  /** The task's result, or `undefined` where the waiting room is full. */
  run<Result>(task: () => Promise<Result>): Promise<Result | undefined>
}

/** A limiter of `concurrency` tasks at once with room for `waiting` more. */
export const createLimiter = ({ concurrency, waiting }: { concurrency: number; waiting: number }): Limiter => {
  const queue: (() => void)[] = []
  let running = 0
  return Object.freeze({
    async run<Result>(task: () => Promise<Result>) {
      if (running >= concurrency) {
        if (queue.length >= waiting) return undefined
        await new Promise<void>((resolve) => queue.push(resolve))
      } else {
        running += 1
      }
      try {
        return await task()
      } finally {
        const next = queue.shift()
        if (next) next()
        else running -= 1
      }
    },
  })
}
