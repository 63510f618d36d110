import assert from 'node:assert/strict'
import type { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { codeAt } from '../support/host.ts'
import { answering, leaving, linkTo, send, typing } from './model.answers.ts'
import type { History, Manner, Move } from './model.moves.ts'
import { byHost, operate } from './model.operators.ts'
import { type Asks, type Authorization, MULTI } from './model.oracle.ts'
import { appsOf, isActive, type User } from './model.people.ts'
import { grantOf, urlOf } from './model.web.ts'
import { createWorld, type Opened, type Seated, type Tab, type Tally, type World } from './model.world.ts'

const pick = <T>(all: readonly T[], index: number): T => {
  const one = all[index % all.length]
  assert.ok(one !== undefined)
  return one
}

/** What a move works on. */
interface Place {
  readonly seat: Seated
  readonly tab: Tab
}

const placeAt = (world: World, { browser, tab } = world.last): Place => {
  world.last = { browser, tab }
  const seat = pick(world.seats, browser)
  return { seat, tab: pick(seat.tabs, tab) }
}

const goOn = async (world: World, { seat, tab }: Place, manner: Manner, pages: number, hold = false) => {
  for (let count = 0; count < pages && tab.now !== undefined; count += 1) {
    if (manner.pause > 0) world.clock.advance(manner.pause)
    const before = tab.now
    const answer = answering(world, before, manner)
    if (answer === undefined) return
    await send(world, seat, tab, before.authorization, answer, hold)
    // The same page once more: this person has nothing better to say.
    if (tab.now?.page.heading === before.page.heading && tab.now.page.status >= 400) return
  }
}

/** What a browser forgets when it is closed. */
const close = ({ browser }: Seated) => {
  const lasting = browser.cookies().filter(({ name }) => name.startsWith('step-up-browser'))
  browser.clear()
  browser.load(lasting)
}

const visit = async (world: World, place: Place, asks: Asks, manner: Manner, pages: number, anew = false) => {
  if (anew) close(place.seat)
  const authorization: Authorization = { asks }
  await send(world, place.seat, place.tab, authorization, { url: urlOf(world.host, asks) })
  await goOn(world, place, manner, pages)
}

/** A six-digit code that no app shows about now. */
const wrongCode = ({ users, clock }: World): string => {
  const shown = new Set(
    users.flatMap(({ apps }) => apps.flatMap(({ secret }) => [-30, 0].map((s) => codeAt(secret, clock.now() + s)))),
  )
  return ['000000', '111111', '222222', '333333', '444444', '555555', '666666'].find((code) => !shown.has(code)) ?? ''
}

/** What somebody types who has no right to be let in, or no luck. */
const codeToType = (world: World, user: User | undefined, what: string): string => {
  const { users, accepted } = world
  const others = users.filter((one) => one !== user)
  const isFresh = (code: string) => user?.codes?.used.has(code) === false
  const codes: Readonly<Record<string, () => string | undefined>> = {
    wrong: () => undefined,
    used: () => accepted.filter((code) => code.length === 6).at(-1),
    'used recovery code': () => accepted.filter((code) => code.length > 6).at(-1),
    'recovery code': () => user?.codes?.all.find(isFresh),
    'of another': () => others.flatMap(appsOf).map(({ secret }) => codeAt(secret))[0],
    'of one removed': () => user?.apps.filter(({ gone }) => gone).map(({ secret }) => codeAt(secret))[0],
    right: () => (user === undefined ? [] : appsOf(user)).map(({ secret }) => codeAt(secret))[0],
  }
  return codes[what]?.() ?? wrongCode(world)
}

type MoveOf<Name extends Move['move']> = Extract<Move, { move: Name }>

/** Goes to the page for recovery codes, where there is a way to it. */
const atRecovery = async (world: World, { seat, tab }: Place, opened: Opened): Promise<Opened | undefined> => {
  for (const end of ['/choose', '/recovery-codes']) {
    const link = linkTo((tab.now ?? opened).page, end)
    if (link !== undefined) await send(world, seat, tab, opened.authorization, link)
  }
  return tab.now
}

const type = async (world: World, { at, what, times, forge }: MoveOf<'type'>) => {
  const { seat, tab } = placeAt(world, at)
  for (let count = 0; count < times && tab.now !== undefined; count += 1) {
    const opened = what.includes('recovery') ? await atRecovery(world, { seat, tab }, tab.now) : tab.now
    if (opened === undefined || !opened.page.text.includes('name="code"')) return
    const uid = opened.page.url.pathname.split('/')[2] ?? ''
    const code = codeToType(world, world.interactions.get(uid)?.user, what)
    const fields = { code, ...(forge ? { remember: 'yes' } : {}) }
    await send(world, seat, tab, opened.authorization, typing(world, opened, fields))
  }
}

/** Posts a page that is long gone, and finds the tab at what comes of it. */
const goBack = async (world: World, { at, steps, manner }: MoveOf<'go back'>) => {
  const { seat, tab } = placeAt(world, at)
  if (tab.past.length === 0) return
  const opened = pick(tab.past, steps)
  const answer = answering(world, opened, manner)
  if (answer !== undefined) await send(world, seat, tab, opened.authorization, answer)
}

const follow = async (world: World, { at }: MoveOf<'follow'>) => {
  const { seat, tab } = placeAt(world, at)
  const { held } = tab
  if (held === undefined) return
  tab.held = undefined
  world.count('answers followed later')
  await send(world, seat, tab, held.authorization, { url: held.url })
}

/** Everything of a browser, cookies and open pages, comes into another one. */
const steal = ({ seats, count }: World, { from, to }: MoveOf<'steal'>) => {
  const [victim, thief] = [pick(seats, from), pick(seats, to)]
  if (victim === thief) return
  thief.browser.clear()
  thief.browser.load(victim.browser.cookies())
  thief.tabs = victim.tabs.map((tab) => ({ ...tab, past: [...tab.past] }))
  count('browsers copied')
}

/** What was said once is repeated, and not after the account's tokens were ended. */
const refresh = async ({ host, tokens, count }: World, { which }: MoveOf<'refresh'>) => {
  if (tokens.length === 0) return
  const { user, client, since, refreshToken, ...said } = pick(tokens, tokens.length - 1 - (which % tokens.length))
  const issued = await grantOf(host, client, { grant_type: 'refresh_token', refresh_token: refreshToken })
  const isDead = !isActive(user) || user.revokedAt >= since
  count(`refreshes ${issued === undefined ? 'refused' : 'answered'}${isDead ? ', of dead tokens' : ''}`)
  if (issued === undefined) return
  assert.ok(!isDead, 'a refresh token outlived a reset, or an account that is disabled')
  const { refreshToken: _next, ...repeated } = issued
  assert.deepEqual(repeated, said, 'a refresh says something else')
}

const signOut = async ({ host, seats, count }: World, { browser: which }: MoveOf<'sign out'>) => {
  const { browser } = pick(seats, which)
  const page = await browser.get('/session/end')
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1]
  if (xsrf === undefined) return
  await browser.send(new URL('/session/end/confirm', host.issuer), { form: { xsrf, logout: 'yes' } })
  count('sign-outs')
}

/** What is done and what comes before and after it never share a second, in which nobody could tell their order. */
const apart = async ({ clock }: World, work: () => Promise<void>) => {
  clock.advance(1)
  await work()
  clock.advance(1)
}

const make = async (world: World, move: Move): Promise<void> => {
  switch (move.move) {
    case 'visit':
      return visit(world, placeAt(world, move.at), move.asks, move.manner, move.pages, move.anew)
    case 'go on':
      return goOn(world, placeAt(world, move.at), move.manner, move.hold ? 1 : move.pages, move.hold)
    case 'type':
      return type(world, move)
    case 'leave': {
      const { seat, tab } = placeAt(world, move.at)
      if (tab.now === undefined) return
      return send(world, seat, tab, tab.now.authorization, leaving(world, tab.now, move.way))
    }
    case 'reload': {
      const { seat, tab } = placeAt(world, move.at)
      if (tab.now === undefined) return
      return send(world, seat, tab, tab.now.authorization, { url: tab.now.page.url })
    }
    case 'go back':
      return goBack(world, move)
    case 'follow':
      return follow(world, move)
    case 'steal':
      return steal(world, move)
    case 'refresh':
      return refresh(world, move)
    case 'sign out':
      return signOut(world, move)
    case 'operate':
      return apart(world, () => operate(world, pick(world.users, move.who), move.what))
    case 'host':
      return byHost(world, pick(world.users, move.who), move.what)
    case 'wait':
      return world.clock.advance(move.seconds)
  }
}

const TWO_KINDS: Asks = { client: 'plain', voluntary: [MULTI], essential: [], pays: false }
const CAREFUL: Omit<Manner, 'who'> = { remember: false, keep: true, enroll: true, recover: false, pause: 0 }

/** What people have from before the history: an app, recovery codes, and the account's record as it is stored. */
export interface Belongings {
  readonly user: User
  readonly record: string
}

/** Sets an app and recovery codes up for the first few people, once for all histories. */
export const prepare = async (count: number, clock: VirtualClock): Promise<readonly Belongings[]> => {
  const world = await createWorld(clock, new Map())
  try {
    const prepared: Belongings[] = []
    for (const [who, user] of world.users.slice(0, count).entries()) {
      await visit(world, placeAt(world, { browser: who, tab: 0 }), TWO_KINDS, { ...CAREFUL, who }, 8)
      assert.deepEqual([appsOf(user).length, user.codes?.all.length], [1, 10])
      const { record } = (await world.host.store.load(user.name)) ?? {}
      prepared.push({ user, record: record ?? '' })
    }
    return prepared
  } finally {
    await world.host.close()
  }
}

const inherit = async ({ host, users, secrets }: World, { user: before, record }: Belongings) => {
  const user = users.find(({ name }) => name === before.name)
  assert.ok(user !== undefined && before.codes !== undefined && (await host.store.save(user.name, record, null)))
  user.apps.push(...before.apps.map((app) => ({ ...app })))
  user.codes = { ...before.codes, used: new Set() }
  for (const secret of [...user.codes.all, ...user.apps.map((app) => app.secret)]) secrets.add(secret)
}

/** The secrets that a text holds; a short code only where no other digits stand beside it. */
const secretsIn = (text: string, secrets: ReadonlySet<string>) => {
  const short = new Set(text.match(/(?<!\d)\d{6}(?!\d)/g))
  return [...secrets].filter((secret) => short.has(secret) || (secret.length > 6 && text.includes(secret)))
}

/** Lives through a history, and finds whatever is not as it has to be. */
export const live = async (
  { enrolled, moves }: History,
  belongings: readonly Belongings[],
  clock: VirtualClock,
  tally: Tally,
): Promise<void> => {
  const world = await createWorld(clock, tally)
  try {
    for (const one of belongings.slice(0, enrolled)) await inherit(world, one)
    for (const move of moves) await make(world, move)
    assert.deepEqual(secretsIn(world.told.join('\n'), world.secrets), [], 'told in events')
    assert.deepEqual(world.host.errors, [])
  } finally {
    await world.host.close()
  }
}
