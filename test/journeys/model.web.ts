import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { decodeJwt } from 'jose'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import type { Account, EventName } from '../../src/index.ts'
import type { Browser, Page } from '../support/browser.ts'
import { CLIENT, type Host, REDIRECT_URI, startHost } from '../support/host.ts'
import { type Asks, type ClientId, LEVELS, MULTI, RECENT, SINGLE } from './model.oracle.ts'

/* The host, its relying parties and the wire: nothing in here judges anything. */

const NAMES = ['ann', 'ben', 'cem'] as const
const CLIENTS: readonly ClientId[] = ['plain', 'floored', 'strict']
/** The security stamp that everybody begins with. */
export const FIRST_STAMP = 'first password'

const EVENTS: Readonly<Record<EventName, true>> = {
  'authorization.decided': true,
  'challenge.accepted': true,
  'challenge.refused': true,
  'challenge.throttled': true,
  'message.sent': true,
  'message.failed': true,
  'message.withheld': true,
  'factor.disabled': true,
  'authenticator.suspected': true,
  'authenticator.enrolled': true,
  'authenticator.removed': true,
  'authenticator.changed': true,
  'browser.remembered': true,
  'browser.recognized': true,
  'browser.reused': true,
  'browsers.forgotten': true,
  'ticket.issued': true,
  'ticket.opened': true,
  'account.reset': true,
  'account.unlocked': true,
  'account.disabled': true,
  'account.enabled': true,
  'grants.revoked': true,
}

/** One grant for each client of a session, with every scope. */
const loadExistingGrant: NonNullable<Parameters<typeof startHost>[0]>['configuration'] = {
  issueRefreshToken: async () => true,
  scopes: ['openid', 'offline_access', 'payments'],
  loadExistingGrant: async ({ oidc: { session, client, provider } }) => {
    const clientId = client?.clientId ?? ''
    const known = session?.grantIdFor(clientId)
    const grant = known === undefined ? undefined : await provider.Grant.find(known)
    if (grant !== undefined) return grant
    const fresh = new provider.Grant({ accountId: session?.accountId ?? '', clientId })
    fresh.addOIDCScope('openid payments')
    await fresh.save()
    return fresh
  },
}

/** A host with three accounts and three clients, whose events are written down. */
export const startModelHost = async () => {
  const accounts = new Map<string, Account>(
    NAMES.map((id) => [id, { id, label: `${id}@example.com`, securityStamp: FIRST_STAMP }]),
  )
  const host = await startHost({
    accounts,
    configuration: loadExistingGrant,
    clients: CLIENTS.map((id) => ({
      ...CLIENT,
      client_id: id,
      redirect_uris: [...CLIENT.redirect_uris],
      grant_types: [...CLIENT.grant_types],
      response_types: ['code' as const],
    })),
    stepUp: {
      factors: [totp({ issuer: 'Test' }), recoveryCodes()],
      levels: LEVELS,
      policy: {
        default: 'never',
        clients: { floored: { floor: MULTI }, strict: { floor: MULTI, allowRememberBrowser: false } },
        scopes: { payments: { floor: RECENT } },
      },
    },
  })
  const told: string[] = []
  for (const name of Object.keys(EVENTS) as EventName[])
    host.mfa.events.on(name, (event) => void told.push(`${name} ${JSON.stringify(event)}`))
  return { host, names: NAMES, /** All events as text. */ told }
}

/** The request on the wire. */
export const urlOf = ({ issuer }: Host, asks: Asks): URL => {
  const url = new URL('/auth', issuer)
  const { client, voluntary, essential, maxAge, prompt, pays } = asks
  const fields = {
    client_id: client,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: pays ? 'openid payments' : 'openid',
    ...(voluntary.length === 0 ? {} : { acr_values: voluntary.join(' ') }),
    ...(essential.length === 0
      ? {}
      : { claims: JSON.stringify({ id_token: { acr: { essential: true, values: essential } } }) }),
    // What no essential level may be erased by.
    ...(essential.length > 0 && pays ? { acr_values: SINGLE } : {}),
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    ...(prompt === undefined ? {} : { prompt }),
  }
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value)
  return url
}

/** What the ID token says, and what repeats it. */
export interface Issued {
  readonly sub: string
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: number
  readonly refreshToken: string
}

/** The token endpoint; undefined where the grant is refused. */
export const grantOf = async (
  { issuer }: Host,
  client: ClientId,
  grant: Readonly<Record<string, string>>,
): Promise<Issued | undefined> => {
  const response = await fetch(new URL('/token', issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:${CLIENT.client_secret}`)}` },
    body: new URLSearchParams(grant),
  })
  const answer = (await response.json()) as Record<string, string>
  if (response.status !== 200) {
    assert.deepEqual([response.status, answer.error], [400, 'invalid_grant'], JSON.stringify(answer))
    return undefined
  }
  const { sub, acr, amr, auth_time } = decodeJwt(answer.id_token ?? '')
  assert.ok(Array.isArray(amr) && typeof auth_time === 'number' && typeof sub === 'string')
  return {
    sub,
    acr: acr as string | undefined,
    amr,
    authTime: auth_time,
    refreshToken: answer.refresh_token ?? grant.refresh_token ?? '',
  }
}

/** Whose session the browser has by now: what oidc-provider itself would find. */
export const sessionOf = async ({ provider }: Host, browser: Browser) => {
  const cookie = browser.cookies().find(({ name }) => name === '_session')
  const session = cookie === undefined ? undefined : await provider.Session.find(cookie.value)
  return session?.accountId === undefined ? undefined : { uid: session.uid, accountId: session.accountId }
}

/** The cookies of remembered browsers, by their names. */
export const rememberedCookies = (browser: Browser): ReadonlyMap<string, string> =>
  new Map(
    browser
      .cookies()
      .filter(({ name }) => name.startsWith('step-up-browser'))
      .map(({ name, value }) => [name, value]),
  )

/** A form that a page submits by itself. */
export const selfSubmitting = ({ text, heading, url }: Page) => {
  if (heading !== '' || !text.includes('.submit()')) return undefined
  const $ = load(text)
  const form = $('form[method=post]').first()
  const hidden = form
    .find('input[name]')
    .map((_index, input) => [[$(input).attr('name') ?? '', $(input).attr('value') ?? '']])
    .get()
  return { url: new URL(form.attr('action') ?? '', url), form: Object.fromEntries(hidden) as Record<string, string> }
}

/** The codes that a page shows. */
export const codesOn = ({ text }: Page): readonly string[] =>
  load(text)('#codes li')
    .map((_index, item) => load(item).text().trim())
    .get()

/** The interaction that a path belongs to. */
export const uidOf = ({ pathname }: URL): string => pathname.split('/')[2] ?? ''
