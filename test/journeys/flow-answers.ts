import assert from 'node:assert/strict'
import { load } from 'cheerio'
import * as client from 'openid-client'
import type { Page } from '../support/browser.ts'
import { signIn } from '../support/relying-party.ts'
import { ASKING, type AskingWay, CALLBACKS, openAsked, type Parameters, type Party } from './flows.ts'
import { CHALLENGE, CONSENT, ENROLL, LOGIN, type Person } from './stage.ts'

/** What came back to the relying party, and how. */
export interface Answer {
  /** The redirect URI. */
  readonly at: string
  readonly via: 'query' | 'fragment' | 'form_post'
  readonly parameters: URLSearchParams
}

/** The page's auto-submitting form for the relying party, as its script would send it. */
const formPost = ({ text }: Page): Answer | undefined => {
  const $ = load(text)
  const form = $('form[action^="https://"][method=post]')
  const at = form.attr('action') ?? ''
  if (!CALLBACKS.includes(at)) return undefined
  assert.match($('script').text(), /submit\(\)/)
  const fields = form
    .find('input[type=hidden]')
    .map((_index, input) => [[$(input).attr('name') ?? '', $(input).attr('value') ?? '']])
    .get()
  return { at, via: 'form_post', parameters: new URLSearchParams(fields) }
}

/** The answer that the relying party gets by this page; undefined while the provider still asks. */
export const answerBy = (page: Page): Answer | undefined => {
  const { url } = page
  const at = CALLBACKS.find((one) => one === `${url.origin}${url.pathname}`)
  if (at === undefined) return formPost(page)
  return url.hash === ''
    ? { at, via: 'query', parameters: url.searchParams }
    : { at, via: 'fragment', parameters: new URLSearchParams(url.hash.slice(1)) }
}

const MAX_PAGES = 8

/** Goes through all pages as that person does, up to the relying party's answer, `stopAt`, or a strange page. */
export const walk = async (person: Person, first: Page, login = 'bob', stopAt?: string) => {
  const seen: string[] = []
  let page = first
  while (answerBy(page) === undefined && seen.length < MAX_PAGES) {
    seen.push(page.heading)
    if (page.heading === stopAt) break
    if (page.heading === LOGIN) page = await signIn(person.browser, page, login)
    else if (page.heading === CONSENT) page = await person.browser.send(page.action, { form: {} })
    else if (page.heading === CHALLENGE) page = await person.answer(page)
    else if (page.heading === ENROLL) page = await person.enroll(page)
    else break
  }
  return { seen, page, answer: answerBy(page) }
}

/** What is out of the ordinary about a journey. */
export interface Circumstances {
  readonly way?: AskingWay
  /** What the browser's owner adds to the request. */
  readonly added?: Parameters
  readonly login?: string
  /** The heading of the page to stop at. */
  readonly stopAt?: string
}

/** One whole authorization. */
export const journey = async (
  person: Person,
  party: Party,
  parameters: Parameters = {},
  { way = 'query', added = {}, login, stopAt }: Circumstances = {},
) => {
  const request = await party.request(parameters)
  const asked = await ASKING[way](party, request.all)
  const walked = await walk(person, await openAsked(person.browser, asked, added), login, stopAt)
  const error = walked.answer?.parameters.get('error') ?? undefined
  return { request, ...walked, error }
}

export type Journeyed = Awaited<ReturnType<typeof journey>>

/** What one token says about the sign-in. */
export interface Truth {
  readonly acr: unknown
  readonly amr: unknown
  readonly auth_time: unknown
}

export const truthOf = ({ acr, amr, auth_time }: Readonly<Record<string, unknown>>): Truth => ({ acr, amr, auth_time })

/** As a relying party receives it; the library knows no response types with access tokens, so those are taken out. */
const received = ({ at, via, parameters }: Answer) => {
  const known = new URLSearchParams(parameters)
  for (const name of ['access_token', 'token_type', 'expires_in', 'scope']) known.delete(name)
  if (via === 'form_post')
    return new Request(at, {
      method: 'POST',
      body: known.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  return new URL(`${at}?${known}`)
}

const inHash = (answer: Answer) => {
  const took = received(answer)
  return took instanceof URL ? new URL(`${answer.at}#${took.searchParams}`) : took
}

/** What a relying party that checks everything is told, token by token; and all tokens of the back channel. */
export const redeem = async (party: Party, { request, answer }: Pick<Journeyed, 'request' | 'answer'>) => {
  assert.ok(answer !== undefined, 'no answer to redeem')
  const { responseType, state, nonce, maxAge, verifier } = request
  const config = party.configFor(responseType)
  const checks = { expectedState: state, ...(Number.isNaN(maxAge) ? {} : { maxAge }) }
  const told: Record<string, Truth> = {}
  const introspect = async (where: string, token: string) => {
    const answered = await client.tokenIntrospection(party.config, token)
    assert.equal(answered.active, true)
    told[where] = truthOf(answered)
  }

  const front = answer.parameters.get('access_token')
  if (front !== null) await introspect('front access token', front)
  if (!responseType.includes('code')) {
    told['front ID token'] = truthOf(await client.implicitAuthentication(config, inHash(answer), nonce, checks))
    return { told }
  }
  const hybrid = responseType.includes('id_token')
  const tokens = await client.authorizationCodeGrant(config, hybrid ? inHash(answer) : received(answer), {
    ...checks,
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    idTokenExpected: true,
  })
  if (hybrid) {
    const [, payload = ''] = (answer.parameters.get('id_token') ?? '').split('.')
    told['front ID token'] = truthOf(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  }
  told['ID token'] = truthOf(tokens.claims() ?? {})
  await introspect('access token', tokens.access_token)
  return { told, tokens }
}

/** What all tokens say alike. */
export const oneTruth = (told: Readonly<Record<string, Truth>>): Truth => {
  const [[, first] = ['', undefined], ...more] = Object.entries(told)
  assert.ok(first !== undefined, 'no token')
  for (const [where, truth] of more) assert.deepEqual(truth, first, where)
  return first
}

/** The outcome in one word: the error, the heading of the page that asks on, or the acr that all tokens tell. */
export const outcomeOf = async (party: Party, journeyed: Journeyed): Promise<unknown> => {
  if (journeyed.answer === undefined) return journeyed.page.heading
  return journeyed.error ?? oneTruth((await redeem(party, journeyed)).told).acr
}
