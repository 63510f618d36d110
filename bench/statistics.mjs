/** The value below which this share of the sorted values lies, between neighbors by their distance. */
const quantile = (sorted, share) => {
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below)
}

/**
 * The value below which this share of the values lies.
 *
 * @param {readonly number[]} values - At least one
 * @param {number} share - 0 to 1
 */
export const shareOf = (values, share) =>
  quantile(
    [...values].sort((one, other) => one - other),
    share,
  )

/**
 * Median and interquartile range.
 *
 * @param {readonly number[]} values - At least one
 */
export const summarize = (values) => {
  const sorted = [...values].sort((one, other) => one - other)
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) }
}

/**
 * The sample with the lowest value of each stretch of time.
 *
 * @param {readonly { at: number }[]} samples - `at` in seconds
 * @param {string} name
 * @param {number} seconds
 */
export const lowest = (samples, name, seconds) => {
  const lows = new Map()
  for (const sample of samples) {
    const stretch = Math.floor(sample.at / seconds)
    if (!(lows.get(stretch)?.[name] <= sample[name])) lows.set(stretch, sample)
  }
  return [...lows.values()]
}

/**
 * How much a value grew from a moment to the end, along the straight line that fits best (least squares): the value of
 * the line at both ends, and its growth as a share.
 *
 * @param {readonly { at: number }[]} samples
 * @param {string} name
 * @param {number} from - Seconds; what came earlier does not count
 */
export const growthOf = (samples, name, from) => {
  const late = samples.filter(({ at }) => at >= from)
  const mean = (of) => late.reduce((sum, sample) => sum + of(sample), 0) / late.length
  const [meanAt, meanValue] = [mean(({ at }) => at), mean((sample) => sample[name])]
  const spread = mean(({ at }) => (at - meanAt) ** 2)
  const slope = spread === 0 ? 0 : mean((sample) => (sample.at - meanAt) * (sample[name] - meanValue)) / spread
  const along = (at) => meanValue + slope * (at - meanAt)
  const [start, end] = [along(from), along(late.at(-1).at)]
  return { start, end, share: end / start - 1 }
}
