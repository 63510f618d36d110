import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { codeAt, REDIRECT_URI } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import type { Manner } from './model.moves.ts'
import type { Authorization, Shown } from './model.oracle.ts'
import {
  type App,
  allowanceOf,
  appShowing,
  appsOf,
  enrollmentFault,
  forgetRefusals,
  isActive,
  isPaused,
  keepingFault,
  noteRefusal,
  standing,
  stepOf,
  type User,
} from './model.people.ts'
import { type Posting, type Sending, walk } from './model.walk.ts'
import { codesOn, uidOf } from './model.web.ts'
import type { Opened, Seated, Tab, World } from './model.world.ts'
import { CHALLENGE, ENROLL, LOGIN } from './stage.ts'

const SAVE = 'Save your recovery codes'
const RECOVER = 'Enter one of your recovery codes'
const CHOOSE = 'Choose how to confirm it is you'

const isOver = ({ url }: Page) => url.href.startsWith(REDIRECT_URI)

/** What lies behind a form of one page: whose it is, and what is known of its interaction. */
interface Form {
  readonly world: World
  readonly opened: Opened
  readonly uid: string
  readonly user: User
  readonly now: number
  /** How many events had been told before. */
  readonly since: number
}

/** What an answer was, by the truth. */
interface Truth {
  readonly factor: 'totp' | 'recovery-codes'
  readonly isRight: boolean
  /** What its acceptance changes. */
  readonly accept: () => { readonly remembered: User } | undefined
}

const bring = ({ world, opened, uid, user, now }: Form, shown: Omit<Shown, 'at' | 'stamp' | 'authorization'>) => {
  const waiting = world.waiting.get(uid) ?? []
  const { authorization } = opened
  waiting.push({ user, shown: { ...shown, at: now, stamp: user.stamp, authorization } })
  world.waiting.set(uid, waiting)
}

const challengeByApp = (form: Form, fields: Readonly<Record<string, string>>): Truth => {
  const { world, opened, user, now } = form
  const found = appShowing(user, fields.code ?? '', now)
  return {
    factor: 'totp',
    isRight: found !== undefined,
    accept: () => {
      assert.ok(found)
      found.app.lastStep = found.step
      bring(form, { by: 'totp', means: found.app })
      opened.authorization.mayKeep = allowanceOf(user)
      world.count('codes of an app')
      return fields.remember === 'yes' ? { remembered: user } : undefined
    },
  }
}

const challengeByRecoveryCode = (form: Form, { code = '' }: Readonly<Record<string, string>>): Truth => {
  const { world, opened, user } = form
  const { codes } = user
  return {
    factor: 'recovery-codes',
    isRight: codes?.all.includes(code) === true && !codes.used.has(code),
    accept: () => {
      assert.ok(codes)
      codes.used.add(code)
      bring(form, { by: 'recovery-codes', means: codes })
      opened.authorization.permit = allowanceOf(user)
      world.count('recovery codes used')
      return undefined
    },
  }
}

const enrollApp = (form: Form, { code = '' }: Readonly<Record<string, string>>): Truth => {
  const { world, opened, uid, user, now } = form
  const { authorization } = opened
  const secret = world.shownAt.get(uid)?.secret
  const step = secret === undefined ? undefined : stepOf(secret, code, now)
  return {
    factor: 'totp',
    isRight: step !== undefined,
    accept: () => {
      assert.ok(secret !== undefined && step !== undefined)
      assert.equal(enrollmentFault(user, authorization), undefined, 'an app was set up')
      const isFirst = appsOf(user).length === 0 && user.codes === undefined
      const app: App = { secret, lastStep: step, gone: false }
      user.apps.push(app)
      user.factors += 1
      if (isFirst) authorization.mayKeep = allowanceOf(user)
      else delete authorization.permit
      user.ticketOnly = false
      bring(form, { by: 'totp', means: app, enrolled: isFirst ? 'first' : 'further' })
      world.count(isFirst ? 'first apps' : 'further apps')
      return undefined
    },
  }
}

const keepCodes = ({ world, opened, uid, user }: Form, { kept }: Readonly<Record<string, string>>): Truth => ({
  factor: 'recovery-codes',
  isRight: kept === 'yes',
  accept: () => {
    assert.equal(keepingFault(user, opened.authorization), undefined, 'recovery codes were kept')
    delete opened.authorization.mayKeep
    world.giveCodes(user, world.shownAt.get(uid)?.codes ?? [])
    world.count('sets of recovery codes kept')
    return undefined
  },
})

const TRUTHS: Readonly<Record<string, (form: Form, fields: Readonly<Record<string, string>>) => Truth>> = {
  [CHALLENGE]: challengeByApp,
  [RECOVER]: challengeByRecoveryCode,
  [ENROLL]: enrollApp,
  [SAVE]: keepCodes,
}

/** Whether an answer is looked at at all: nobody has answered before, and the login that led here still stands. */
const isOpen = ({ finished, interactions }: World, uid: string) => {
  const { user, ledger } = interactions.get(uid) ?? {}
  if (user === undefined || ledger === undefined || finished.has(uid) || !isActive(user)) return false
  return standing(ledger, user).some(({ by }) => by === 'login')
}

/** Whether the answer was taken: it was looked at, and leads on. */
const isTaken = (world: World, uid: string, to: URL | undefined) =>
  to?.pathname === `/auth/${uid}` && isOpen(world, uid)

/** Whether an acceptance was announced since then. */
const wasAnnounced = ({ told }: World, since: number) =>
  told.slice(since).some((one) => /^(challenge\.accepted|authenticator\.enrolled) /.test(one))

const learn = (form: Form, truth: Truth, code: string | undefined, page: Page, to: URL | undefined) => {
  const { world, uid, user, now, since } = form
  const { factor, isRight, accept } = truth
  assert.equal(wasAnnounced(world, since), isTaken(world, uid, to), `an answer for ${factor} was taken`)
  const isTooEarly = isPaused(user, factor, now)
  if (isTaken(world, uid, to)) {
    assert.ok(isRight, `accepted: a wrong, used or foreign answer for ${factor}`)
    assert.ok(!isTooEarly, `accepted within the pause of ${factor}`)
    world.finished.add(uid)
    forgetRefusals(user, factor)
    if (code !== undefined) world.accepted.push(code)
    return accept()
  }
  if (page.status !== 422 && page.status !== 429) return undefined
  assert.ok(!isRight || isTooEarly || page.status === 429, `refused: a right answer for ${factor}`)
  noteRefusal(user, factor, now)
  world.count(page.status === 429 ? 'answers that came too fast' : 'answers refused')
  return undefined
}

/** Posts the form of a page of ours. */
const postingOf = (world: World, opened: Opened, fields: Readonly<Record<string, string>>): Posting => {
  const { page } = opened
  const uid = uidOf(page.url)
  const form = { csrf: page.csrf, ...fields }
  const user = world.interactions.get(uid)?.user
  const judge = TRUTHS[page.heading]
  if (user === undefined || judge === undefined) return { form, answered: () => undefined }
  const known: Form = { world, opened, uid, user, now: world.clock.now(), since: world.told.length }
  const truth = judge(known, fields)
  if (fields.code !== undefined) world.secrets.add(fields.code)
  return { form, answered: (answer, to) => learn(known, truth, fields.code, answer, to) }
}

/** Signs in on the host's page, which puts the password's stamp into the result, as a careful host does. */
const signInAs = (world: World, { authorization, page }: Opened, user: User): Posting => {
  const uid = uidOf(page.url)
  const { stamp } = user
  return {
    form: { login: user.name, securityStamp: stamp },
    answered: (_answer, to) => {
      if (to?.pathname === `/auth/${uid}`)
        world.waiting.set(uid, [{ user, shown: { by: 'login', at: Number.NaN, stamp, authorization } }])
      return undefined
    },
  }
}

/** Leaves a page by one of its ways out, or by a way that it does not have. */
const leavingBy = (world: World, { page }: Opened, way: string): Posting => {
  const uid = uidOf(page.url)
  const isOffered = page.targets.some((target) => target.endsWith(`/${way}`))
  return {
    form: { csrf: page.csrf },
    answered: (_answer, to) => {
      if (!isTaken(world, uid, to)) return undefined
      assert.ok(isOffered, `${way} was taken where it was not offered`)
      world.finished.add(uid)
      if (way === 'cancel') world.cancelled.add(uid)
      world.count(way)
      return undefined
    },
  }
}

/** Opens what came of it in the tab. */
const settle = (world: World, tab: Tab, authorization: Authorization, came: Page | URL): void => {
  if (tab.now !== undefined) tab.past = [tab.now, ...tab.past].slice(0, 6)
  if (came instanceof URL) {
    tab.held = { authorization, url: came }
    tab.now = undefined
    return
  }
  tab.now = isOver(came) ? undefined : { authorization, page: came }
  const uid = uidOf(came.url)
  if (came.heading === ENROLL) world.noteShown(uid, { secret: secretOn(came) })
  if (came.heading === SAVE) world.noteShown(uid, { codes: codesOn(came) })
}

/** Sends it from the tab, and opens there what comes. */
export const send = async (
  world: World,
  seat: Seated,
  tab: Tab,
  authorization: Authorization,
  sending: Sending,
  hold = false,
): Promise<void> => settle(world, tab, authorization, await walk({ world, seat, authorization }, sending, hold))

/** Types a code, or whatever the fields say, into the page. */
export const typing = (world: World, opened: Opened, fields: Readonly<Record<string, string>>): Sending => ({
  url: new URL(opened.page.action, opened.page.url),
  posting: postingOf(world, opened, fields),
})

/** Leaves a page, by a way that it has or by one that it has not. */
export const leaving = (world: World, opened: Opened, way: string): Sending => ({
  url: new URL(`/mfa/${uidOf(opened.page.url)}/${way}`, opened.page.url),
  posting: leavingBy(world, opened, way),
})

const offers = ({ targets }: Page, way: string) => targets.some((target) => target.endsWith(`/${way}`))

const tick = ({ text }: Page, { remember }: Manner) =>
  remember && text.includes('name="remember"') ? { remember: 'yes' } : {}

/** The code of the person's newest app, after waiting for one that was not used. */
const freshCode = ({ clock }: World, user: User): string => {
  const app = appsOf(user).at(-1)
  if (app === undefined) return '000000'
  while (Math.floor(clock.now() / 30) <= app.lastStep) clock.advance(30)
  return codeAt(app.secret)
}

/** Follows the link of a page that ends so; undefined where there is none. */
export const linkTo = (page: Page, end: string): Sending | undefined => {
  const href = page.targets.find((target) => target.endsWith(end))
  return href === undefined ? undefined : { url: new URL(href, page.url) }
}

/** How somebody who means well answers the page; undefined where there is nothing to answer. */
export const answering = (world: World, opened: Opened, manner: Manner): Sending | undefined => {
  const { page } = opened
  const { interactions, users } = world
  const signing = users[manner.who % users.length] as User
  const user = interactions.get(uidOf(page.url))?.user ?? signing
  const fresh = user.codes?.all.find((code) => user.codes?.used.has(code) === false)
  const answers: Readonly<Record<string, () => Sending | undefined>> = {
    [LOGIN]: () => ({ url: new URL(page.action, page.url), posting: signInAs(world, opened, signing) }),
    [CHALLENGE]: () =>
      (manner.recover && fresh !== undefined ? linkTo(page, '/choose') : undefined) ??
      typing(world, opened, { code: freshCode(world, user), ...tick(page, manner) }),
    [CHOOSE]: () => linkTo(page, manner.recover && fresh !== undefined ? '/recovery-codes' : '/totp'),
    [RECOVER]: () => typing(world, opened, { code: fresh ?? '0000-0000-0000-0000', ...tick(page, manner) }),
    [ENROLL]: () =>
      !manner.enroll && offers(page, 'decline')
        ? leaving(world, opened, 'decline')
        : typing(world, opened, { code: codeAt(secretOn(page)), ...tick(page, manner) }),
    [SAVE]: () => (manner.keep ? typing(world, opened, { kept: 'yes' }) : leaving(world, opened, 'decline')),
  }
  const answer = answers[page.heading]
  if (answer !== undefined) return answer()
  const way = ['decline', 'cancel'].find((one) => page.action.endsWith(`/${one}`))
  return way === undefined ? undefined : leaving(world, opened, way)
}
