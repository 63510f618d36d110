import { load } from 'cheerio'
import type { Browser, Page } from './browser.ts'
import { type Manner, type SoftAuthenticator, softAuthenticator } from './soft-authenticator.ts'

/** Headings of the pages of keys. */
export const USE_KEY = 'Use your passkey or security key'
export const ADD_KEY = 'Set up a passkey or security key'

/** What the page's script would hand to the browser; undefined where the page asks for no key. */
export const optionsOn = ({ text }: Page) => {
  const options = load(text)('form[data-webauthn]').attr('data-options')
  return options === undefined ? undefined : JSON.parse(options)
}

/** What the browser would answer to the page. */
export const answerTo = (page: Page, soft: SoftAuthenticator, lies: Partial<Manner> = {}): string =>
  JSON.stringify(page.heading === USE_KEY ? soft.get(optionsOn(page), lies) : soft.create(optionsOn(page), lies))

/** Answers a page with a key, as its script would. */
export const useKey = (browser: Browser, page: Page, soft: SoftAuthenticator, lies: Partial<Manner> = {}) =>
  browser.post(page, { response: answerTo(page, soft, lies) })

/** An authenticator at this host's own pages. */
export const keyFor = ({ issuer }: { readonly issuer: string }, manner: Partial<Manner> = {}): SoftAuthenticator =>
  softAuthenticator({ origin: issuer, ...manner })
