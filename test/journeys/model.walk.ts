import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { type Consequences, judgeCookies, judgeLooks, judgePass } from './model.judge.ts'
import type { Authorization } from './model.oracle.ts'
import type { User } from './model.people.ts'
import { rememberedCookies, selfSubmitting } from './model.web.ts'
import type { Seated, World } from './model.world.ts'

/** More redirects and self-submitting forms in a row than any step can need. */
const MAX_HOPS = 9

/** What can be set up where nothing is owed. */
const OFFERS: ReadonlySet<string> = new Set(['Set up your authenticator app', 'Save your recovery codes'])

/** What a form does beside leading somewhere. */
export interface Posting {
  readonly form: Readonly<Record<string, string>>
  /** Learns from the first answer; tells whose browser has to be remembered by it. */
  readonly answered: (page: Page, to: URL | undefined) => { readonly remembered: User } | undefined
}

/** One request of a browser. */
export interface Sending {
  readonly url: URL
  readonly posting?: Posting | undefined
}

interface Walk {
  readonly world: World
  readonly seat: Seated
  readonly authorization: Authorization
}

const isPass = ({ pathname }: URL, to: URL | undefined): to is URL => pathname.startsWith('/auth') && to !== undefined

/** Sends one request, and judges its answer. */
const hop = async ({ world, seat, authorization }: Walk, { url, posting }: Sending) => {
  const before = rememberedCookies(seat.browser)
  const form = posting === undefined ? {} : { form: posting.form }
  const page = await seat.browser.send(url, { follow: false, ...form })
  judgeLooks(page)
  const location = page.headers.get('location')
  const to = location === null ? undefined : new URL(location, page.url)
  const learned = posting?.answered(page, to)
  const seen = { seat, authorization, from: page.url, before }
  const came: Consequences = isPass(page.url, to) ? await judgePass(world, { ...seen, to }) : {}
  judgeCookies(world, seat, before, { ...came, ...learned })
  return { page, to, onlyOffers: isPass(page.url, to) ? came.onlyOffers === true : undefined }
}

const itself = (page: Page): Sending | undefined => {
  const own = selfSubmitting(page)
  return own === undefined ? undefined : { url: own.url, posting: { form: own.form, answered: () => undefined } }
}

/**
 * Sends a request and follows where it leads, looking at every answer on the way. With `hold` it stops where the
 * answer to a page would go on, and answers that address.
 */
export const walk = async (at: Walk, first: Sending, hold = false): Promise<Page | URL> => {
  let next: Sending = first
  let onlyOffers = false
  for (let count = 0; count < MAX_HOPS; count += 1) {
    const came = await hop(at, next)
    const { page, to } = came
    onlyOffers = came.onlyOffers ?? onlyOffers
    if (to !== undefined && to.origin !== at.world.host.issuer)
      return { ...page, url: to, heading: '', action: '', targets: [], text: '' }
    if (hold && to?.pathname.startsWith('/auth/')) return to
    const onward = to === undefined ? itself(page) : { url: to }
    if (onward === undefined) {
      assert.ok(!onlyOffers || OFFERS.has(page.heading), `"${page.heading}" though nothing is owed`)
      return page
    }
    next = onward
  }
  return assert.fail(`more than ${MAX_HOPS} hops`)
}
