import { readFileSync } from 'node:fs'
import type { Context } from 'koa'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../assurance/presets.ts'
import { pageHeaders } from '../http/headers.ts'
import type { Renderer } from '../http/render.ts'
import type { Screen } from '../http/screens.ts'
import type { BankSession, SignedIn } from './bank-sessions.ts'
import {
  ago,
  type Demand,
  describeLevel,
  describeMethods,
  describeScopes,
  describeSignIn,
  type Explanation,
} from './bank-words.ts'

/** What a person can do at Bank, and what sign-in it takes. */
export interface Task {
  readonly title: string
  readonly text: string
  /** In words, what {@link demand} says. */
  readonly takes: string
  readonly demand: Demand
}

const TRANSFER_SECONDS = 300

/** By path segment. */
export const TASKS: Readonly<Record<string, Task>> = {
  statement: {
    title: 'View statement',
    text: 'See what came in and what went out.',
    takes: 'Being signed in is enough.',
    demand: {},
  },
  documents: {
    title: 'Documents',
    text: 'Read your contracts and tax papers.',
    takes: 'Takes two different proofs, or one in a remembered browser.',
    demand: { scope: 'documents' },
  },
  transfer: {
    title: 'Transfer money',
    text: 'Send money to somebody.',
    takes: 'Takes two different proofs, not older than 5 minutes.',
    demand: { acr: MULTI_FACTOR, maxAgeSeconds: TRANSFER_SECONDS },
  },
  limits: {
    title: 'Change limits',
    text: 'Set how much can leave your account in a day.',
    takes: 'Takes a passkey or a security key.',
    demand: { acr: PHISHING_RESISTANT },
  },
  phone: {
    title: 'Confirm by phone',
    text: 'Show the service desk that it is you who calls.',
    takes: 'Takes another device that you have set up to confirm with.',
    demand: {},
  },
}

/** Sends Bank's pages. */
export interface BankPages {
  readonly stylesheet: string
  readonly script: string
  show(ctx: Context, view: string, session: BankSession | undefined, fields?: Readonly<Record<string, unknown>>): void
}

const whenText = (at: number, now: number) => {
  const [day, time] = new Date(at * 1000).toISOString().slice(0, 19).split('T')
  return `When: ${ago(at, now)}, on ${day} at ${time} UTC`
}

/** What the sign-in service said, in plain words and raw. */
export const factsOf = (heading: string, { claims, scopes }: Pick<SignedIn, 'claims' | 'scopes'>, now: number) => {
  const { acr, amr, auth_time: authTime } = claims
  return {
    heading,
    sentence: describeSignIn(claims, now),
    rows: [
      { claim: 'acr', words: `How strong: ${describeLevel(acr) ?? 'a level that Bank does not know'}`, raw: acr },
      { claim: 'amr', words: `What you showed: ${describeMethods(amr ?? [])}`, raw: amr && JSON.stringify(amr) },
      { claim: 'auth_time', words: authTime === undefined ? '' : whenText(authTime, now), raw: authTime },
      ...(scopes.length === 0
        ? []
        : [{ claim: 'scope', words: `What Bank may see: ${describeScopes(scopes)}`, raw: scopes.join(' ') }]),
    ],
    claims: JSON.stringify(claims, null, 2),
  }
}

/** Shows what went wrong. */
export const showProblem = (
  ctx: Context,
  pages: BankPages,
  session: BankSession | undefined,
  explanation: Explanation,
  code?: string,
) => {
  pages.show(ctx, 'problem', session, { ...explanation, code })
  ctx.status = 400
}

const readAsset = (name: string) => readFileSync(new URL(`../../views/assets/${name}`, import.meta.url), 'utf8')

/** Bank's pages over the renderer, with a style sheet of Bank's own at `/bank.css` and a script at `/bank.js`. */
export const createBankPages = (renderer: Renderer, clock: () => number, outboxHref: string | undefined): BankPages => {
  return Object.freeze({
    stylesheet: readAsset('bank.css'),
    script: readAsset('bank.js'),
    show(ctx: Context, view: string, session: BankSession | undefined, fields: Readonly<Record<string, unknown>> = {}) {
      const screen: Screen = { t: renderer.translate('en'), locale: 'en', stylesheet: '/bank.css' }
      const facts = session?.signedIn && factsOf('How you signed in', session.signedIn, clock())
      const own = {
        name: session?.signedIn?.name,
        csrf: session?.csrf,
        facts,
        tasks: TASKS,
        notice: undefined,
        outboxHref,
      }
      const body = renderer.render(`demo/${view}`, { ...screen, ...own, ...fields })
      pageHeaders(ctx)
      ctx.type = 'html'
      ctx.body = body
    },
  })
}
