import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import type { EventCatalogue, StepUp } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import { type Host, type HostOptions, startHost } from '../support/host.ts'
import { createJourney } from '../support/relying-party.ts'
import { type Bench, type Journey, passed, TWO_KINDS } from './support.ts'

export const SAVE = 'Save your recovery codes'
export const RECOVER = 'Enter one of your recovery codes'
export const CHALLENGE = 'Enter the code from your authenticator app'
export const ENROLL = 'Set up your authenticator app'

/** A host whose people have an app and recovery codes. */
export const withCodes = (more: HostOptions['stepUp'] = {}): HostOptions => ({
  stepUp: { factors: [totp({ issuer: 'Test' }), recoveryCodes()], ...more },
})

/** The codes that a page shows. */
export const codesOn = ({ text }: Page): readonly string[] =>
  load(text)('#codes li')
    .map((_index, item) => load(item).text().trim())
    .get()

/** Everything the host is told from now on, in order. */
export const listening = ({ events }: Pick<StepUp, 'events'>) => {
  const told: { readonly name: string; readonly [detail: string]: unknown }[] = []
  const names = [
    'authorization.decided',
    'challenge.accepted',
    'challenge.refused',
    'challenge.throttled',
    'factor.disabled',
    'authenticator.enrolled',
    'authenticator.removed',
    'browser.remembered',
    'browser.recognized',
    'browser.reused',
    'browsers.forgotten',
    'ticket.issued',
    'ticket.opened',
    'account.reset',
    'account.unlocked',
    'account.disabled',
    'account.enabled',
    'grants.revoked',
  ] as const satisfies readonly (keyof EventCatalogue)[]
  for (const name of names) events.on(name, (event) => void told.push({ name, ...event }))
  return { told, named: (name: keyof EventCatalogue) => told.filter((one) => one.name === name) }
}

interface Person {
  readonly secret: string
  readonly codes: readonly string[]
  /** The account's record, as stored. */
  readonly record: string
}

const enrollWithCodes = async (host: Host, login: string): Promise<Person> => {
  const journey = await createJourney(host, login)
  const { page } = await journey.go(TWO_KINDS)
  const save = await journey.enroll(page)
  assert.equal(save.heading, SAVE)
  assert.ok(passed(await journey.browser.post(save, { kept: 'yes' })))
  const { record = '' } = (await host.store.load(login)) ?? {}
  return { secret: journey.secret, codes: codesOn(save), record }
}

const makePeople = async () => {
  const host = await startHost(withCodes())
  try {
    return { bob: await enrollWithCodes(host, 'bob'), carol: await enrollWithCodes(host, 'carol') }
  } finally {
    await host.close()
  }
}

let people: ReturnType<typeof makePeople> | undefined

/** Someone with an app and ten recovery codes, signed out. The set was made once for all tests: a set is dear. */
export const recoverable = async (
  { host, clock }: Bench,
  login: 'bob' | 'carol' = 'bob',
): Promise<{ readonly journey: Journey; readonly codes: readonly string[]; readonly code: string }> => {
  people ??= makePeople()
  const { secret, codes, record } = (await people)[login]
  await host.store.save(login, record, null)
  const journey = await createJourney(host, login)
  journey.secret = secret
  clock.advance(60)
  return { journey, codes, code: codes[0] ?? '' }
}

/** The page where a recovery code is typed, from the challenge that asks for the app. */
export const entryFrom = async ({ browser }: Pick<Journey, 'browser'>, challenge: Page): Promise<Page> => {
  assert.equal(challenge.heading, CHALLENGE)
  const entry = await browser.get(`${challenge.url.pathname}/recovery-codes`)
  assert.equal(entry.heading, RECOVER)
  return entry
}

/** Signs in as far as the page where a recovery code is typed. */
export const atEntry = async (journey: Journey, parameters: Readonly<Record<string, string>> = TWO_KINDS) => {
  const { page, redeem } = await journey.go(parameters)
  return { page: await entryFrom(journey, page), redeem }
}

/** Signs in with a recovery code, up to the offer of a new set-up. */
export const recover = async (
  journey: Journey,
  code: string,
  parameters: Readonly<Record<string, string>> = TWO_KINDS,
) => {
  const { page, redeem } = await atEntry(journey, parameters)
  const offer = await journey.browser.post(page, { code })
  assert.equal(offer.heading, ENROLL)
  return { page: offer, redeem }
}

/** How many authenticators of each factor the account has. */
export const inventory = async ({ mfa }: Host, login = 'bob') => {
  const { authenticators } = await mfa.accounts.list(login)
  return authenticators
    .map(({ factor, usesLeft }) => (usesLeft === undefined ? factor : `${factor}:${usesLeft}`))
    .sort()
}

/** What the account has when nothing was taken or added. */
export const UNTOUCHED = ['recovery-codes:10', 'totp']

/** Posts another of the page's ways. */
export const leave = (journey: Journey, page: Page, way: 'cancel' | 'decline') =>
  journey.browser.post(page, {}, `/mfa/${page.url.pathname.split('/')[2]}/${way}`)
