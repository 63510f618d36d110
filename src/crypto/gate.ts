/** Lets only so many tasks run at once; the others wait in the order in which they came. */
export interface Gate {
  /** Runs the task, now or when it is its turn, and answers what it came to. */
  run<Result>(task: () => Promise<Result>): Promise<Result>
  /** Whether as many wait as should: a caller who can be turned away should be. */
  isFull(): boolean
}

/**
 * @param width - How many tasks run at once.
 * @param waiting - How many may wait before the gate counts as full.
 */
export const createGate = ({ width, waiting }: { readonly width: number; readonly waiting: number }): Gate => {
  const queue: (() => void)[] = []
  let running = 0
  const enter = () => {
    if (running >= width) return new Promise<void>((resolve) => queue.push(resolve))
    running += 1
    return undefined
  }
  const leave = () => {
    const next = queue.shift()
    // Who waits takes over the place, so that nobody who comes just now slips in before.
    if (next === undefined) running -= 1
    else next()
  }
  return Object.freeze<Gate>({
    async run(task) {
      await enter()
      try {
        return await task()
      } finally {
        leave()
      }
    },
    isFull: () => queue.length >= waiting,
  })
}
