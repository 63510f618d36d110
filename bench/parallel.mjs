/** How many virtual browsers are at work at once. */
export const BROWSERS = 8

/**
 * Runs `run(index)` `count` times, as many at once as there are browsers; answers all that it answered.
 *
 * @param {number} count
 * @param {(index: number) => Promise<unknown>} run
 * @param {number} [browsers]
 */
export const inParallel = async (count, run, browsers = BROWSERS) => {
  const answers = new Array(count)
  let next = 0
  const browser = async () => {
    while (next < count) {
      const index = next
      next += 1
      answers[index] = await run(index)
    }
  }
  await Promise.all(Array.from({ length: browsers }, browser))
  return answers
}
