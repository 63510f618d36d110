import type { Level } from '../../src/assurance/levels.ts'

/*
 * What an authorization is worth by what was really shown for it: a second reading of the semantics, with code of
 * its own. Proofs are tried one by one and in twos; no level here needs three.
 */

/** The levels by name, two of them under an alias or under no name at all. */
export const SINGLE = 'urn:oidc-step-up:acr:1fa'
export const MULTI = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
export const REFEDS = 'https://refeds.org/profile/mfa'
export const HOURLY = 'urn:test:hourly'
export const RECENT = 'urn:test:recent'
export const RESISTANT = 'phr'
export const UNKNOWN = 'urn:test:no-such-level'

/** With each sort of limit and exception once. */
export const LEVELS: readonly Level[] = [
  { acr: SINGLE, needs: { kinds: 1 } },
  { acr: MULTI, aliases: [REFEDS], needs: { kinds: 2 } },
  { acr: HOURLY, needs: { kinds: 2 }, overallMaxAgeSeconds: 3600 },
  { acr: RECENT, needs: { kinds: 2, without: ['recovery'] }, maxAgeSeconds: 900 },
  { acr: RESISTANT, needs: { traits: ['phishing-resistant'] } },
]

/** `floored` and `strict` owe two kinds; only `floored` lets a remembered browser do. */
export type ClientId = 'plain' | 'floored' | 'strict'

/** What one request says. */
export interface Asks {
  readonly client: ClientId
  readonly voluntary: readonly string[]
  readonly essential: readonly string[]
  readonly maxAge?: 0 | 1 | 300
  readonly prompt?: 'none' | 'login'
  /** It asks for the scope that owes a level of its own, which ages. */
  readonly pays: boolean
}

/** One request and all pages that it leads to; told from others by identity. */
export interface Authorization {
  readonly asks: Asks
  /** What was done in it that allows an enrolment, to whom it happened, and what that account had lost by then. */
  permit?: Allowance
  mayKeep?: Allowance
}

/** What allows an enrolment, and what it stands on. */
export interface Allowance {
  readonly user: object
  readonly losses: number
  readonly stamp: string
}

/** What a proof was made with; gone when it was removed or replaced. */
export interface Means {
  gone: boolean
}

/** Something that was truly shown. */
export interface Shown {
  readonly by: 'login' | 'totp' | 'recovery-codes'
  readonly at: number
  readonly stamp: string
  readonly authorization: Authorization | undefined
  readonly means?: Means
  readonly enrolled?: 'first' | 'further' | undefined
}

/** All that a session is judged by at one moment. */
export interface Standing {
  readonly now: number
  readonly authorization: Authorization
  /** What still counts of what the session has shown. */
  readonly shown: readonly Shown[]
  readonly active: boolean
  /** A genuinely remembered browser may lift the floor of two kinds. */
  readonly lifted: boolean
}

const AMR = { login: 'pwd', totp: 'otp', 'recovery-codes': 'recovery-code' } as const
const FLOW_SECONDS = 600

const kindOf = ({ by }: Shown) => (by === 'login' ? 'knowledge' : 'possession')
const levelNamed = (name: string) => LEVELS.find(({ acr, aliases }) => acr === name || aliases?.includes(name))
const levelOf = (name: string) => levelNamed(name) as Level

/** `max_age=0` means `prompt=login`. */
export const promptOf = ({ prompt, maxAge }: Asks) => prompt ?? (maxAge === 0 ? 'login' : undefined)
const boundOf = ({ maxAge = 0 }: Asks) => (maxAge === 0 ? Infinity : maxAge)

/** An essential level always wins over one that is not. */
const namesOf = ({ voluntary, essential }: Asks) => (essential.length > 0 ? essential : voluntary)

/** Whether the request insists on levels of which none exists. */
export const asksOnlyUnknown = ({ essential }: Asks): boolean =>
  essential.length > 0 && essential.every((name) => levelNamed(name) === undefined)

const floorsOf = ({ client, pays }: Asks) => [
  ...(client === 'plain' ? [] : [levelOf(MULTI)]),
  ...(pays ? [levelOf(RECENT)] : []),
]

const isYoung = (one: Shown, seconds: number, { now, authorization }: Standing) =>
  now - one.at <= seconds || (one.authorization === authorization && now - one.at <= FLOW_SECONDS)

const counting = ({ shown, authorization }: Standing) =>
  shown.filter((one) =>
    one.authorization === authorization ? one.enrolled !== 'further' : promptOf(authorization.asks) !== 'login',
  )

const suffices = ({ needs }: Level, set: readonly Shown[]) =>
  needs.traits === undefined && new Set(set.map(kindOf)).size >= (needs.kinds ?? 1)

const usableFor = (level: Level, standing: Standing, more: readonly Shown[] = []) =>
  [...counting(standing), ...more]
    .filter((one) => isYoung(one, level.overallMaxAgeSeconds ?? Infinity, standing))
    .filter(({ by }) => !(level.needs.without?.includes('recovery') && by === 'recovery-codes'))

/** When the level was met last by all of a set that has nothing superfluous in it; undefined where it is not. */
const metAt = (level: Level, standing: Standing, more: readonly Shown[] = []): number | undefined => {
  const bound = Math.min(level.maxAgeSeconds ?? Infinity, boundOf(standing.authorization.asks))
  const usable = usableFor(level, standing, more)
  const pairs = usable.flatMap((one, index) => usable.slice(index + 1).map((other) => [one, other]))
  const times = [...usable.map((one) => [one]), ...pairs]
    .filter(
      (set) =>
        suffices(level, set) &&
        !set.some((one) =>
          suffices(
            level,
            set.filter((other) => other !== one),
          ),
        ),
    )
    .map((set) => (set.length === 1 ? set : set.filter(({ by }) => by !== 'login')))
    .filter((carriers) => carriers.length > 0 && carriers.every((one) => isYoung(one, bound, standing)))
    .flatMap((carriers) => carriers.map(({ at }) => at))
  return times.length === 0 ? undefined : Math.max(...times)
}

const newestLogin = (standing: Standing) =>
  counting(standing)
    .filter(({ by }) => by === 'login')
    .reduce<Shown | undefined>((best, one) => (best === undefined || one.at >= best.at ? one : best), undefined)

const read = (standing: Standing) => {
  const { asks } = standing.authorization
  const asked = namesOf(asks).flatMap((spelled) => {
    const level = levelNamed(spelled)
    return level === undefined ? [] : [{ spelled, level }]
  })
  const isMet = (level: Level) => metAt(level, standing) !== undefined
  const met = asked.find(({ level }) => isMet(level))
  const isLifted = ({ acr }: Level) => standing.lifted && acr === MULTI
  const openFloors = floorsOf(asks).filter((floor) => !isMet(floor) && !isLifted(floor))
  const askedOpen = asked.length > 0 && met === undefined
  const login = newestLogin(standing)
  const join = [...(met === undefined ? [] : [met.level]), ...floorsOf(asks)]
  const isRecent =
    login !== undefined &&
    (isYoung(login, boundOf(asks), standing) || (!askedOpen && join.some(({ acr }) => acr !== SINGLE)))
  return { asks, asked, met, openFloors, askedOpen, login, isRecent }
}

/** Whether a remembered browser would lift the floor of two kinds here: it is owed, not met, and nothing fresh is asked. */
export const couldLift = (standing: Standing): boolean => {
  const { asks, openFloors, login } = read({ ...standing, lifted: false })
  const isPlain = promptOf(asks) !== 'login' && boundOf(asks) === Infinity
  return asks.client === 'floored' && isPlain && login !== undefined && openFloors.includes(levelOf(MULTI))
}

/** Why no code may be issued; empty where one may. */
export const objections = (standing: Standing): readonly string[] => {
  const { asks, openFloors, askedOpen, login, isRecent } = read(standing)
  return [
    ...(standing.active ? [] : ['the account is not active']),
    ...(login === undefined ? ['no login stands'] : []),
    ...openFloors.map(({ acr }) => `the floor ${acr} is not met`),
    ...((askedOpen && asks.essential.length > 0) || asksOnlyUnknown(asks) ? ['the essential level is not met'] : []),
    ...(isRecent ? [] : ['nothing that was asked was proved within max_age']),
  ]
}

/** Why a request that may ask cannot have ended with this error, unless it was cancelled; undefined where it can. */
export const errorFault = (standing: Standing, error: string): string | undefined => {
  const { asks, openFloors, askedOpen, login } = read(standing)
  const isOwed = openFloors.length > 0 || (askedOpen && asks.essential.length > 0) || asksOnlyUnknown(asks)
  // A login that was just made can only be asked again where it does not stand.
  const isSpent = login?.authorization === standing.authorization && standing.now - login.at <= FLOW_SECONDS
  const faults: Readonly<Record<string, boolean>> = {
    access_denied: standing.active,
    unmet_authentication_requirements: !isOwed,
    login_required: isSpent,
  }
  return faults[error] === false ? undefined : `${error}, without a reason`
}

/** Whether a page would ask for what is there already. */
export const owesNothing = (standing: Standing): boolean =>
  objections(standing).length === 0 && !read(standing).askedOpen

/** What a silent request is answered: `code`, or an error that only the session decides. */
export const silentAnswer = (standing: Standing): string => {
  const { asks, asked, openFloors, askedOpen, login, isRecent } = read(standing)
  if (asksOnlyUnknown(asks)) return 'unmet_authentication_requirements'
  if (asks.maxAge === 0) return 'login_required'
  if (!standing.active) return 'access_denied'
  if (login === undefined) return 'login_required'
  const isEssentialOpen = askedOpen && asks.essential.length > 0
  const gap = isEssentialOpen ? asked.map(({ level }) => level) : openFloors.slice(0, 1)
  const again: Shown = { by: 'login', at: standing.now, stamp: '', authorization: undefined }
  if (gap.some((level) => metAt(level, standing, [again]) !== undefined)) return 'login_required'
  if (gap.length > 0) return 'interaction_required'
  return isRecent ? 'code' : 'login_required'
}

/** What the ID token has to say. */
export interface Report {
  readonly acr: string | undefined
  readonly authTime: number
  /** The methods of all that may count, and of what has to. */
  readonly mostAmr: readonly string[]
  readonly leastAmr: readonly string[]
}

/** What the truth says about an authorization that is answered with a code. */
export const reportOf = (standing: Standing): Report => {
  const { asked, login } = read(standing)
  const inOrder = [...LEVELS].reverse().map((level) => ({ spelled: level.acr, level }))
  const reported = [...asked, ...inOrder].find(({ level }) => metAt(level, standing) !== undefined)
  if (reported === undefined)
    return { acr: undefined, authTime: login?.at ?? Number.NaN, mostAmr: ['pwd'], leastAmr: ['pwd'] }
  const { spelled, level } = reported
  const methods = usableFor(level, standing).map(({ by }) => AMR[by])
  return {
    acr: spelled,
    authTime: metAt(level, standing) ?? Number.NaN,
    mostAmr: [...methods, ...(new Set(counting(standing).map(kindOf)).size > 1 ? ['mfa'] : [])],
    leastAmr: level.acr === SINGLE ? ['pwd'].filter((one) => methods.includes(one as 'pwd')) : ['pwd', 'mfa'],
  }
}
