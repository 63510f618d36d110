import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { REDIRECT_URI } from '../support/host.ts'
import {
  type Authorization,
  asksOnlyUnknown,
  couldLift,
  errorFault,
  objections,
  owesNothing,
  promptOf,
  reportOf,
  type Standing,
  silentAnswer,
} from './model.oracle.ts'
import { isActive, type Ledger, type Remembered, standing, type User } from './model.people.ts'
import { grantOf, rememberedCookies, selfSubmitting, sessionOf, uidOf } from './model.web.ts'
import type { Seated, World } from './model.world.ts'

type Cookies = ReadonlyMap<string, string>

/** One pass of the policy, as seen from outside: a request, and where its answer points. */
export interface Seen {
  readonly seat: Seated
  readonly authorization: Authorization
  readonly from: URL
  readonly to: URL
  /** The remembered-browser cookies that were sent. */
  readonly before: Cookies
}

/** What a pass has to do beside pointing somewhere. */
export interface Consequences {
  /** The browser has to get a new value. */
  readonly renews?: Remembered | undefined
  /** Nothing is owed, so a page can only be an offer. */
  readonly onlyOffers?: boolean
}

/** How long a proof waits for its interaction to be resumed. */
const WAITING_SECONDS = 3600
/** What a request can end with that was cancelled. */
const CANCELLED = new Set(['access_denied', 'unmet_authentication_requirements'])

const isAnswer = (to: URL) => to.href.startsWith(REDIRECT_URI)
const errorOf = (to: URL) => to.searchParams.get('error')

/** The value that the browser sent for this account. */
const presented = ({ cookieOwners }: World, cookies: Cookies, user: User) =>
  [...cookies].find(([name]) => cookieOwners.get(name) === user)?.[1]

/** Whether the floor is lifted on this pass, and which remembered browser needs a new value for it. */
const lifting = (world: World, judged: Standing, user: User, ledger: Ledger, cookies: Cookies) => {
  const { memory, clock } = world
  const now = clock.now()
  const isWanted = couldLift(judged)
  if (judged.authorization.asks.client !== 'floored') return { lifted: false }
  if (memory.holds(ledger, now)) return { lifted: isWanted }
  const value = presented(world, cookies, user)
  const found = memory.recognize(user, value, now)
  if (found === undefined || !isWanted) return { lifted: false }
  ledger.note = found
  return { lifted: true, renews: memory.use(found, value, now) ? found : undefined }
}

const redeem = async ({ host, count, tokens }: World, judged: Standing, user: User, code: string) => {
  const { client } = judged.authorization.asks
  const issued = await grantOf(host, client, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI })
  assert.ok(issued, 'the code was refused')
  const { acr, authTime, mostAmr, leastAmr } = reportOf(judged)
  assert.deepEqual([issued.sub, issued.acr, issued.authTime], [user.name, acr, authTime], 'sub, acr and auth_time')
  const { amr } = issued
  const excess = amr.filter((method) => !mostAmr.includes(method))
  const missing = leastAmr.filter((method) => !amr.includes(method))
  assert.deepEqual([excess, missing], [[], []], `amr ${amr}`)
  assert.equal(amr.includes('mfa'), amr.includes('pwd') && (amr.includes('otp') || amr.includes('recovery-code')))
  count(judged.lifted ? 'codes after a lift' : `codes at ${acr}`)
  tokens.push({ ...issued, user, client, since: judged.now })
}

/** What the relying party was told has to be so. */
const judgeAnswer = async (world: World, judged: Standing, user: User, to: URL) => {
  const error = errorOf(to)
  const isSilent = promptOf(judged.authorization.asks) === 'none'
  if (error !== null && !isSilent) assert.equal(errorFault(judged, error), undefined)
  if (isSilent) {
    assert.equal(error ?? 'code', silentAnswer(judged), 'the answer to a silent request')
    world.count(`silent ${error ?? 'code'}`)
  }
  const code = to.searchParams.get('code')
  if (code === null) return
  assert.deepEqual(objections(judged), [], 'a code was issued')
  await redeem(world, judged, user, code)
}

/** A page may only ask for what is not there. */
const judgePage = (judged: Standing, to: URL): boolean => {
  assert.notEqual(promptOf(judged.authorization.asks), 'none', 'a silent request shows a page')
  const nothing = owesNothing(judged)
  assert.ok(!nothing || !to.pathname.startsWith('/interaction/'), 'the password is asked though nothing is owed')
  return nothing
}

/** Nobody is signed in: only a silent request, or one for levels that do not exist, can end. */
const judgeStranger = (world: World, { authorization, to }: Seen) => {
  const { asks } = authorization
  assert.ok(!to.searchParams.has('code'), 'a code without a session')
  if (!isAnswer(to)) world.interactions.set(uidOf(to), { authorization })
  else if (promptOf(asks) === 'none') assert.equal(errorOf(to), 'login_required')
  else assert.ok(asksOnlyUnknown(asks), `ended with ${errorOf(to)}`)
}

/** Takes what was proved into the session that resumed it, if that is the same account's and it is not too late. */
const bring = ({ waiting, clock }: World, uid: string, user: User, { shown: all }: Ledger) => {
  const now = clock.now()
  for (const { user: owner, shown } of waiting.get(uid) ?? []) {
    const isLogin = shown.by === 'login'
    if (owner === user && (isLogin || now - shown.at < WAITING_SECONDS))
      all.push(isLogin ? { ...shown, at: now } : shown)
  }
}

/** Learns what one pass of the policy brought, and judges where it leads. */
export const judgePass = async (world: World, seen: Seen): Promise<Consequences> => {
  const { seat, authorization, from, to, before } = seen
  const uid = uidOf(from)
  if (world.cancelled.has(uid)) {
    assert.ok(isAnswer(to) && CANCELLED.has(errorOf(to) ?? ''), `cancelled, and led to ${to.href}`)
    return {}
  }
  const session = await sessionOf(world.host, seat.browser)
  if (session === undefined) {
    judgeStranger(world, seen)
    return {}
  }
  const user = world.userOf(session.accountId)
  const ledger = world.ledgerOf(user, session.uid)
  bring(world, uid, user, ledger)
  world.waiting.delete(uid)
  const shown = standing(ledger, user)
  const bare: Standing = { now: world.clock.now(), authorization, shown, active: isActive(user), lifted: false }
  // What asks for levels that do not exist is refused before anything is decided.
  const lift = asksOnlyUnknown(authorization.asks) ? { lifted: false } : lifting(world, bare, user, ledger, before)
  const judged = { ...bare, lifted: lift.lifted }
  if (isAnswer(to)) {
    await judgeAnswer(world, judged, user, to)
    return lift
  }
  world.interactions.set(uidOf(to), { user, authorization, ledger })
  return { ...lift, onlyOffers: judgePage(judged, to) }
}

/** Cookies of remembered browsers change where a browser is remembered or has to get a new value, and nowhere else. */
export const judgeCookies = (
  world: World,
  { browser }: Seated,
  before: Cookies,
  { renews, remembered }: Consequences & { readonly remembered?: User | undefined },
): void => {
  const changed = [...rememberedCookies(browser)].filter(([name, value]) => before.get(name) !== value)
  assert.equal(changed.length, renews === undefined && remembered === undefined ? 0 : 1, 'cookies of browsers set')
  for (const [name, value] of changed) {
    world.secrets.add(value)
    if (renews !== undefined) world.memory.renew(renews, value)
    if (remembered === undefined) continue
    world.memory.remember(remembered, value, before.get(name), world.clock.now())
    world.cookieOwners.set(name, remembered)
    world.count('browsers remembered')
  }
}

/** Whatever happens, people see a page that says where they are. */
export const judgeLooks = (page: Page): void => {
  assert.ok(page.status < 500, `${page.status} at ${page.url.pathname}: ${page.text}`)
  // The host's own login page answers what is over in its own way.
  const isOurs = !page.url.pathname.startsWith('/interaction/')
  const isPage = page.headers.get('location') === null && selfSubmitting(page) === undefined
  if (isOurs && isPage) assert.notEqual(page.heading, '', `no heading at ${page.url.pathname}: ${page.text}`)
}
