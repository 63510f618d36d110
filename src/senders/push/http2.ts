import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'

/** One request, always a POST. */
export interface Http2Request {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Its answer; of the body no more than an error needs. */
export interface Http2Answer {
  readonly status: number
  readonly text: string
}

/** A connection that is kept. */
export interface Http2Connection {
  post(request: Http2Request): Promise<Http2Answer>
}

/** Where to, and how long one request may take. */
export interface Http2Target {
  readonly origin: string
  readonly milliseconds: number
  readonly ca?: string | readonly string[] | undefined
}

const IDLE_MILLISECONDS = 300_000
const MAX_TEXT_LENGTH = 4096

/** Whether the stream has an answer, which a later failure of the connection does not take back. */
const answerOf = (stream: ClientHttp2Stream, body: string, milliseconds: number) =>
  new Promise<Http2Answer>((resolve, reject) => {
    let status = 0
    let text = ''
    const late = () => {
      reject(Object.assign(new Error('late'), { code: 'ETIMEDOUT' }))
      stream.close(constants.NGHTTP2_CANCEL)
    }
    const timer = setTimeout(late, milliseconds)
    stream.setEncoding('utf8')
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    stream.on('data', (chunk: string) => {
      if (text.length < MAX_TEXT_LENGTH) text += chunk
    })
    stream.on('end', () => {
      if (status > 0) resolve({ status, text })
    })
    stream.on('error', reject)
    stream.on('close', () => {
      clearTimeout(timer)
      reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }))
    })
    stream.end(body)
  })

const isOpen = ({ closed, destroyed }: ClientHttp2Session) => !closed && !destroyed

/** No process is kept alive by a connection that nobody waits on. */
const holder = (session: ClientHttp2Session) => {
  let open = 0
  session.unref()
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    open += 1
    session.ref()
    try {
      return await work()
    } finally {
      open -= 1
      if (open === 0) session.unref()
    }
  }
}

/**
 * Keeps one HTTP/2 connection to an origin: opened at the first request, given up after five idle minutes, at an error,
 * at a GOAWAY and where a request gets no answer in time. A request that finds the kept one broken is sent once more.
 */
export const createConnection = ({ origin, milliseconds, ca }: Http2Target): Http2Connection => {
  const open = () => {
    const session = connect(origin, { ...(ca === undefined ? {} : { ca: [ca].flat() }), rejectUnauthorized: true })
    // Each request learns of it by itself.
    session.on('error', () => undefined)
    session.setTimeout(IDLE_MILLISECONDS, () => session.destroy())
    return { session, hold: holder(session), used: false }
  }
  let kept: ReturnType<typeof open> | undefined

  const forget = (line: ReturnType<typeof open>) => {
    if (kept === line) kept = undefined
    // One that has yet to connect would go on trying for minutes; an open one ends what others wait for.
    if (line.session.connecting) line.session.destroy()
    else line.session.close()
  }

  const current = () => {
    if (kept !== undefined && isOpen(kept.session)) return kept
    const line = open()
    line.session.once('goaway', () => forget(line))
    line.session.once('close', () => forget(line))
    kept = line
    return line
  }

  const ask = async ({ path, headers, body }: Http2Request, isLast: boolean): Promise<Http2Answer> => {
    const line = current()
    const wasUsed = line.used
    try {
      const stream = () => line.session.request({ ':method': 'POST', ':path': path, ...headers })
      const answer = await line.hold(() => answerOf(stream(), body, milliseconds))
      line.used = true
      return answer
    } catch (error) {
      forget(line)
      const isLate = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT'
      if (isLast || !wasUsed || isLate) throw error
      return ask({ path, headers, body }, true)
    }
  }
  return Object.freeze({ post: (request: Http2Request) => ask(request, false) })
}
