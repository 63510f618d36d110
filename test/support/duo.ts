import { randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { JWTPayload } from 'jose'
import { certificate, newPair } from './certificates.ts'
import {
  APPROVES,
  type Asked,
  CLIENT_ID,
  CLIENT_SECRET,
  claimsFor,
  type Fault,
  fail,
  type Person,
  problemOfAssertion,
  problemOfExchange,
  problemOfFields,
  problemOfPrompt,
  read,
  say,
  signed,
} from './duo-api.ts'

export { APPROVES, type Fault, type Person } from './duo-api.ts'

/** An authority of its own, and a certificate for `localhost` that it has signed; all in PEM. */
const authority = () => {
  const [root, leaf] = [newPair(), newPair()]
  const name = { CN: 'Test Authority' }
  const pem = (der: Uint8Array) => new X509Certificate(der).toString()
  const rootCertificate = certificate(
    { subject: name, issuer: name, key: root.publicKey, isAuthority: true },
    root.privateKey,
  )
  const own = certificate(
    { subject: { CN: 'localhost' }, issuer: name, key: leaf.publicKey, isAuthority: false, host: 'localhost' },
    root.privateKey,
  )
  return {
    ca: pem(rootCertificate),
    cert: pem(own),
    key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

interface Issued {
  readonly redirectUri: string
  readonly claims: JWTPayload
}

/** What a test can change at any time. */
export interface DuoScript {
  /** What people do at the prompt. */
  person: Person
  /** Answers in place of Duo's own. */
  faults: { health_check?: Fault; token?: Fault }
  /** How far Duo's clock is ahead of ours, in seconds. */
  skewSeconds: number
  /** The ID token, as somebody else would make it. */
  forge: { claims?: (claims: JWTPayload) => JWTPayload; alg?: string; secret?: string }
}

/**
 * Duo on loopback, over TLS with an authority of its own: health check, prompt and token endpoint of the OIDC Auth API,
 * which refuses what Duo refuses.
 */
export const startDuo = async () => {
  const tls = authority()
  const requests: Asked[] = []
  const complaints: string[] = []
  const codes = new Map<string, Issued>()
  const script: DuoScript = { person: APPROVES, faults: {}, skewSeconds: 0, forge: {} }
  const clock = () => Math.floor(Date.now() / 1000) + script.skewSeconds

  const server = createServer({ key: tls.key, cert: tls.cert })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const apiHost = `localhost:${(server.address() as AddressInfo).port}`
  const base = `https://${apiHost}`
  const tokenUrl = `${base}/oauth/v1/token`

  const idToken = ({ claims }: Issued) => {
    const { result, status, context } = script.person
    const { forge } = script
    const now = clock()
    const genuine: JWTPayload = {
      iss: tokenUrl,
      aud: CLIENT_ID,
      sub: String(claims.duo_uname),
      preferred_username: claims.duo_uname,
      iat: now,
      exp: now + 300,
      auth_time: now,
      auth_result: { result, status, status_msg: 'Login Successful' },
      auth_context: { txid: 'tx-1', timestamp: now, user: { name: claims.duo_uname, groups: [] }, ...context },
      ...(claims.nonce === undefined ? {} : { nonce: claims.nonce }),
    }
    return signed(forge.claims?.(genuine) ?? genuine, forge.alg, forge.secret)
  }

  const health = (response: ServerResponse) => say(response, 200, { stat: 'OK', response: { timestamp: clock() } })

  const prompt = (response: ServerResponse, { form, claims }: Asked) => {
    const back = new URL(form.redirect_uri ?? '')
    const { error } = script.person
    const code = randomBytes(20).toString('hex')
    codes.set(code, { redirectUri: back.href, claims })
    const answer =
      error === undefined
        ? { [claims.use_duo_code_attribute === true ? 'duo_code' : 'code']: code }
        : { error, error_description: 'something in words' }
    for (const [name, value] of Object.entries({ state: String(claims.state), ...answer }))
      back.searchParams.set(name, value)
    response.writeHead(302, { location: back.href })
    response.end()
  }

  const token = async (response: ServerResponse, { form }: Asked) => {
    const { code = '', redirect_uri: redirectUri } = form
    const issued = codes.get(code)
    if (issued === undefined || issued.redirectUri !== redirectUri)
      return say(response, 400, { error: 'invalid_grant', error_description: 'The code is not valid' })
    codes.delete(code)
    const id_token = await idToken(issued)
    return say(response, 200, { id_token, access_token: 'unused', expires_in: 300, token_type: 'Bearer' })
  }

  const refuse = (response: ServerResponse, endpoint: Asked['endpoint'], problem: string) => {
    complaints.push(`${endpoint}: ${problem}`)
    return endpoint === 'health_check'
      ? say(response, 400, { stat: 'FAIL', code: 40_002, message: 'Invalid request', message_detail: problem })
      : say(response, endpoint === 'token' ? 401 : 400, { error: 'invalid_client', error_description: problem })
  }

  const problemOf = ({ endpoint, form, claims }: Asked) =>
    endpoint === 'authorize'
      ? problemOfPrompt(form, claims)
      : (problemOfAssertion(form, claims) ?? (endpoint === 'token' ? problemOfExchange(form) : undefined))

  /** The request, once it is one that our client has signed; else what is wrong with it. */
  const askedOf = async (endpoint: Asked['endpoint'], form: Asked['form']): Promise<Asked | string> => {
    const audience = endpoint === 'authorize' ? base : `${base}/oauth/v1/${endpoint}`
    const token = form.request ?? form.client_assertion ?? ''
    try {
      return { endpoint, form, ...(await claimsFor(token, audience, clock())) }
    } catch (error) {
      return String(error)
    }
  }

  const answer = (response: ServerResponse, asked: Asked) => {
    if (asked.endpoint === 'health_check') return health(response)
    return asked.endpoint === 'authorize' ? prompt(response, asked) : token(response, asked)
  }

  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', base)
    const endpoint = pathname.replace('/oauth/v1/', '') as Asked['endpoint']
    const isGet = request.method === 'GET'
    const form = isGet ? Object.fromEntries(searchParams) : await read(request)
    const fault = endpoint === 'authorize' ? undefined : script.faults[endpoint]
    if (fault !== undefined) return fail(response, fault)
    const odd = isGet === (endpoint === 'authorize') ? problemOfFields(endpoint, form) : `a ${request.method}`
    if (odd !== undefined) return refuse(response, endpoint, odd)
    const asked = await askedOf(endpoint, form)
    if (typeof asked === 'string') return refuse(response, endpoint, asked)
    requests.push(asked)
    const problem = problemOf(asked)
    return problem === undefined ? answer(response, asked) : refuse(response, endpoint, problem)
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    take(request, response).catch((error: Error) => {
      complaints.push(String(error))
      response.destroy()
    })
  })
  // Whoever does not trust the certificate hangs up.
  server.on('tlsClientError', () => undefined)

  return {
    ...tls,
    apiHost,
    /** What `duo()` needs to meet this Duo. */
    options: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, apiHost, ca: tls.ca, timeoutSeconds: 2 },
    script,
    requests,
    /** What Duo found wrong with what came; most tests expect nothing. */
    complaints,
    /** Goes to the prompt, as a browser does that was sent there, and tells where it is sent back to. */
    visit: async (url: URL | string): Promise<URL> => {
      const asking = httpsRequest(url, { ca: tls.ca, agent: false })
      asking.end()
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      response.resume()
      const { location } = response.headers
      if (location === undefined) throw new Error(`Duo shows an error: ${complaints.at(-1)}`)
      return new URL(location)
    },
    /** From now on it shows a certificate of another authority. */
    changeCertificate: () => {
      const { key, cert } = authority()
      server.setSecureContext({ key, cert })
    },
    close: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A running Duo. */
export type Duo = Awaited<ReturnType<typeof startDuo>>
