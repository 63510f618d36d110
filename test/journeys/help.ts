import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { createSealer } from '../../src/crypto/seal.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { type AccountRecord, createAccountRecords } from '../../src/flow/account-record.ts'
import type { EventCatalogue, EventName } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Browser, Page } from '../support/browser.ts'
import { codeAt, type Host, type HostOptions } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import { acrClaim, ENROLL } from './stage.ts'

export const SETUP = '/mfa/setup'
export const OPEN = 'Set up your account’s protection'
export const DONE = 'All is set up'
export const SAVE = 'Save your recovery codes'
export const RECOVER = 'Enter one of your recovery codes'
export const WITH_CODES: HostOptions = { stepUp: { factors: [totp({ issuer: 'Test' }), recoveryCodes()] } }
/** Refresh tokens for everybody, all on the one grant that a session has given to a client. */
export const REFRESHING: HostOptions = {
  configuration: {
    issueRefreshToken: async () => true,
    loadExistingGrant: async ({ oidc }) => {
      const { session, provider } = oidc
      const clientId = oidc.client?.clientId ?? ''
      const known = session?.grantIdFor(clientId)
      const grant = known === undefined ? undefined : await provider.Grant.find(known)
      if (grant !== undefined) return grant
      const fresh = new provider.Grant({ accountId: session?.accountId ?? '', clientId })
      fresh.addOIDCScope('openid')
      await fresh.save()
      return fresh
    },
  },
}

/** Two kinds asked, or two kinds or nothing. */
export const TWO_KINDS = { acr_values: MULTI_FACTOR }
export const INSIST = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }

const NAMES: Readonly<Record<EventName, true>> = {
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

/** Hears all that a host tells about bob, but for decisions: each call answers what was new, in short. */
export const listen = ({ mfa }: Host) => {
  const heard: string[] = []
  const note =
    <Name extends EventName>(name: Name) =>
    (event: EventCatalogue[Name]) => {
      assert.equal(event.accountId, 'bob', name)
      const { factor, by } = event as { factor?: string; by?: string }
      heard.push([name, ...(factor === undefined ? [] : [factor]), ...(by === undefined ? [] : [`by ${by}`])].join(' '))
    }
  for (const name of Object.keys(NAMES) as EventName[])
    if (name !== 'authorization.decided') mfa.events.on(name, note(name))
  return () => heard.splice(0)
}

/** The recovery codes that a page shows. */
export const codesOn = ({ text }: Page): readonly string[] =>
  load(text)('#codes li')
    .map((_index, item) => load(item).text().trim())
    .get()

/** Opens a link as a browser without JavaScript: what stands behind `#` stays there, so the whole of it is pasted. */
export const paste = async (browser: Browser, link: string): Promise<Page> =>
  browser.post(await browser.get(link), { ticket: link })

/** The factors that an account has, in the order they came. */
export const has = async ({ mfa }: Host, accountId = 'bob'): Promise<readonly string[]> =>
  (await mfa.accounts.list(accountId)).authenticators.map(({ factor }) => factor)

/** The enrolment page that a new ticket opens in this browser. */
export const started = async (
  { mfa }: Host,
  browser: Browser,
  { login = 'bob', factors }: { readonly login?: string; readonly factors?: readonly string[] } = {},
): Promise<Page> => {
  const { url } = await mfa.accounts.issueTicket(login, factors === undefined ? {} : { factors })
  return paste(browser, url)
}

/** Sets an app up on a page that a ticket opened, and answers its secret with the page after it. */
export const confirmed = async (browser: Browser, page: Page) => {
  assert.equal(page.heading, ENROLL)
  const secret = secretOn(page)
  return { secret, page: await browser.post(page, { code: codeAt(secret) }) }
}

/** Changes bob's record behind everybody's back, for what would take hours of typing. */
export const rewrite = async ({ store }: Host, change: (record: AccountRecord) => AccountRecord) => {
  const records = createAccountRecords(store, createSealer([Buffer.alloc(32, 7).toString('base64url')]))
  await records.update('bob', change)
}
