import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { newCode } from '../../src/crypto/one-time-code.ts'

import {
  ACCOUNT,
  type Answer,
  type Asked,
  codeIn,
  E164,
  error,
  type Fault,
  FIELDS,
  FROM,
  fail,
  isCredential,
  KEY,
  KEY_SECRET,
  type LineFacts,
  MESSAGING_SERVICE,
  problemOfCall,
  problemOfMessage,
  read,
  SERVICE,
  type Sent,
  say,
  sid,
  TOKEN,
  unknownField,
  VERIFY_MAX,
  VERIFY_SECONDS,
  type Verification,
} from './twilio-api.ts'

export type { Fault, LineFacts, Sent } from './twilio-api.ts'

interface Route {
  readonly method: string
  readonly path: RegExp
  readonly fields: readonly string[]
  readonly answer: (asked: Asked) => Answer
}

/** What is wrong with a request before anybody looks at what it asks for. */
const problemOf = ({ headers, method, url }: IncomingMessage, route: Route | undefined, form: Asked['form']) => {
  if (!isCredential(headers.authorization)) return error(401, 20003, 'Authenticate')
  if (route === undefined) return error(404, 20404, `The requested resource ${url} was not found`)
  if (method === 'POST' && headers['content-type'] !== 'application/x-www-form-urlencoded') return error(415, 20415)
  const unknown = unknownField(form, route.fields)
  return unknown === undefined ? undefined : error(400, 20001, `unknown field ${unknown}`)
}

/**
 * Twilio on loopback: Messages, Calls, Verify v2 and Lookup v2, which answers as Twilio's API does and refuses what
 * Twilio refuses, with its codes.
 */
export const startTwilio = async () => {
  const sent: Sent[] = []
  const requests: Asked[] = []
  const complaints: string[] = []
  const faults: Fault[] = []
  const refusals = new Map<string, Fault>()
  const lines = new Map<string, LineFacts>()
  const verifications = new Map<string, Verification>()

  const take = (by: Sent['by'], form: Asked['form'], text: string, code: string) =>
    sent.push({ by, to: form.To ?? '', text, code, form })

  const common = (form: Asked['form']) => ({
    account_sid: ACCOUNT,
    to: form.To,
    from: form.From ?? null,
    date_created: new Date().toUTCString(),
  })

  const message = ({ form }: Asked): Answer => {
    const problem = problemOfMessage(form)
    if (problem !== undefined) return problem
    const { Body = '' } = form
    take('message', form, Body, codeIn(Body))
    return {
      status: 201,
      body: {
        ...common(form),
        sid: sid('SM'),
        status: 'queued',
        body: Body,
        error_code: null,
        error_message: null,
        messaging_service_sid: form.MessagingServiceSid ?? null,
        num_segments: '1',
      },
    }
  }

  const call = ({ form }: Asked): Answer => {
    const problem = problemOfCall(form)
    if (problem !== undefined) return problem
    const { Twiml = '' } = form
    take('call', form, Twiml, codeIn(Twiml).replaceAll(', ', ''))
    return { status: 201, body: { ...common(form), sid: sid('CA'), status: 'queued' } }
  }

  const openVerification = (to: string) => {
    const found = verifications.get(to)
    return found !== undefined && Date.now() / 1000 - found.startedAt < VERIFY_SECONDS ? found : undefined
  }

  const verification = (form: Asked['form'], { sid: its }: Verification, status: string) => ({
    sid: its,
    service_sid: SERVICE,
    account_sid: ACCOUNT,
    to: form.To,
    channel: form.Channel ?? 'sms',
    status,
    valid: status === 'approved',
    date_created: new Date().toISOString(),
    date_updated: new Date().toISOString(),
  })

  const verify = ({ form }: Asked): Answer => {
    const { To = '', Channel = '' } = form
    if (!E164.test(To)) return error(400, 60200, `Invalid parameter \`To\`: ${To}`)
    if (!['sms', 'call'].includes(Channel)) return error(400, 60200, 'Invalid parameter `Channel`')
    const known = openVerification(To)
    const open = known ?? {
      sid: sid('VE'),
      code: newCode(),
      startedAt: Math.floor(Date.now() / 1000),
      sends: 0,
      checks: 0,
    }
    if (open.sends >= VERIFY_MAX) return error(429, 60203, 'Max send attempts reached')
    open.sends += 1
    verifications.set(To, open)
    take('verify', form, Channel, open.code)
    return { status: 201, body: verification(form, open, 'pending') }
  }

  const check = ({ form }: Asked): Answer => {
    const { To = '', Code = '' } = form
    const open = openVerification(To)
    if (open === undefined)
      return error(404, 20404, `The requested resource /Services/${SERVICE}/VerificationCheck was not found`)
    if (open.checks >= VERIFY_MAX) return error(429, 60202, 'Max check attempts reached')
    open.checks += 1
    const isRight = Code === open.code
    if (isRight) verifications.delete(To)
    return { status: 200, body: verification(form, open, isRight ? 'approved' : 'pending') }
  }

  const lookUp = ({ path, query }: Asked): Answer => {
    const number = decodeURIComponent(path.split('/').at(-1) ?? '')
    const { type = 'mobile', sim_swap: swap = null } = lines.get(number) ?? {}
    const wants = (field: string) => (query.get('Fields') ?? '').split(',').includes(field)
    const isValid = E164.test(number)
    return {
      status: 200,
      body: {
        calling_country_code: null,
        country_code: null,
        phone_number: number,
        national_format: null,
        valid: isValid,
        validation_errors: isValid ? [] : ['TOO_SHORT'],
        caller_name: null,
        sim_swap: wants('sim_swap') ? swap : null,
        line_type_intelligence: wants('line_type_intelligence')
          ? { type, carrier_name: 'Test', mobile_country_code: null, mobile_network_code: null, error_code: null }
          : null,
        url: `https://lookups.twilio.com${path}`,
      },
    }
  }

  const routes: readonly Route[] = [
    {
      method: 'POST',
      path: new RegExp(`^/2010-04-01/Accounts/${ACCOUNT}/Messages.json$`),
      fields: FIELDS.messages,
      answer: message,
    },
    {
      method: 'POST',
      path: new RegExp(`^/2010-04-01/Accounts/${ACCOUNT}/Calls.json$`),
      fields: FIELDS.calls,
      answer: call,
    },
    {
      method: 'POST',
      path: new RegExp(`^/v2/Services/${SERVICE}/Verifications$`),
      fields: FIELDS.verifications,
      answer: verify,
    },
    {
      method: 'POST',
      path: new RegExp(`^/v2/Services/${SERVICE}/VerificationCheck$`),
      fields: FIELDS.checks,
      answer: check,
    },
    { method: 'GET', path: /^\/v2\/PhoneNumbers\/[^/]+$/, fields: [], answer: lookUp },
  ]

  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://twilio')
    const form = Object.fromEntries(new URLSearchParams(await read(request)))
    const asked = { path, form, query }
    requests.push(asked)
    const complain = (what: Answer) => {
      complaints.push(`${request.method} ${path}: ${JSON.stringify(what.body)}`)
      return say(response, what)
    }
    const route = routes.find((one) => one.method === request.method && one.path.test(path))
    const problem = problemOf(request, route, form)
    if (route === undefined || problem !== undefined) return complain(problem ?? error(404, 20404))
    const fault = faults.shift() ?? refusals.get(form.To ?? decodeURIComponent(path.split('/').at(-1) ?? ''))
    if (fault !== undefined) return fail(response, fault)
    const answer = route.answer(asked)
    return answer.status < 300 ? say(response, answer) : complain(answer)
  }

  const server = createServer((request, response) => {
    answerTo(request, response).catch((thrown: unknown) => {
      complaints.push(String(thrown))
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    /** How to sign in to it with the account's token, and with an API key. */
    access: { accountSid: ACCOUNT, authToken: TOKEN, apiUrl: url },
    keyAccess: { accountSid: ACCOUNT, apiKey: KEY, apiSecret: KEY_SECRET, apiUrl: url },
    authToken: TOKEN,
    serviceSid: SERVICE,
    messagingServiceSid: MESSAGING_SERVICE,
    from: FROM,
    /** What went out, oldest first. */
    sent,
    /** Every request that came, also those that were refused. */
    requests,
    /** What Twilio would have refused: nothing, in most tests. */
    complaints,
    /** The code that this number got last. */
    codeFor: (to: string): string => sent.findLast((one) => one.to === to)?.code ?? '',
    /** The next requests get these, one each. */
    failNext: (...next: readonly Fault[]) => {
      faults.push(...next)
    },
    /** Every request about this number gets it. */
    refuse: (to: string, fault: Fault) => {
      refusals.set(to, fault)
    },
    /** What Lookup says of it. */
    setLine: (number: string, facts: LineFacts) => {
      lines.set(number, facts)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A running Twilio. */
export type Twilio = Awaited<ReturnType<typeof startTwilio>>
