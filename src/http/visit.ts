import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { Account } from '../account.ts'
import { LOGIN, standing } from '../assurance/evidence.ts'
import { findLevel } from '../assurance/levels.ts'
import type { Config } from '../config.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { AccountRecords } from '../flow/account-record.ts'
import type { Browsers } from '../flow/browsers.ts'
import type { Ceremonies, Reading } from '../flow/ceremony.ts'
import type { Changes } from '../flow/changes.ts'
import type { DeviceDesk } from '../flow/devices.ts'
import { type LedgerRecord, ledgerKey } from '../flow/ledger.ts'
import { outageKey } from '../flow/outage.ts'
import { signInPermitKey } from '../flow/permit.ts'
import { activeIds, type Place } from '../flow/place.ts'
import type { Tickets } from '../flow/tickets.ts'
import type { Vault } from '../flow/vault.ts'
import { once } from '../once.ts'
import type { BrowserCookies } from '../provider/browser-cookies.ts'
import { type Ending, endInteraction, type OpenInteraction, openInteraction } from '../provider/interaction.ts'
import { mountPathOf } from '../provider/oidc.ts'
import type { PromptDetails } from '../provider/prompt.ts'
import type { StoreKey } from '../store/store.ts'
import type { AddressReader } from './address.ts'
import type { Csrf } from './csrf.ts'
import { sameOrigin } from './csrf.ts'
import { isUnreadable, readForm } from './form.ts'
import type { Screen, WaysOut } from './screens.ts'
import { type SendTools, screenOf, sendFailure, sendOn } from './send.ts'

/** What the pages work with. */
export interface PageTools extends SendTools {
  readonly provider: Provider
  readonly config: Config
  readonly records: AccountRecords
  readonly vault: Vault
  readonly ceremonies: Ceremonies
  readonly browsers: Browsers
  readonly cookies: BrowserCookies
  readonly tickets: Tickets
  readonly csrf: Csrf
  readonly changes: Changes
  readonly devices: DeviceDesk
  readonly addressOf: AddressReader
}

/** What is to be done on the pages of one visit. */
export type Task = Omit<PromptDetails, 'cancelError' | 'loginTs'>

/** What was read ahead for the page of one factor. */
export interface Ahead {
  readonly factor: string
  readonly reading: Reading
}

/** One request for a page of one interaction, or of one setup by ticket, with all that its screens share. */
export interface Visit {
  readonly ctx: Context
  readonly account: Account
  readonly task: Task
  /** Where its ceremonies take place. */
  readonly place: Pick<Place, 'id' | 'cid' | 'client' | 'permitKey' | 'openEnrollment'>
  /** URL path of its pages, without a slash at the end. */
  readonly base: string
  readonly screen: Screen & WaysOut
  /** What its forms are bound to. */
  readonly binding: readonly string[]
  /** Where to go when nothing is to be done here any more. */
  readonly onward: string
  /** What the page of one factor stands on, where that was read already. */
  readonly ahead?: Ahead
  /** Writes how it ended and answers where to go on. */
  end(ending: Ending): Promise<string>
  /** Where it is noted that nothing could ask here; absent where the policy does not exempt. */
  readonly outage?: StoreKey
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)

const clientOf = async ({ provider }: PageTools, id: string) => ({
  id,
  name: (await provider.Client.find(id))?.clientName ?? id,
})

const visitOf = async (
  ctx: Context,
  tools: PageTools,
  open: OpenInteraction,
  account: Account,
  ahead: Ahead | undefined,
): Promise<Visit> => {
  const { interaction, details, accountId } = open
  const { params, uid } = interaction
  const client = await clientOf(tools, textOf(params.client_id) ?? '')
  const base = `${mountPathOf(ctx)}${tools.root}/${uid}`
  const binding = [uid, accountId]
  return {
    ctx,
    account,
    task: details,
    place: { ...placeIn(open), client, openEnrollment: tools.config.enrollment === 'open' && !details.ticketOnly },
    ...(ahead === undefined ? {} : { ahead }),
    base,
    binding,
    onward: interaction.returnTo,
    end: (ending) => endInteraction(open, ending),
    ...(details.exemptible === true ? { outage: outageKey(accountId, open.sessionUid, interaction.cid) } : {}),
    screen: {
      ...screenOf(ctx, tools, textOf(params.ui_locales)),
      accountLabel: account.label,
      clientName: client.name,
      csrf: tools.csrf.token(...binding),
      ...(details.offer ? {} : { cancelAction: `${base}/cancel` }),
      ...(details.declinable ? { declineAction: `${base}/decline` } : {}),
    },
  }
}

const placeIn = ({ interaction, accountId, sessionUid }: OpenInteraction) => ({
  id: interaction.uid,
  cid: interaction.cid,
  permitKey: signInPermitKey(accountId, sessionUid, interaction.cid),
})

/** The factor whose page is wanted: the one that is named, else the one that the visit stands at. */
export const factorAt = ({ outcome, factors }: Pick<Task, 'outcome' | 'factors'>, id?: string): string | undefined => {
  if (id !== undefined) return factors.find((factor) => factor === id)
  return outcome === 'enroll' && factors.length > 1 ? undefined : factors[0]
}

/** What the page wants, if it is the page of a factor. */
export interface Wanted {
  readonly factor?: string | undefined
  readonly intent: 'show' | 'answer'
}

const readAhead = (tools: PageTools, open: OpenInteraction, wanted: Wanted | undefined) => {
  const id = wanted && factorAt(open.details, wanted.factor)
  if (wanted === undefined || id === undefined) return undefined
  const account = { id: open.accountId }
  const spot = { ...placeIn(open), purpose: open.details.outcome, account, factor: { id } }
  return tools.ceremonies.read(spot, wanted.intent).then((reading): Ahead => ({ factor: id, reading }))
}

/**
 * The account, as long as the login that led here stands: nothing is shown, asked or enrolled on a password that
 * was changed since. Undefined where the account is gone or disabled as well.
 */
const accountOf = async (
  { config, records, vault }: PageTools,
  { accountId, sessionUid }: OpenInteraction,
  ahead: Promise<Ahead> | undefined,
) => {
  const [account, { record }, ledger] = await Promise.all([
    config.account(accountId),
    ahead?.then(({ reading }) => reading.loaded) ?? records.load(accountId),
    vault.read<LedgerRecord>(ledgerKey(accountId, sessionUid)),
  ])
  if (account === undefined || account.disabled === true || record.disabledAt !== undefined) return undefined
  const { securityStamp } = account
  const { revokedAt } = record
  // Who came in by an authenticator stands on it.
  const activeAuthenticatorIds = activeIds(config.factors, account, record)
  const stands = standing(ledger.value?.events ?? [], { activeAuthenticatorIds, securityStamp, revokedAt })
  return stands.some(({ factor }) => factor === LOGIN) ? account : undefined
}

/**
 * The visit, or nothing where the request is answered already: expired, finished, or the account is gone.
 *
 * @param wanted - What to read ahead, all at once with what the visit itself needs.
 */
export const arrive = async (
  ctx: Context,
  tools: PageTools,
  uid: string,
  wanted?: Wanted,
): Promise<Visit | undefined> => {
  const open = await openInteraction(tools.provider, ctx.req, ctx.res, uid)
  if (open === undefined) {
    sendFailure(ctx, tools, 400, 'expired')
    return undefined
  }
  const isFinished = open.interaction.result !== undefined
  const reading = isFinished ? undefined : readAhead(tools, open, wanted)
  const account = isFinished ? undefined : await accountOf(tools, open, reading)
  // Finished already (back button), or nobody stands behind it: the resume decides and tells the relying party.
  if (account === undefined) {
    sendOn(ctx, open.interaction.returnTo)
    return undefined
  }
  return visitOf(ctx, tools, open, account, await reading)
}

/** A link to the other ways, where there are any. */
export const chooseHrefOf = ({ task, base }: Visit) => (task.factors.length > 1 ? { chooseHref: `${base}/choose` } : {})

/** A factor that is asked for here; anything else is as good as unknown. */
export const offered = ({ task }: Visit, { config }: PageTools, id: string | undefined): AnyFactor | undefined =>
  config.factors.find((factor) => factor.id === id && task.factors.includes(factor.id))

/** The issuer never changes, and every page asks. */
const originOf = once((issuer: string) => new URL(issuer).origin)

/** Whether an authenticator can show what the level aimed at needs of one event; the account may have some that cannot. */
const suiting = ({ task }: Visit, { config }: PageTools, factor: AnyFactor): Pick<Place, 'suits'> => {
  const level = task.aim === undefined || task.outcome === 'enroll' ? undefined : findLevel(config.levels, task.aim)
  if (level === undefined || factor.atMost === undefined) return {}
  const { traits: needed = [], without = [] } = level.needs
  return {
    suits: (one) => {
      const { traits } = factor.atMost?.(one) ?? factor
      return needed.every((trait) => traits.includes(trait)) && !without.some((trait) => traits.includes(trait))
    },
  }
}

const MAX_USER_AGENT_LENGTH = 512

/** Where the ceremony of this factor takes place. */
export const placeOf = (visit: Visit, tools: PageTools, factor: AnyFactor): Place => {
  const { ctx, account, task, place, screen, base } = visit
  const { provider, addressOf } = tools
  const origin = originOf(provider.issuer)
  const address = addressOf(ctx)
  const from = address === undefined ? {} : { address }
  const userAgent = ctx.get('user-agent').slice(0, MAX_USER_AGENT_LENGTH)
  return {
    ...place,
    account,
    factor,
    purpose: task.outcome,
    ...suiting(visit, tools, factor),
    origin,
    issuer: provider.issuer,
    url: `${origin}${base}/${factor.id}`,
    locale: screen.locale,
    ...from,
    requester: { ...from, ...(userAgent === '' ? {} : { userAgent }) },
  }
}

/**
 * The fields of a form that really comes from a page of ours, bound to this, and has no field but these; nothing
 * where the request is answered already.
 */
export const readBoundForm = async (
  ctx: Context,
  tools: PageTools,
  binding: readonly string[],
  fields: readonly string[],
): Promise<Readonly<Record<string, string>> | undefined> => {
  const form = await readForm(ctx)
  if (isUnreadable(form)) {
    sendFailure(ctx, tools, form.status, 'error.request')
    return undefined
  }
  const { csrf, ...input } = form
  const genuine = sameOrigin(ctx) && tools.csrf.verify(csrf, ...binding)
  if (genuine && Object.keys(input).every((name) => fields.includes(name))) return input
  sendFailure(ctx, tools, genuine ? 400 : 403, 'error.request')
  return undefined
}
