import assert from 'node:assert/strict'
import { PHISHING_RESISTANT } from '../../src/index.ts'
import { acrClaim, useStage } from '../journeys/stage.ts'
import type { Page } from '../support/browser.ts'
import type { Host } from '../support/host.ts'
import { ADD_KEY, keyFor, useKey } from '../support/keyring.ts'
import { enterWith, NOT_YOU, passkeyDoor } from '../support/passkey-door.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import type { Manner } from '../support/soft-authenticator.ts'

/** An acr or nothing. */
export const essential = (value: string) => ({ claims: acrClaim({ essential: true, value }) })

/** `amr` of who came in by a key of their own. */
export const ABOUT_KEY = ['pop', 'hwk', 'user', 'mfa']

/** The page says no more than that it was not right. */
export const isRefused = (page: Page) => {
  assert.deepEqual([page.status, page.heading], [422, NOT_YOU])
}

/** Hosts whose login page takes passkeys, and people who have one. */
export const useDoors = () => {
  const stage = useStage()

  const openDoor = async (ways: Parameters<typeof passkeyDoor>[0] = {}) => {
    const { options, faults } = passkeyDoor(ways)
    return { host: await stage.host(options), faults }
  }

  /** Somebody with a key, at a browser that was never here. */
  const withKey = async (host: Host, login = 'bob', manner: Partial<Manner> = {}) => {
    const soft = keyFor(host, manner)
    const { rp, browser, go } = await createJourney(host, login)
    const { page } = await go(essential(PHISHING_RESISTANT))
    assert.equal(page.heading, ADD_KEY)
    assert.ok(isAnswer(await useKey(browser, page, soft)))
    browser.clear()
    stage.clock.advance(60)
    return { rp, browser, go, soft }
  }
  type Person = Awaited<ReturnType<typeof withKey>>

  /** Opens a request as far as the host's login page. */
  const atDoor = async ({ rp, browser }: Pick<Person, 'rp' | 'browser'>, parameters: Record<string, string> = {}) => {
    const { url, redeem } = await rp.request(parameters)
    const page = await browser.get(url)
    assert.equal(page.heading, 'host login')
    return { page, redeem }
  }

  /** Signs in with the key and nothing else. */
  const enter = async (person: Person, parameters: Record<string, string> = {}) => {
    const { page, redeem } = await atDoor(person, parameters)
    const end = await enterWith(person.browser, page, person.soft)
    assert.ok(isAnswer(end), `${end.status} ${end.heading}`)
    return { end, signed: await redeem(end.url) }
  }

  /** What the session of a browser is good for, without a page. */
  const silently = async ({ rp, browser }: Person, parameters: Record<string, string> = {}) => {
    const { url, redeem } = await rp.request({ prompt: 'none', ...parameters })
    const page = await browser.get(url)
    return errorOf(page) ?? (await redeem(page.url)).acr
  }

  return {
    openDoor,
    withKey,
    atDoor,
    enter,
    silently,
    get clock() {
      return stage.clock
    },
  }
}
