import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import type { Page } from '../support/browser.ts'
import { type Host, type HostOptions, startHost } from '../support/host.ts'
import { createJourney, createRelyingParty, errorOf, isAnswer, signIn } from '../support/relying-party.ts'

export const LOGIN = 'host login'
export const CONSENT = 'host consent'
export const CHALLENGE = 'Enter the code from your authenticator app'
export const ENROLL = 'Set up your authenticator app'
export const UNREACHABLE = 'This app asks for more proof'

/** More pages than any one authorization can need. */
const MAX_PAGES = 8

/** A `claims` parameter whose ID token acr is requested like this. */
export const acrClaim = (acr: unknown): string => JSON.stringify({ id_token: { acr } })

/** One person at one browser. */
export type Person = Awaited<ReturnType<typeof createJourney>>

/** One authorization, from the request to its answer. */
export interface Visit {
  /** The headings of all pages on the way. */
  readonly seen: readonly string[]
  readonly page: Page
  readonly error: string | undefined
  readonly redeem: Person['rp']['request'] extends (...args: never) => Promise<infer R>
    ? R extends { redeem: (answer: URL) => infer S }
      ? () => S
      : never
    : never
}

/** What a visit may have that is out of the ordinary. */
export interface Circumstances {
  /** Who signs in on the host's page. Default `bob`. */
  readonly login?: string
  /** Another relying party than the person's own. */
  readonly rp?: Person['rp']
  /** Called before each page is answered. */
  readonly pause?: () => void
}

/**
 * Sends the person through a request: signs in, enrols and types codes wherever a page asks for it, and stops
 * at the relying party's answer or at any other page.
 */
export const visit = async (
  person: Person,
  parameters: Readonly<Record<string, string>> = {},
  { login = 'bob', rp = person.rp, pause }: Circumstances = {},
): Promise<Visit> => {
  const { url, redeem } = await rp.request(parameters)
  const seen: string[] = []
  let page = await person.browser.get(url)
  while (!isAnswer(page) && seen.length < MAX_PAGES) {
    seen.push(page.heading)
    pause?.()
    if (page.heading === LOGIN) page = await signIn(person.browser, page, login)
    else if (page.heading === CONSENT) page = await person.browser.send(page.action, { form: {} })
    else if (page.heading === CHALLENGE) page = await person.answer(page)
    else if (page.heading === ENROLL) page = await person.enroll(page)
    else break
  }
  return { seen, page, error: errorOf(page), redeem: () => redeem(page.url) }
}

/** Opens a request and stops at the first page. */
export const open = async (person: Person, parameters: Readonly<Record<string, string>> = {}) => {
  const { url, redeem } = await person.rp.request(parameters)
  return { page: await person.browser.get(url), redeem }
}

const targetOf = (page: Page, way: 'cancel' | 'decline') => page.targets.find((target) => target.endsWith(`/${way}`))

/** Whether the page can be left by that way. */
export const offers = (page: Page, way: 'cancel' | 'decline'): boolean => targetOf(page, way) !== undefined

/** Leaves a page of ours by one of its ways out. */
export const leave = (person: Person, page: Page, way: 'cancel' | 'decline'): Promise<Page> => {
  const target = targetOf(page, way)
  assert.ok(target !== undefined, `no way to ${way} on "${page.heading}"`)
  return person.browser.post(page, {}, target)
}

/** What the relying party was sent, without what differs in every request. */
export const answerOf = (page: Page): Readonly<Record<string, string>> => {
  assert.ok(isAnswer(page), `"${page.heading}" at ${page.url.pathname} is not the relying party`)
  const { state: _state, code, ...rest } = Object.fromEntries(page.url.searchParams)
  return code === undefined ? rest : { ...rest, code: 'a code' }
}

/** The title of what a test found, for tables. */
export const outcomeOf = async ({ page, error, redeem }: Visit): Promise<string | undefined> =>
  error ?? (isAnswer(page) ? (await redeem()).acr : page.heading)

/** Hosts for the tests of one `describe`, on a clock that they move; closes all, and expects no fault of a provider. */
export const useStage = () => {
  const hosts: Host[] = []
  let clock: VirtualClock

  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    const faults = hosts.flatMap(({ errors }) => errors)
    await Promise.all(hosts.splice(0).map((host) => host.close()))
    clock.restore()
    assert.deepEqual(faults, [])
  })

  const host = async (options?: HostOptions) => {
    const opened = await startHost(options)
    hosts.push(opened)
    return opened
  }

  return {
    get clock() {
      return clock
    },
    host,
    person: (at: Host, login?: string) => createJourney(at, login),
    /** A person who has an authenticator app, at a browser that was never here. */
    enrolled: async (at: Host, login = 'bob'): Promise<Person> => {
      const person = await createJourney(at, login)
      const { seen, error } = await visit(person, { acr_values: MULTI_FACTOR }, { login })
      assert.deepEqual([seen.slice(0, 2), error], [[LOGIN, ENROLL], undefined])
      person.browser.clear()
      clock.advance(60)
      return person
    },
    relyingParty: createRelyingParty,
  }
}
