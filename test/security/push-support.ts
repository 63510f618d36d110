import assert from 'node:assert/strict'
import { createSealer } from '../../src/crypto/seal.ts'
import { type PushOptions, push } from '../../src/factors/push.ts'
import { totp } from '../../src/factors/totp.ts'
import { type AccountRecord, createAccountRecords } from '../../src/flow/account-record.ts'
import type { Page } from '../support/browser.ts'
import { codeAt, type Host, type HostOptions } from '../support/host.ts'
import { createPhone, numberOn, type Phone, ticketOn } from '../support/phone.ts'
import { createJourney, secretOn } from '../support/relying-party.ts'
import { type Bench, type Journey, passed, TWO_KINDS, useBench } from './support.ts'

export const ASKED = 'Confirm on your device'
export const CLOSED = 'This sign-in was not confirmed'
export const ANSWERED = 'Confirmed on your device'
export const OVER = 'The time to confirm has passed'

/** What belongs to a challenge, as a device is shown it. */
export type Shown = Readonly<Record<string, unknown>>

/** A host whose accounts have devices first, and an app for codes beside. */
export const phones = (options: PushOptions = {}, more: HostOptions = {}): HostOptions => ({
  ...more,
  stepUp: { factors: [push(options), totp({ issuer: 'Test' })], ...more.stepUp },
})

/** @see {@link useBench} */
export const usePhones = (options: () => HostOptions = phones, how: { readonly faulty?: boolean } = {}): Bench =>
  useBench(options, how)

/** The page where a device is to be enrolled, at a browser of that person's. */
export const atEnrollment = async ({ host }: Pick<Bench, 'host'>, login = 'bob') => {
  const journey = await createJourney(host, login)
  const { page: choice, redeem } = await journey.go(TWO_KINDS)
  const page = choice.targets.some((target) => target.includes('#enroll='))
    ? choice
    : await journey.browser.get(choice.targets.find((target) => target.endsWith('/push')) ?? '')
  return { journey, page, redeem }
}

/** Presents a ticket, and types the code beside it. */
export const confirm = async (journey: Journey, page: Page, phone: Phone, name = 'My phone') => {
  const { status, body } = await phone.post(phone.device.enrollment(ticketOn(page), { name }))
  assert.equal(status, 200, JSON.stringify(body))
  return journey.browser.post(await journey.browser.get(page.url), { code: String(body.code) })
}

/** Somebody with a device, signed in nowhere. */
export const withPhone = async ({ host, clock }: Bench, login = 'bob'): Promise<Phone> => {
  const phone = createPhone(host.issuer)
  const { journey, page } = await atEnrollment({ host }, login)
  assert.ok(passed(await confirm(journey, page, phone)), 'enrolment inside the login')
  clock.advance(60)
  return phone
}

/** The page that waits for a device, at a browser that knows nothing. */
export const asked = async (
  { host }: Pick<Bench, 'host'>,
  login = 'bob',
  parameters: Readonly<Record<string, string>> = TWO_KINDS,
) => {
  const journey = await createJourney(host, login)
  return { journey, browser: journey.browser, ...(await journey.go(parameters)) }
}

/** The page of another factor in the same interaction. */
export const wayOf = ({ url }: Page, factor: string): string => `/mfa/${url.pathname.split('/')[2]}/${factor}`

/** The same, with what the device is shown. */
export const challenged = async (bench: Pick<Bench, 'host'>, phone: Phone, login = 'bob') => {
  const first = await asked(bench, login)
  // Where the account has used something else last, that comes first.
  const page = first.page.heading === ASKED ? first.page : await first.browser.get(wayOf(first.page, 'push'))
  const at = { ...first, page }
  assert.equal(page.heading, ASKED, page.text)
  return { ...at, shown: await shownTo(phone), number: numberOn(at.page) }
}

/** What the device is asked. */
export const shownTo = async (phone: Phone): Promise<Shown> => {
  const shown = await phone.pending()
  assert.ok(shown, 'nothing to answer')
  return shown
}

/** Goes on as the page's script does once a device has answered. */
export const onward = async ({ browser, page }: Pick<Awaited<ReturnType<typeof asked>>, 'browser' | 'page'>) => {
  const now = await browser.get(page.url)
  return now.action === '' ? now : browser.post(now)
}

/** The version of what a waiting page shows. */
export const versionOn = ({ text }: Page): string => /data-version="([^"]+)"/.exec(text)?.[1] ?? ''

/** Some other number of as many digits. */
export const otherThan = (number: string, step = 1): string => String(10 + ((Number(number) - 10 + step) % 90))

/** The account's record, past all rules. */
export const recordsOf = ({ store }: Pick<Host, 'store'>) =>
  createAccountRecords(store, createSealer([Buffer.alloc(32, 7).toString('base64url')]))

/** Writes the account's record, past all rules. */
export const rewrite = (host: Pick<Host, 'store'>, login: string, change: (record: AccountRecord) => AccountRecord) =>
  recordsOf(host).update(login, change)

/** Sets an app for codes up by an operator's ticket; answers its secret. */
export const giveApp = async (host: Host, login = 'bob'): Promise<string> => {
  const { url } = await host.mfa.accounts.issueTicket(login, { factors: ['totp'] })
  const browser = host.browser()
  const page = await browser.post(await browser.get('/mfa/setup'), { ticket: new URL(url).hash.slice(1) })
  const secret = secretOn(page)
  await browser.post(page, { code: codeAt(secret) })
  return secret
}

/** So many challenges of the account's have stayed unanswered. */
export const leaveUnanswered = (host: Pick<Host, 'store'>, count: number, login = 'bob') =>
  rewrite(host, login, (record) => ({ ...record, unanswered: { push: count } }))

/** Gives an account one more device, past all rules. */
export const giveAnother = async (host: Pick<Host, 'issuer' | 'store'>, login = 'bob'): Promise<Phone> => {
  const phone = createPhone(host.issuer)
  const { deviceId, publicKey } = phone.device
  await recordsOf(host).claim(deviceId, login)
  await rewrite(host, login, (record) => ({
    ...record,
    authenticators: [
      ...record.authenticators,
      {
        id: `more-${record.authenticators.length}`,
        factor: 'push',
        status: 'active',
        createdAt: 0,
        claim: deviceId,
        data: { deviceId, publicKey, name: 'Another' },
      },
    ],
  }))
  return phone
}
