import assert from 'node:assert/strict'
import type { Browser, Page } from '../support/browser.ts'
import { codeAt, type Host, type HostOptions } from '../support/host.ts'
import { createJourney } from '../support/relying-party.ts'
import { type Bench, challenged, enrolled, type Journey, passed } from './support.ts'

/** The name of the cookie, with a word for the account at its end that is no account. */
export const REMEMBERED = /^(?:__Host-)?step-up-browser-[\w-]{11}$/

/** Two kinds are owed at every sign-in. */
export const FLOOR: HostOptions = { stepUp: { policy: { default: 'always' } } }

/** The cookies by which browsers are remembered, in one browser. */
export const markOf = (browser: Browser) => browser.cookies().filter(({ name }) => REMEMBERED.test(name))

/** The one such cookie. */
export const onlyMark = (browser: Browser) => {
  const [mark, ...more] = markOf(browser)
  assert.ok(mark !== undefined && more.length === 0, `${more.length + (mark ? 1 : 0)} cookies`)
  return mark
}

/** The same browser with its session over: of its cookies only the remembered ones are left. */
export const later = async (host: Host, { browser }: Pick<Journey, 'browser'>, login = 'bob', value?: string) => {
  const journey = await createJourney(host, login)
  journey.browser.load(markOf(browser).map((mark) => (value === undefined ? mark : { ...mark, value })))
  return journey
}

/** Answers the challenge that is owed, with the box ticked. */
export const tick = (journey: Journey, page: Page): Promise<Page> =>
  journey.browser.post(page, { code: codeAt(journey.secret), remember: 'yes' })

/** Someone whose browser is remembered, in the session in which that happened. */
export const remembered = async (bench: Bench, login = 'bob'): Promise<Journey> => {
  const journey = await enrolled(bench, login)
  const { page } = await challenged(journey, {})
  assert.ok(passed(await tick(journey, page)))
  bench.clock.advance(60)
  return journey
}

/** What a request comes to in a browser that begins a new session: whether the floor is lifted. */
export const isLifted = async (journey: Journey, parameters: Readonly<Record<string, string>> = {}) => {
  const { page } = await journey.go(parameters)
  assert.ok(page.status < 500)
  return passed(page)
}
