import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { StepUpError } from '../errors.ts'
import type { Decision, OfferReason } from '../policy/decision.ts'
import type { RefusalError } from '../policy/trace.ts'
import type { Decider } from './decision.ts'
import { PROMPT, passOf } from './oidc.ts'
import { report } from './report.ts'
import { UNMET } from './request.ts'

const { Check, Prompt, base } = interactionPolicy

type Policy = readonly InstanceType<typeof Prompt>[]

/** What our prompt leaves in the interaction for the screens. None of it is trusted on the way back. */
export interface PromptDetails {
  readonly outcome: 'challenge' | 'enroll'
  readonly factors: readonly string[]
  readonly declinable: boolean
  /** The error that leaving means. */
  readonly cancelError: 'access_denied' | 'unmet_authentication_requirements'
  /** When the session's login was, so that our own submissions do not move it. */
  readonly loginTs?: number
  /** The acr of the level aimed at. */
  readonly aim?: string
  /** Whether some configured factor reaches the level aimed at. */
  readonly offered: boolean
  /** Whether the account had nothing enrolled and needs a ticket to. */
  readonly ticketOnly: boolean
  /** Everything owed is met: the enrolment is an offer that can be turned down. */
  readonly offer: boolean
  /** Why it is offered. */
  readonly offerReason?: OfferReason
  /** The policy exempts where nothing can ask. */
  readonly exemptible?: true
  /** This browser can be remembered after the challenge. */
  readonly rememberable: boolean
}

const refusals: Readonly<Record<RefusalError, () => Error>> = {
  access_denied: () => new errors.AccessDenied('the account cannot be used'),
  interaction_required: () => new errors.InteractionRequired('additional authentication is required'),
  login_required: () => new errors.LoginRequired('End-User authentication is required'),
  unmet_authentication_requirements: () => new errors.UnmetAuthenticationRequirements(UNMET),
}

/** These three are ours: the first two know neither order nor levels, the third knows only the login's age. */
const REPLACED = new Set(['essential_acrs', 'essential_acr', 'max_age'])

/** A copy that shares nothing a host could change later; a requestable prompt's own check comes with its constructor. */
const copyOf = (
  { name, requestable, details, checks }: InstanceType<typeof Prompt>,
  more: readonly InstanceType<typeof Check>[] = [],
) => {
  const kept = [...checks].filter(
    ({ reason }) => !(requestable && reason === `${name}_prompt`) && !(name === 'login' && REPLACED.has(reason)),
  )
  return new Prompt({ name, requestable }, details, ...kept, ...more)
}

const loginCheck = (decide: Decider) =>
  new Check('max_age', 'End-User authentication could not be obtained', 'login_required', async (ctx) => {
    try {
      return (await decide(ctx))?.outcome === 'login'
    } catch {
      return Check.NO_NEED_TO_PROMPT
    }
  })

/**
 * A store out of reach is nobody's refusal. Where the relying party asked for no page it is told to come again; else
 * the fault goes on, and the user gets a page that tries again.
 */
const decideOrFail = async (decide: Decider, ctx: KoaContextWithOIDC) => {
  try {
    return await decide(ctx)
  } catch (cause) {
    if (cause instanceof StepUpError && cause.code === 'ERR_STORE' && ctx.oidc.prompts.has('none'))
      throw new errors.TemporarilyUnavailable('the sign-in cannot be judged at the moment', { cause })
    throw cause
  }
}

const obey = (ctx: KoaContextWithOIDC, decision: Decision): boolean => {
  const pass = passOf(ctx)
  if (decision.outcome === 'refuse') throw refusals[decision.error]()
  if (decision.outcome === 'login' || pass === undefined) throw refusals.login_required()
  if (decision.outcome !== 'satisfied' || decision.offers.length > 0) return Check.REQUEST_PROMPT
  // The library goes on to a consent check that takes an account for granted.
  if (pass.account === undefined) throw refusals.access_denied()
  report(ctx, pass, decision)
  return Check.NO_NEED_TO_PROMPT
}

/** Leaving with an essential level open tells the relying party so; so does a floor the account has no means for. */
const cancelErrorOf = ({ trace }: Decision, factors: readonly string[]): PromptDetails['cancelError'] =>
  trace.reason === 'essential-unmet' || (trace.reason === 'floor-unmet' && factors.length === 0)
    ? 'unmet_authentication_requirements'
    : 'access_denied'

/** What a decision asks of the user; undefined where that is nothing, or the login. */
const askedBy = (decision: Decision | undefined) => {
  if (decision?.outcome === 'satisfied' && decision.offers.length > 0)
    return {
      outcome: 'enroll',
      factors: decision.offers,
      declinable: true,
      offer: true,
      ...(decision.offerReason === undefined ? {} : { offerReason: decision.offerReason }),
      rememberable: false,
    } as const
  if (decision?.outcome !== 'challenge' && decision?.outcome !== 'enroll') return undefined
  const { outcome, factors, declinable } = decision
  const rememberable = outcome === 'challenge' && decision.rememberable
  return { outcome, factors, declinable, offer: false, rememberable }
}

/** A proof that comes before an enrolment is never exempt. */
const isForLevel = (decision: Decision) => decision.outcome === 'challenge' && decision.for === 'level'

const detailsOf = (decide: Decider, offered: (acr: string) => boolean) => async (ctx: KoaContextWithOIDC) => {
  const decision = await decide(ctx)
  const asked = askedBy(decision)
  if (decision === undefined || asked === undefined) return undefined
  const { aim, ticketOnly = false, exemptible } = decision.trace
  const loginTs = ctx.oidc.session?.loginTs
  const details: PromptDetails = {
    ...asked,
    cancelError: cancelErrorOf(decision, asked.factors),
    ...(aim === undefined ? {} : { aim }),
    offered: aim !== undefined && offered(aim),
    ticketOnly,
    ...(exemptible === true && isForLevel(decision) ? { exemptible } : {}),
    ...(loginTs === undefined ? {} : { loginTs }),
  }
  return { ...details }
}

const stepUpPrompt = (decide: Decider, offered: (acr: string) => boolean) =>
  new Prompt(
    { name: PROMPT, requestable: false },
    detailsOf(decide, offered),
    new Check('step_up', 'additional authentication is required', 'interaction_required', async (ctx) => {
      const decision = await decideOrFail(decide, ctx)
      if (decision === undefined) throw refusals.login_required()
      return obey(ctx, decision)
    }),
  )

/**
 * A copy of the host's interaction policy, or of the library's, with our prompt right after `login` and our
 * check inside it. The host's own array and prompts stay as they are.
 *
 * @param offered - Whether any configured factor could reach a level at all.
 * @throws StepUpError `ERR_CONFIG` where the policy has no `login` prompt, or one called `mfa` already.
 */
export const withStepUp = (host: Policy | undefined, decide: Decider, offered: (acr: string) => boolean): Policy => {
  const policy: Policy = host ?? base()
  const names = policy.map(({ name }) => name)
  if (!names.includes('login'))
    throw new StepUpError('ERR_CONFIG', 'configure(): interactions.policy has no prompt "login"; step-up stands on it')
  if (names.includes(PROMPT))
    throw new StepUpError(
      'ERR_CONFIG',
      `configure(): interactions.policy has a prompt "${PROMPT}" already; configure once`,
    )
  return policy.flatMap((prompt) =>
    prompt.name === 'login' ? [copyOf(prompt, [loginCheck(decide)]), stepUpPrompt(decide, offered)] : [copyOf(prompt)],
  )
}
