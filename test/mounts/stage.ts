import assert from 'node:assert/strict'
import { createBrowser, type Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createRelyingParty, isAnswer, secretOn } from '../support/relying-party.ts'
import { PASSWORD } from './examples.ts'

/** What a stage stands on. */
export interface Ground {
  readonly issuer: string
  /** Moves the time of provider and relying party on. */
  advance(seconds: number): Promise<void> | void
}

const LOGIN = 'Sign in to Acme'

/** Maria with her authenticator app, at one relying party of one mounted provider. */
export const createStage = async ({ issuer, advance }: Ground) => {
  const { origin, pathname } = new URL(issuer)
  const rp = await createRelyingParty({ issuer })
  let secret = ''
  /** No code is taken twice, so every next one is of a later time step. */
  const code = async () => {
    await advance(60)
    return codeAt(secret)
  }
  return {
    advance,
    origin,
    path: pathname === '/' ? '' : pathname,
    rp,
    browser: () => createBrowser(origin),
    /** Asks for a sign-in, and goes through the host's login page where it comes. */
    go: async (browser: ReturnType<typeof createBrowser>, parameters: Readonly<Record<string, string>> = {}) => {
      const { url, redeem } = await rp.request(parameters)
      const first = await browser.get(url)
      const page =
        first.heading === LOGIN ? await browser.send(first.url, { form: { name: 'maria', password: PASSWORD } }) : first
      return { first, page, redeem }
    },
    /** Sets an authenticator app up on the page that is open. */
    enroll: async (browser: ReturnType<typeof createBrowser>, page: Page) => {
      secret = secretOn(page)
      return browser.post(page, { code: await code() })
    },
    code,
  }
}

/** A stage. */
export type Stage = Awaited<ReturnType<typeof createStage>>

/** A whole sign-in with set-up, then a step-up in the same session; answers what the relying party was told last. */
export const playThrough = async (stage: Stage, acr: string) => {
  const browser = stage.browser()
  const { first, page, redeem } = await stage.go(browser)
  assert.equal(first.heading, LOGIN)
  const done = await stage.enroll(browser, page)
  assert.ok(isAnswer(done), done.text)
  assert.equal((await redeem(done.url)).acr, acr)

  await stage.advance(60)
  const stepUp = await stage.go(browser, { acr_values: acr, max_age: '30' })
  assert.notEqual(stepUp.first.heading, LOGIN)
  const wrong = await browser.post(stepUp.page, { code: '000000' })
  assert.equal(wrong.status, 422)
  const right = await browser.post(wrong, { code: await stage.code() })
  assert.ok(isAnswer(right), right.text)
  return { browser, page, wrong, signed: await stepUp.redeem(right.url) }
}
