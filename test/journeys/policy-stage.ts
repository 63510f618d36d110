import { type EmailOptions, email } from '../../src/factors/email.ts'
import { totp } from '../../src/factors/totp.ts'
import type { Account, Decision, StepUpOptions } from '../../src/index.ts'
import type { Confidence, Location } from '../../src/policy/index.ts'
import { type Assessor, lowestConfidence } from '../../src/risk/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import type { Browser } from '../support/browser.ts'
import { CLIENT, type Host, REDIRECT_URI } from '../support/host.ts'
import { createJourney } from '../support/relying-party.ts'

/** Where people are, by their address. */
export const BERLIN = '81.2.69.10'
export const VIENNA = '81.2.69.20'
export const PYONGYANG = '81.2.69.30'

const PLACES: Readonly<Record<string, Location>> = {
  [BERLIN]: { country: 'DE', region: 'BE', latitude: 52.52, longitude: 13.4, accuracyKm: 5, networks: [] },
  [VIENNA]: { country: 'AT', region: '9', latitude: 48.21, longitude: 16.37, accuracyKm: 5, networks: [] },
  [PYONGYANG]: { country: 'KP', latitude: 39.04, longitude: 125.76, accuracyKm: 5, networks: [] },
}

/** Tells where those are, and how often it was asked. */
export const atlas = () => {
  const asked: string[] = []
  return {
    asked,
    locate: (address: string) => {
      asked.push(address)
      return PLACES[address]
    },
  }
}

/** The headers of a person's requests; a test may change them at any time. */
export type Headers = Record<string, string>

const carrying = (browser: Browser, headers: Headers): Browser => {
  const send: Browser['send'] = (target, options = {}) =>
    browser.send(target, { ...options, headers: { ...headers, ...options.headers } })
  return {
    ...browser,
    send,
    get: (target) => send(target),
    post: (page, fields = {}, action = page.action) =>
      send(new URL(action, page.url), { form: { csrf: page.csrf, ...fields } }),
    clone: () => carrying(browser.clone(), headers),
  }
}

/** One person at one browser, who comes from an address by the one trusted proxy, `loopback`. */
export const traveler = async (host: Host, login = 'bob', address: string = BERLIN) => {
  const headers: Headers = { 'user-agent': 'Kiosk/1.0', 'x-forwarded-for': address }
  const person = await createJourney({ ...host, browser: () => carrying(host.browser(), headers) }, login)
  return Object.assign(person, {
    headers,
    from: (elsewhere: string) => {
      headers['x-forwarded-for'] = elsewhere
    },
  })
}

/** Somebody who can be elsewhere. */
export type Traveler = Awaited<ReturnType<typeof traveler>>

/** All decisions of a host, from now on. */
export const listening = ({ mfa }: Host): Decision[] => {
  const heard: Decision[] = []
  mfa.events.on('authorization.decided', ({ decision }) => void heard.push(decision))
  return heard
}

/** A client of that name, as the usual one. */
export const clientCalled = (id: string) => ({
  ...CLIENT,
  client_id: id,
  redirect_uris: [REDIRECT_URI],
  grant_types: [...CLIENT.grant_types],
  response_types: ['code' as const],
})

/** Bob has a verified address, alice has one that nobody has verified, carol none. */
export const people = (): Map<string, Account> =>
  new Map<string, Account>(
    [
      { id: 'alice', label: 'Alice', email: 'alice@example.com', emailVerified: false },
      { id: 'bob', label: 'Bob', email: 'bob@example.com', emailVerified: true },
      { id: 'carol', label: 'Carol' },
    ].map((account) => [account.id, account]),
  )

/** An app, and codes by mail that stay here. */
export const withMail = () => {
  const codes: string[] = []
  const sender: EmailOptions['sender'] = async ({ text }) => {
    codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? '')
  }
  return { factors: [totp({ issuer: 'Test' }), email({ sender })], code: () => codes.pop() ?? 'no mail' }
}

/** Has no confidence in anybody. */
export const doubting: Assessor<never> = {
  name: 'Doubt',
  reads: [],
  assess: () => ({ confidence: 'low', code: 'doubt' }),
}

/** Risk that a test can set; as it is assessed where it does not. */
export const dial = (assessors: Exclude<NonNullable<StepUpOptions['risk']>, { readonly assessors: unknown }>) => {
  const set: { to: Confidence | undefined } = { to: undefined }
  return {
    set,
    risk: {
      assessors,
      overall: (all: Parameters<typeof lowestConfidence>[0]) => set.to ?? lowestConfidence(all),
    },
  }
}

/** A store that counts what is done with it, by operation and kind of record. */
export const counting = () => {
  const inner = memoryStore()
  const done: string[] = []
  const note = <Args extends readonly unknown[], Answer>(kindOf: (...args: Args) => string, name: keyof Store) => {
    const work = inner[name].bind(inner) as unknown as (...args: Args) => Answer
    return (...args: Args): Answer => {
      done.push(`${name} ${kindOf(...args)}`)
      return work(...args)
    }
  }
  const byKey = (key: { readonly kind: string }) => key.kind
  const store = {
    ...inner,
    get: note(byKey, 'get'),
    put: note(byKey, 'put'),
    take: note(byKey, 'take'),
    delete: note(byKey, 'delete'),
    list: note((_accountId: string, kind: string) => kind, 'list'),
  } as typeof inner
  /** What was done since the last call. */
  return { store, done: () => done.splice(0).toSorted() }
}

/** What makes a browser known: nothing but that. */
export const deviceCookiesOf = (browser: Browser) =>
  browser.cookies().filter(({ name }) => name.startsWith('step-up-device'))
