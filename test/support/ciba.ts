import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createSecureServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type Adapter, type Configuration, type JWK } from 'oidc-provider'
import * as client from 'openid-client'
import type { PushOptions } from '../../src/factors/push.ts'
import { push } from '../../src/factors/push.ts'
import { MULTI_FACTOR, stepUp } from '../../src/index.ts'
import { ownCertificate } from './certificates.ts'
import { CLIENT, type Host, type HostOptions, REDIRECT_URI, startHost } from './host.ts'
import { createPhone, type Phone, ticketOn } from './phone.ts'
import { createJourney, isAnswer } from './relying-party.ts'

/** How openid-client and oidc-provider name the grant. */
const CIBA = 'urn:openid:params:grant-type:ciba'

/** What details are for: oidc-provider wants a resource with them. */
export const RESOURCE = 'https://api.example/'

/** A client that polls, beside what it does in browsers. */
const POLLING = {
  ...CLIENT,
  redirect_uris: [REDIRECT_URI],
  response_types: ['code' as const],
  grant_types: ['authorization_code', 'refresh_token', CIBA],
  backchannel_token_delivery_mode: 'poll' as const,
  authorization_details_types: ['payment'],
}

/** Another that polls. */
export const OTHER = { ...POLLING, client_id: 'other', client_name: 'Other App' }

/** What a test may change about the host. */
export interface CibaOptions extends HostOptions {
  readonly push?: PushOptions
}

type Features = NonNullable<Configuration['features']>

const FEATURES: Features = {
  ciba: {
    enabled: true,
    deliveryModes: ['poll', 'ping'],
    processLoginHint: async (_ctx: unknown, hint?: string) => hint,
  } as never,
  introspection: { enabled: true },
  resourceIndicators: {
    enabled: true,
    getResourceServerInfo: () => ({ scope: 'pay', accessTokenFormat: 'opaque' as const }),
  },
  richAuthorizationRequests: {
    enabled: true,
    types: { payment: { validate: () => undefined } },
    authorizationDetailsForGrantSource: (_ctx: unknown, source: { rar?: unknown }) => source.rar,
    authorizationDetailsForAccessToken: (_ctx: unknown, _token: unknown, source: { rar?: unknown }) => source.rar,
    authorizationDetailsForIntrospection: (_ctx: unknown, token: { rar?: unknown }) => token.rar,
  } as never,
}

/** A provider whose accounts can be asked on their phones away from any browser. */
export const startCibaHost = ({ push: options = {}, configuration = {}, stepUp, ...more }: CibaOptions = {}) => {
  const { features, findAccount, ...rest } = configuration
  const known = new Set(['alice', 'bob', 'carol'])
  return startHost({
    clients: [POLLING, OTHER],
    ...more,
    stepUp: { factors: [push(options)], ...stepUp },
    configuration: {
      findAccount:
        findAccount ?? ((_ctx, sub) => (known.has(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined)),
      ...rest,
      // The types tell enabled features from disabled ones by literals, which a copy loses.
      features: { ...FEATURES, ...features } as Features,
    },
  })
}

/** Another process of the same provider: the same issuer, store and adapter, at another address. */
export const startTwin = async (host: Host, adapter: (name: string) => Adapter) => {
  const mfa = stepUp({
    account: (id) => host.accounts.get(id),
    factors: [push()],
    sealingKeys: [Buffer.alloc(32, 7).toString('base64url')],
    policy: { default: 'never' },
    store: host.store,
  })
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const provider = new Provider(
    host.issuer,
    mfa.configure({
      clients: [POLLING],
      cookies: { keys: ['test cookie key'] },
      jwks: { keys: [{ ...((await exportJWK(privateKey)) as JWK), alg: 'ES256' }] },
      interactions: { url: () => '/' },
      features: FEATURES,
      adapter,
    }),
  )
  mfa.attach(provider)
  provider.on('server_error', (_ctx, error) => host.errors.push(error))
  const server = createServer(provider.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Where a client is told of results: HTTPS on loopback, under a name that only the provider's own `fetch` knows. */
export const startNotified = async () => {
  const { key, cert } = ownCertificate()
  const told: { readonly authorization: string | undefined; readonly body: unknown }[] = []
  const answers = { status: 204 }
  const server = createSecureServer({ key, cert }, async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    told.push({ authorization: incoming.headers.authorization, body: JSON.parse(Buffer.concat(chunks).toString()) })
    response.writeHead(answers.status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  /** What `configuration.fetch` of a provider is: it trusts this server and reaches nobody else. */
  const fetcher = async (_url: string | URL, { method = 'GET', headers, body }: RequestInit = {}) => {
    const options = { method, ca: cert, host: 'localhost', family: 4, port, path: '/told' }
    const sent = request({ ...options, headers: Object.fromEntries(new Headers(headers)) })
    sent.end(body)
    const [incoming] = (await once(sent, 'response')) as [IncomingMessage]
    incoming.resume()
    return new Response(null, { status: incoming.statusCode ?? 500 })
  }
  return {
    told,
    answers,
    options: {
      clients: [
        {
          ...POLLING,
          backchannel_token_delivery_mode: 'ping' as const,
          backchannel_client_notification_endpoint: 'https://client.example/told',
        },
      ],
      configuration: { fetch: fetcher as never },
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The error that the provider answered a client with. */
export interface Refused {
  readonly error: string
  readonly description: string | undefined
  readonly response: Response
}

/** What a promise is refused with; what is not refused fails the test. */
export const refusedWith = async (work: Promise<unknown>): Promise<Refused> => {
  try {
    await work
  } catch (fault) {
    assert.ok(fault instanceof client.ResponseBodyError, String(fault))
    return { error: fault.error, description: fault.error_description, response: fault.response }
  }
  throw new Error('nothing was refused')
}

/** What the backchannel answers a request with. */
export type Asked = Awaited<ReturnType<typeof client.initiateBackchannelAuthentication>>

/** A relying party on openid-client that asks in the backchannel. */
export const createAsker = async (
  host: Pick<Host, 'issuer'>,
  metadata: { client_id: string; client_secret: string } = CLIENT,
) => {
  const config = await client.discovery(
    new URL(host.issuer),
    metadata.client_id,
    undefined,
    client.ClientSecretBasic(metadata.client_secret),
    { execute: [client.allowInsecureRequests] },
  )
  const ask = (parameters: Readonly<Record<string, string>> = {}): Promise<Asked> =>
    client.initiateBackchannelAuthentication(config, {
      scope: 'openid',
      ...(parameters.id_token_hint === undefined ? { login_hint: 'bob' } : {}),
      binding_message: '4711',
      ...parameters,
    })
  return {
    config,
    ask,
    /** What a request without an answer comes to. */
    refused: (parameters: Readonly<Record<string, string>> = {}) => refusedWith(ask(parameters)),
    /** As openid-client polls, but without its pause. */
    poll: (asked: Asked, parameters: Readonly<Record<string, string>> = {}) =>
      client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.001 }, parameters),
    /** One look at the token endpoint. */
    redeem: ({ auth_req_id }: Pick<Asked, 'auth_req_id'>) => client.genericGrantRequest(config, CIBA, { auth_req_id }),
    /** What one look at the token endpoint is refused with. */
    state: ({ auth_req_id }: Pick<Asked, 'auth_req_id'>) =>
      refusedWith(client.genericGrantRequest(config, CIBA, { auth_req_id })),
    introspect: (token: string) => client.tokenIntrospection(config, token),
  }
}

/** A relying party that asks in the backchannel. */
export type Asker = Awaited<ReturnType<typeof createAsker>>

/** A phone of the account, enrolled inside a login. */
export const enrollPhone = async (host: Host, login = 'bob', channel?: unknown): Promise<Phone> => {
  const phone = createPhone(host.issuer)
  const journey = await createJourney(host, login)
  const { page } = await journey.go({ acr_values: MULTI_FACTOR })
  const facts = { name: `Phone of ${login}`, ...(channel === undefined ? {} : { channel }) }
  const { status, body } = await phone.post(phone.device.enrollment(ticketOn(page), facts))
  assert.equal(status, 200, JSON.stringify(body))
  const shown = await journey.browser.get(page.url)
  const answer = await journey.browser.post(shown, { code: String(body.code) })
  assert.ok(isAnswer(answer), answer.text)
  return phone
}

/** What the phone can answer now. */
export const askedOn = async (phone: Phone): Promise<Readonly<Record<string, unknown>>> => {
  const challenge = await phone.pending()
  assert.ok(challenge, 'the phone is asked nothing')
  return challenge
}

/** The phone answers what it is asked. */
export const answerOn = async (
  phone: Phone,
  decision: 'approve' | 'deny' | 'report',
  more: Readonly<Record<string, unknown>> = decision === 'approve' ? { number: '4711' } : {},
) => phone.answer(await askedOn(phone), decision, more)
