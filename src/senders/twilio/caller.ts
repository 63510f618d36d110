import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import twilio from 'twilio'
import { faultOf, isPassing } from './faults.ts'
import type { TwilioAccess } from './options.ts'

/** Twilio's client. */
export type Client = ReturnType<typeof twilio>

/** Asks Twilio, within the deadline, with at most two more tries where that may help. */
export type Caller = <Answer>(ask: (client: Client) => Promise<Answer>) => Promise<Answer>

type Http = InstanceType<typeof twilio.RequestClient>
type Request = Parameters<Http['request']>[0]

const DEADLINE_SECONDS = 4
const MAX_TRIES = 3
const FIRST_PAUSE_MILLISECONDS = 400

/** The same path at another base URL. */
const moved = (uri: string, apiUrl: string | undefined) => {
  if (apiUrl === undefined) return uri
  const { pathname, search } = new URL(uri)
  return `${apiUrl.replace(/\/+$/, '')}${pathname}${search}`
}

/**
 * One client for all requests, so that connections are kept. Its own time-out counts from the last byte on, and it
 * keeps the last request, which holds a code.
 */
const createHttp = () => {
  const http = new twilio.RequestClient({ timeout: DEADLINE_SECONDS * 1000 })
  http.axios.interceptors.request.use((config) => {
    config.signal = AbortSignal.timeout(config.timeout ?? DEADLINE_SECONDS * 1000)
    return config
  })
  return async (request: Request, milliseconds: number) => {
    try {
      return await http.request({ ...request, timeout: milliseconds })
    } finally {
      delete http.lastRequest
      delete http.lastResponse
    }
  }
}

/** The client for one try, which reads nothing of who it is from the environment. */
const clientFor = (
  { accountSid, authToken, apiKey, apiSecret, apiUrl }: TwilioAccess,
  send: ReturnType<typeof createHttp>,
  milliseconds: number,
): Client => {
  const httpClient = {
    request: (request: Request) => send({ ...request, uri: moved(request.uri, apiUrl) }, milliseconds),
  }
  return twilio(apiKey ?? accountSid, apiSecret ?? authToken, { accountSid, httpClient: httpClient as Http })
}

const settled = <Answer>(asked: Promise<Answer>) =>
  asked.then(
    (answer) => ({ answer }),
    (fault: unknown) => ({ fault }),
  )

/** Builds it, for one account. */
export const createCaller = (access: TwilioAccess): Caller => {
  const { deadlineSeconds = DEADLINE_SECONDS } = access
  const send = createHttp()
  return async (ask) => {
    const end = performance.now() + deadlineSeconds * 1000
    for (let tries = 1; ; tries += 1) {
      const tried = await settled(ask(clientFor(access, send, Math.ceil(end - performance.now()))))
      if ('answer' in tried) return tried.answer
      // Anywhere in a growing span, so that many who were turned away do not come back together.
      const wait = randomInt(FIRST_PAUSE_MILLISECONDS * 2 ** (tries - 1))
      const isLast = tries >= MAX_TRIES || performance.now() + wait >= end
      if (isLast || !isPassing(tried.fault)) throw faultOf(tried.fault)
      await pause(wait)
    }
  }
}
