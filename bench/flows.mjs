import assert from 'node:assert/strict'
import { createBrowser, formOn } from './browser.mjs'
import { CLIENTS, MULTI_FACTOR, SINGLE_FACTOR } from './registration.mjs'
import { createRelyingParty } from './relying-party.mjs'

const answerPage = async (browser, page, field, value) => {
  assert.equal(page.status, 200, page.body)
  const { action, hidden } = formOn(page.body)
  return browser.go(new URL(action, page.url), { ...hidden, [field]: value })
}

/**
 * All flows against one server. Each asserts what it came to, so that a broken flow can never count as a quick one.
 * What `prepare` answers is what `run` takes.
 *
 * @param {{ issuer: string, agent: import('node:http').Agent, jwk: object, people: ReturnType<typeof import('./people.mjs').createPeople> }} world
 */
export const createFlows = ({ issuer, agent, jwk, people }) => {
  const { begin, redeem } = createRelyingParty({ issuer, agent, jwk })

  const signIn = async (clientId) => {
    const sub = people.next()
    const browser = createBrowser(issuer, agent)
    const request = begin(clientId)
    const page = await answerPage(browser, await browser.go(request.url), 'login', sub)
    return { sub, browser, request, page }
  }
  const password = async () => {
    const { sub, browser, request, page } = await signIn(CLIENTS.plain)
    await redeem(request, page, { sub, acr: SINGLE_FACTOR })
    return { browser, sub }
  }
  const login = async () => {
    const { sub, browser, request, page } = await signIn(CLIENTS.guarded)
    const answer = await answerPage(browser, page, 'code', people.code(sub))
    await redeem(request, answer, { sub, acr: MULTI_FACTOR })
    return { browser, sub }
  }
  const stepUp = async ({ browser, sub }) => {
    const request = begin(CLIENTS.plain, { acr_values: MULTI_FACTOR })
    const answer = await answerPage(browser, await browser.go(request.url), 'code', people.code(sub))
    await redeem(request, answer, { sub, acr: MULTI_FACTOR })
  }
  const sso = async ({ browser, sub }) => {
    const request = begin(CLIENTS.guarded, { prompt: 'none' })
    await redeem(request, await browser.go(request.url), { sub, acr: MULTI_FACTOR })
  }

  return Object.freeze({
    /** Password and token: 5 requests, and no factor anywhere. */
    password: { run: password },
    /** Password, one-time code and token: 8 requests. */
    login: { run: login },
    /** Password, and then the page of the factor is left open: 5 requests. */
    abandoned: { run: () => signIn(CLIENTS.guarded) },
    /** A session that has proved the password is asked for more: 5 requests. */
    'step-up': { prepare: password, run: stepUp },
    /** `prompt=none` on a session that has proved both: 2 requests. */
    sso: { prepare: login, isReusable: true, run: sso },
  })
}
