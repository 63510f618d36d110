import type { Context } from 'koa'

/** One event of a stream. */
export interface StreamEvent {
  readonly name: string
  /** One line. */
  readonly data: string
  /** Nothing comes after it. */
  readonly last?: boolean
}

/** What a stream is made of. */
export interface EventSource {
  /** What there is to tell now; the same data is told once. */
  look(): Promise<StreamEvent>
  /** Calls `told` where it is worth looking at once. */
  watch(told: () => void): () => void
}

/** Another process may have changed what is looked at, and tells nobody. */
const LOOK_MILLISECONDS = 2000
/** All streams look at the same few moments: to wake for each of a thousand costs two or three times as much. */
const WAVE_MILLISECONDS = 100
/** Proxies cut lines that are silent for half a minute. */
const HEARTBEAT_MILLISECONDS = 15_000
const LONGEST_MILLISECONDS = 300_000

const untilWave = () => WAVE_MILLISECONDS - (performance.now() % WAVE_MILLISECONDS)

/**
 * Server-sent events for as long as the other side listens, five minutes at most; whoever wants more asks anew. A
 * fault ends the stream.
 *
 * @returns What ends it; undefined where nobody listens, or not any more.
 * @see HTML Living Standard, "Server-sent events"
 */
export const sendEvents = (ctx: Context, { look, watch }: EventSource): (() => void) | undefined => {
  // Gone while it was found out who asks: nobody would ever tell again that there is nobody.
  const { res } = ctx
  if (res.destroyed) return undefined
  ctx.set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // Some proxies hold an answer back until it is long enough.
    'X-Accel-Buffering': 'no',
  })
  ctx.status = 200
  if (ctx.method === 'HEAD') return undefined
  let told: string | undefined
  let looking = false
  let again = false

  const write = ({ name, data, last = false }: StreamEvent) => {
    if (data !== told) res.write(`event: ${name}\ndata: ${data}\n\n`)
    told = data
    if (last) stop()
  }
  const attempt = async (): Promise<void> => {
    if (looking) {
      again = true
      return
    }
    looking = true
    try {
      do {
        again = false
        const event = await look()
        if (!res.writableEnded) write(event)
      } while (again && !res.writableEnded)
    } catch {
      stop()
    } finally {
      looking = false
    }
  }

  const watching = watch(() => void attempt())
  const timers = [setTimeout(() => stop(), LONGEST_MILLISECONDS)]
  const join = () =>
    timers.push(
      setInterval(() => void attempt(), LOOK_MILLISECONDS),
      setInterval(() => res.write(':\n\n'), HEARTBEAT_MILLISECONDS),
    )
  timers.push(setTimeout(join, untilWave()))
  const stop = () => {
    watching()
    for (const timer of timers) clearTimeout(timer)
    res.end()
  }
  res.on('close', stop)
  // Koa takes a line that is cut, as every line is some day, for a fault of the application.
  ctx.respond = false
  res.write(':\n\n')
  void attempt()
  return stop
}
