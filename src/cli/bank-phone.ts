import { randomInt } from 'node:crypto'
import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { ResponseBodyError } from 'openid-client'
import type { Clock } from '../clock.ts'
import { randomToken } from '../crypto/random.ts'
import type { AskedPhone, BankClient } from './bank-client.ts'
import { type BankPages, factsOf, showProblem } from './bank-pages.ts'
import {
  addPhone,
  type BankSession,
  type BankSessions,
  type PhoneRequest,
  type PhoneState,
  type SignedIn,
} from './bank-sessions.ts'
import { type Explanation, explainError, STALE_FORM } from './bank-words.ts'

/** What the pages for a confirmation by phone work with. */
export interface PhoneParts {
  readonly client: Pick<BankClient, 'askPhone'>
  readonly pages: BankPages
  readonly clock: Clock
  readonly parseBody: Middleware
  readonly sessions: Pick<BankSessions, 'of'>
  /** Aborted where Bank ends. */
  readonly closing: AbortSignal
  /** Where the web authenticator stands, at `/authenticator`. */
  readonly issuer: string
  /** The session where it is enough for the task; otherwise the browser is on its way to the sign-in service. */
  admit(ctx: Context, purpose: string): Promise<BankSession | undefined>
  /** The session that a form belongs to. */
  submitted(ctx: Context): BankSession | undefined
}

const NO_PHONE: Explanation = {
  heading: 'No phone can be asked',
  text:
    'Your account has no device yet that confirms for it, or nobody answered there too often. In this demo, alice can ' +
    'set one up: when she transfers money for the first time, or by her setup link, she chooses “Confirm on another ' +
    'device”.',
}
const BUSY: Explanation = {
  heading: 'Your phone is being asked already',
  text: 'It waits for another answer, or was asked too often just now. Answer there, or try again in some minutes.',
}
const LOST: Explanation = {
  heading: 'There is nothing to confirm here any more',
  text: 'This was asked for somebody else, or too long ago. Please start again.',
}

/** Why no phone was asked. */
const REFUSALS: Readonly<Record<string, Explanation>> = {
  unmet_authentication_requirements: NO_PHONE,
  temporarily_unavailable: BUSY,
}

/** What a request came to that was not approved; OpenID Connect CIBA Core 1.0 section 11. */
const ENDINGS: Readonly<Record<string, PhoneState>> = { access_denied: 'denied', expired_token: 'expired' }

/** Two digits: quick to say and to type. */
const drawNumber = () => String(randomInt(10, 100))

/** The provider tells of the end itself; what it does not tell in this time, it never will. */
const GRACE_SECONDS = 30

const waitSignal = ({ closing }: PhoneParts, { expiresInSeconds }: AskedPhone) =>
  AbortSignal.any([closing, AbortSignal.timeout((expiresInSeconds + GRACE_SECONDS) * 1000)])

type Ending = Pick<PhoneRequest, 'state' | 'claims'>

/** What the phone came to; never rejects. */
const endingOf = async (parts: PhoneParts, asked: AskedPhone): Promise<Ending> => {
  try {
    return { state: 'approved', claims: await asked.answered(waitSignal(parts, asked)) }
  } catch (error) {
    const state = error instanceof ResponseBodyError ? ENDINGS[error.error] : undefined
    if (state === undefined && !parts.closing.aborted)
      process.stderr.write(`bank: waiting for a phone ${(error as Error).stack ?? error}\n`)
    return { state: state ?? 'failed' }
  }
}

/** Waits in the background, and notes in the session what comes. */
const follow = async (parts: PhoneParts, { phones }: BankSession, name: string, asked: AskedPhone) => {
  const ending = await endingOf(parts, asked)
  const request = phones.get(name)
  if (request !== undefined) phones.set(name, { ...request, ...ending })
}

/** Asks the phone; answers the name of the page that waits. */
const begin = async (parts: PhoneParts, session: BankSession, { sub, idToken }: SignedIn) => {
  const { client, clock } = parts
  const number = drawNumber()
  const asked = await client.askPhone(idToken, number)
  const name = randomToken(16)
  addPhone(session, name, { sub, number, expiresAt: clock() + asked.expiresInSeconds, state: 'waiting' })
  void follow(parts, session, name, asked)
  return name
}

const minutesLeft = ({ expiresAt }: PhoneRequest, now: number) => {
  const minutes = Math.max(1, Math.ceil((expiresAt - now) / 60))
  return `${minutes} minute${minutes === 1 ? '' : 's'}`
}

const showRequest = ({ pages, clock, issuer }: PhoneParts, ctx: Context, session: BankSession, request: PhoneRequest) =>
  pages.show(ctx, 'phone-request', session, {
    ...request,
    minutes: minutesLeft(request, clock()),
    stateHref: `${ctx.path}/state`,
    authenticatorHref: `${issuer}/authenticator`,
    facts: request.claims && factsOf('What your phone showed', { claims: request.claims, scopes: [] }, clock()),
  })

/**
 * Bank's pages where a person confirms on another device, away from the browser: its service desk asks, says a number,
 * and waits.
 */
export const phoneRoutes = (parts: PhoneParts): Router => {
  const { pages, sessions, admit, submitted, parseBody } = parts
  const router = new Router()
  /** Nobody else's: another person can have signed in here meanwhile. */
  const requestOf = (ctx: Context, session: BankSession | undefined) => {
    const request = session?.phones.get(String(ctx.params.name))
    return request?.sub === session?.signedIn?.sub ? request : undefined
  }
  router.get('/phone', async (ctx) => {
    const session = await admit(ctx, 'phone')
    if (session) pages.show(ctx, 'phone', session, { authenticatorHref: `${parts.issuer}/authenticator` })
  })
  router.post('/phone', parseBody, async (ctx) => {
    const session = submitted(ctx)
    if (!session?.signedIn) return showProblem(ctx, pages, session, STALE_FORM)
    try {
      const name = await begin(parts, session, session.signedIn)
      ctx.redirect(`/phone/${name}`)
      ctx.status = 303
    } catch (error) {
      if (!(error instanceof ResponseBodyError)) throw error
      showProblem(ctx, pages, session, REFUSALS[error.error] ?? explainError(error.error), error.error)
    }
  })
  router.get('/phone/:name', async (ctx) => {
    const session = await admit(ctx, 'phone')
    if (!session) return
    const request = requestOf(ctx, session)
    if (request === undefined) return showProblem(ctx, pages, session, LOST)
    showRequest(parts, ctx, session, request)
  })
  router.get('/phone/:name/state', (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { state: requestOf(ctx, sessions.of(ctx))?.state ?? 'lost' }
  })
  return router
}
