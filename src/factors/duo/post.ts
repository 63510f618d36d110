import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { outage } from './complaints.ts'

/** What Duo said. */
export interface Answer {
  readonly status: number
  /** The members of its JSON object; none where it was anything else. */
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * Posts a form and reads the answer.
 *
 * @throws Error where there is none in time or it is too long. Its message says why, without address and secrets.
 */
export type Post = (url: string, form: Readonly<Record<string, string>>) => Promise<Answer>

/** An ID token with all that Duo knows of a user, groups included, is some kilobytes. */
const MAX_BYTES = 262_144

const membersOf = (text: string): Answer['body'] => {
  try {
    return Object(JSON.parse(text)) as Answer['body']
  } catch {
    return {}
  }
}

const read = async (response: IncomingMessage): Promise<Answer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error('Duo answered at too great a length')
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: membersOf(Buffer.concat(chunks).toString('utf8')) }
}

/** What is thrown below may hold the request, and so the assertion. */
const told = (fault: unknown, signal: AbortSignal) => {
  const { code, message } = Object(fault) as { code?: unknown; message?: unknown }
  if (signal.aborted) return outage('Duo did not answer in time')
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code)
    ? outage(`Duo could not be reached (${code})`)
    : outage(typeof message === 'string' && message.startsWith('Duo ') ? message : 'Duo could not be reached')
}

/**
 * Builds it. One deadline holds for the connection, the answer's head and its last byte; redirects are answers like
 * any other, and not followed.
 *
 * @param timeoutSeconds - The deadline of each request.
 * @param ca - Certificates in PEM, in place of those that Node.js trusts.
 */
export const createPost = (timeoutSeconds: number, ca: string | undefined): Post => {
  // Said here, so that no setting of the environment can switch the check of certificates off.
  const agent = new Agent({ minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) })
  return async (url, form) => {
    const signal = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000))
    const body = new URLSearchParams(form).toString()
    const headers = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    }
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const asking = request(url, { method: 'POST', agent, headers, signal }, (response) => {
          read(response).then(resolve, reject)
        })
        asking.on('error', reject)
        asking.end(body)
      })
    } catch (fault) {
      throw told(fault, signal)
    }
  }
}
