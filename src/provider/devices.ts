import type { KoaContextWithOIDC } from 'oidc-provider'
import { type Evidence, LOGIN } from '../assurance/evidence.ts'
import { StepUpError } from '../errors.ts'
import type { Decision } from '../policy/decision.ts'
import type { FactName } from '../policy/facts.ts'
import type { Pass } from './oidc.ts'
import type { Ground, SituationTools } from './situation.ts'

/** Facts that follow from where an account has signed in before. */
const BY_HISTORY: ReadonlySet<FactName> = new Set(['device', 'lastLogin'])

/** Whether any of these facts, or what is assessed for them, follows from where an account has signed in before. */
export const readsHistory = (reads: readonly FactName[]): boolean => reads.some((name) => BY_HISTORY.has(name))

/** Whether they, or what is assessed for them, follow from where that was. */
export const readsPlaces = (reads: readonly FactName[]): boolean => reads.includes('lastLogin')

/** Who loses every race for the record is not known the next time, and is signed in all the same. */
const learning = <T>(learned: Promise<T>): Promise<T | undefined> =>
  learned.catch((fault) => {
    if (fault instanceof StepUpError && fault.code === 'ERR_CONTENTION') return undefined
    throw fault
  })

/** A password may be stolen: a browser is known from when more was shown in it than that. */
const provesMore = ({ factor, kinds }: Evidence) => factor !== LOGIN || kinds.length > 1

/**
 * Learns the browser that has just signed in, and from where. A browser that is not known yet is learned only where a
 * factor was proved in this very authorization; else whoever has the password could make his own known at a client that
 * asks for no more.
 */
export const learnDevice = async (
  ctx: KoaContextWithOIDC,
  { session: { accountId } }: Pass,
  { situation, facts }: Ground,
  { outcome }: Decision,
  { history, deviceCookies, remembersDevices, remembersPlaces, assess, judge, config: { clock } }: SituationTools,
): Promise<void> => {
  if (!remembersDevices || outcome !== 'satisfied') return
  const { cid, evidence } = situation
  const own = evidence.filter((event) => cid !== undefined && event.cid === cid)
  if (own.length === 0) return
  const { fact } = facts()
  const [device, location, userAgent] = await Promise.all([
    fact('device'),
    remembersPlaces ? fact('location') : undefined,
    fact('userAgent'),
  ])
  const isProved = own.some(provesMore)
  if (device?.cookie !== 'known' && !isProved) return
  const deviceCookie = deviceCookies.read(ctx, accountId)
  // A cookie can be copied. Where the copy came from must not become where the account is at home.
  const isJudged = assess !== undefined && !judge.reads.includes('lastLogin')
  const counts = isProved || (isJudged && ((await fact('risk'))?.confidence ?? 'low') !== 'low')
  const learned = await learning(history.learn(accountId, { deviceCookie, userAgent, location, counts, at: clock() }))
  if (learned === undefined) return
  // Also where it stays the same: it lives as long as the browser is known.
  deviceCookies.write(ctx, accountId, learned.value, learned.until)
}
