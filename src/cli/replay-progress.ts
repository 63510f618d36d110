import { counted } from './replay-text.ts'

/** Where progress is shown. */
export interface ProgressScreen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** How far a work has come. */
export interface Position {
  /** Of `size`, in bytes. */
  readonly done: number
  readonly size: number | undefined
  readonly lines: number
}

const EVERY_MILLISECONDS = 200
const BAR = 24
const CLEAR = '\r\u001b[K'
const MINUTE = 60

const duration = (seconds: number) =>
  seconds < MINUTE ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / MINUTE)} min ${Math.ceil(seconds % MINUTE)} s`

const barOf = (part: number) => `[${'#'.repeat(Math.round(part * BAR)).padEnd(BAR, '.')}]`

/** One line on how far it is. */
export const progressLine = ({ done, size, lines }: Position, seconds: number): string => {
  const speed = `${counted(Math.round(lines / Math.max(seconds, 0.001)))} lines/s`
  if (size === undefined || size === 0) return `${counted(lines)} lines, ${speed}`
  const part = Math.min(1, done / size)
  const left = part === 0 ? '' : `, ${duration(Math.max(0, seconds / part - seconds))} left`
  return `${barOf(part)} ${Math.floor(part * 100)} %, ${speed}${left}`
}

/** Shows progress on a terminal, a few times a second; anywhere else it is silent. */
export const createProgress = (screen: ProgressScreen, position: () => Position) => {
  const start = performance.now()
  let shownAt = start
  const isShown = screen.isTTY === true
  return {
    tell() {
      const now = performance.now()
      if (!isShown || now - shownAt < EVERY_MILLISECONDS) return
      shownAt = now
      const width = Math.max(1, (screen.columns ?? 80) - 1)
      screen.write(`${CLEAR}${progressLine(position(), (now - start) / 1000).slice(0, width)}`)
    },
    end() {
      if (isShown) screen.write(CLEAR)
    },
  }
}
