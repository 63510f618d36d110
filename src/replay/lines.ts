/** Takes a file in pieces and hands out its lines; one that never ends is cut off and handed out as empty. */
export interface LineSplitter {
  push(chunk: Buffer): void
  /** What stands behind the last line break is a line too. */
  end(): void
}

const LINE_BREAK = 10
const MAX_LINE = 1024 * 1024

/**
 * Splits bytes at line breaks, without a copy but for lines that two pieces share.
 *
 * @param take - Gets the bytes of one line, good for this one call; undefined for one of more than a MiB.
 */
export const createLineSplitter = (take: (line: Buffer | undefined) => void): LineSplitter => {
  let rest: Buffer | undefined
  let isTooLong = false
  const finish = (line: Buffer) => {
    const whole = rest === undefined ? line : Buffer.concat([rest, line])
    rest = undefined
    const isWhole = !isTooLong && whole.length <= MAX_LINE
    isTooLong = false
    take(isWhole ? whole : undefined)
  }
  const keep = (part: Buffer) => {
    const length = (rest?.length ?? 0) + part.length
    if (isTooLong || length > MAX_LINE) {
      isTooLong = true
      rest = undefined
    } else rest = rest === undefined ? Buffer.from(part) : Buffer.concat([rest, part])
  }
  return Object.freeze<LineSplitter>({
    push(chunk) {
      let start = 0
      for (let end = chunk.indexOf(LINE_BREAK); end !== -1; end = chunk.indexOf(LINE_BREAK, start)) {
        finish(chunk.subarray(start, end))
        start = end + 1
      }
      if (start < chunk.length) keep(chunk.subarray(start))
    },
    end() {
      if (rest !== undefined || isTooLong) finish(Buffer.alloc(0))
    },
  })
}
