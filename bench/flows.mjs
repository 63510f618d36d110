import assert from 'node:assert/strict'
import { answerOf } from './authenticator.mjs'
import { createBrowser, formOn } from './browser.mjs'
import { addressOf, credentialIdOf } from './people.mjs'
import { createPushFlow } from './push-flow.mjs'
import { CLIENTS, MULTI_FACTOR, PHISHING_RESISTANT_HARDWARE, SINGLE_FACTOR } from './registration.mjs'
import { createRelyingParty } from './relying-party.mjs'

const answerPage = async (browser, page, field, value) => {
  assert.equal(page.status, 200, page.body)
  const { action, hidden } = formOn(page.body)
  return browser.go(new URL(action, page.url), { ...hidden, [field]: value })
}

/** What the page's script would hand to the browser. */
const optionsOn = ({ body }) => {
  const [, json = ''] = /data-options="([^"]*)"/.exec(body) ?? []
  return JSON.parse(json.replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&'))
}

/**
 * All flows against one server. Each asserts what it came to, so that a broken flow can never count as a quick one.
 * What `prepare` answers is what `run` takes.
 *
 * @param {{ issuer: string, agent: import('node:http').Agent, jwk: object, people: ReturnType<typeof import('./people.mjs').createPeople>, mailbox?: Awaited<ReturnType<typeof import('./mailbox.mjs').openMailbox>> }} world
 */
export const createFlows = ({ issuer, agent, jwk, people, mailbox }) => {
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
  const webauthn = async () => {
    const { sub, browser, request, page } = await signIn(CLIENTS.guarded)
    const response = answerOf(optionsOn(page), { id: credentialIdOf(sub), origin: new URL(issuer).origin })
    const answer = await answerPage(browser, page, 'response', response)
    await redeem(request, answer, { sub, acr: PHISHING_RESISTANT_HARDWARE, amr: ['pwd', 'pop', 'hwk', 'user', 'mfa'] })
  }
  const email = async () => {
    const { sub, browser, request, page } = await signIn(CLIENTS.guarded)
    const answer = await answerPage(browser, page, 'code', await mailbox.code(addressOf(sub)))
    await redeem(request, answer, { sub, acr: MULTI_FACTOR, amr: ['pwd', 'email', 'mfa'] })
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
    /** Password, a security key with its PIN, and token: 8 requests. */
    webauthn: { run: webauthn },
    /** Password, a code by mail, and token: 8 requests. */
    email: { run: email },
    /** Password, a number typed on a device, and token: 8 requests, 1 of the page's script and 2 of the device. */
    push: createPushFlow({ world: { issuer, agent }, signIn, redeem }),
    /** Password, and then the page of the factor is left open: 5 requests. */
    abandoned: { run: () => signIn(CLIENTS.guarded) },
    /** A session that has proved the password is asked for more: 5 requests. */
    'step-up': { prepare: password, run: stepUp },
    /** `prompt=none` on a session that has proved both: 2 requests. */
    sso: { prepare: login, isReusable: true, run: sso },
  })
}
