import { load } from 'cheerio'
import { type SmsOptions, sms } from '../../src/factors/sms.ts'
import { totp } from '../../src/factors/totp.ts'
import type { Account } from '../../src/index.ts'
import { twilioMessaging, twilioVerify } from '../../src/senders/twilio.ts'
import type { Browser, Page } from './browser.ts'
import { type HostOptions, startHost } from './host.ts'
import { createJourney } from './relying-party.ts'
import { startTwilio } from './twilio.ts'

export const NUMBER_PAGE = 'Set up codes by text message'
export const TEXT_PAGE = 'Enter the code from the text message'
export const CALL_PAGE = 'Enter the code from the call'

/** Mobile numbers of Germany, as many as are wanted, all of one block of ten thousand. */
export const mobile = (index = 0): string => `+49151123${String(45_678 + index).padStart(5, '0')}`

/** What a test may want to be otherwise. */
export interface SmsWishes {
  readonly sms?: Partial<SmsOptions>
  /** Twilio Verify makes the codes. */
  readonly verify?: true
  /** An authenticator app beside it. */
  readonly app?: true
  readonly host?: HostOptions
  readonly people?: readonly string[]
}

const accountsOf = (names: readonly string[]) =>
  new Map<string, Account>(names.map((id) => [id, { id, label: `${id}@example.com` }]))

/** A host whose messages go through Twilio's client to a Twilio on loopback. */
export const openSms = async ({ people = ['bob', 'carol'], ...wishes }: SmsWishes = {}) => {
  const twilio = await startTwilio()
  const how =
    wishes.verify === true
      ? { verify: twilioVerify({ ...twilio.access, serviceSid: twilio.serviceSid }) }
      : { sender: twilioMessaging({ ...twilio.access, from: twilio.from }) }
  try {
    const factor = sms({ ...how, countries: ['DE', 'AT'], voice: true, ...wishes.sms })
    const host = await startHost({
      accounts: accountsOf(people),
      ...wishes.host,
      stepUp: {
        factors: [...(wishes.app === true ? [totp({ issuer: 'Test' })] : []), factor],
        policy: { default: 'always' },
        ...wishes.host?.stepUp,
      },
    })
    return {
      host,
      twilio,
      close: async () => {
        await host.close()
        await twilio.close()
      },
    }
  } catch (error) {
    await twilio.close()
    throw error
  }
}

/** A host with its Twilio. */
export type Desk = Awaited<ReturnType<typeof openSms>>

/** Every button and link beneath the main form, in their order. */
export const waysOn = ({ text }: Page): readonly string[] =>
  load(text)('.ways a, .ways button')
    .map((_index, element) => load(element).text().trim())
    .get()

/** A person at a browser that was never here. */
export const arrive = async ({ host }: Desk, login = 'bob', parameters: Readonly<Record<string, string>> = {}) => {
  const journey = await createJourney(host, login)
  const { page, redeem } = await journey.go(parameters)
  return { browser: journey.browser, rp: journey.rp, page, redeem }
}

/** The code page, after the number was typed on the number page. */
export const typed = (browser: Browser, page: Page, number: string): Promise<Page> =>
  browser.post(page, { country: 'DE', number })

/** Enrolls a number inside a sign-in; answers the page that the relying party gets. */
export const enrolled = async (desk: Desk, { login = 'bob', number = mobile() } = {}) => {
  const person = await arrive(desk, login)
  const page = await typed(person.browser, person.page, number)
  const answer = await person.browser.post(page, { code: desk.twilio.codeFor(number) })
  return { ...person, page: answer }
}
