import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { errors, type Interaction, type InteractionResults } from 'oidc-provider'
import { PROMPT } from './oidc.ts'
import type { PromptDetails } from './prompt.ts'
import { UNMET } from './request.ts'

/** An interaction of ours that belongs to this browser and waits for an answer. */
export interface OpenInteraction {
  readonly interaction: Interaction
  readonly accountId: string
  readonly sessionUid: string
  readonly details: PromptDetails
}

/**
 * The interaction that this browser has open under this URL, if it is one of ours.
 *
 * The library finds it by cookie alone and never compares the URL, so that the page of one interaction could
 * be driven with the cookie of another; here both must agree.
 */
export const openInteraction = async (
  provider: Provider,
  req: IncomingMessage,
  res: ServerResponse,
  uid: string,
): Promise<OpenInteraction | undefined> => {
  try {
    const interaction = await provider.interactionDetails(req, res)
    const { accountId, uid: sessionUid } = interaction.session ?? {}
    if (interaction.uid !== uid || interaction.prompt.name !== PROMPT) return undefined
    if (accountId === undefined || sessionUid === undefined) return undefined
    return { interaction, accountId, sessionUid, details: interaction.prompt.details as unknown as PromptDetails }
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

/** How an interaction ends: with a verification left for its resume, without, or with an error to the relying party. */
export type Ending = { readonly outcome: 'verified' | 'declined' } | { readonly outcome: 'cancelled' }

const pinned = (login: InteractionResults['login'], { loginTs }: PromptDetails) =>
  login === undefined ? {} : { login: { ...login, ...(loginTs === undefined ? {} : { ts: login.ts ?? loginTs }) } }

const resultOf = ({ interaction, details }: OpenInteraction, { outcome }: Ending): InteractionResults => {
  if (outcome === 'cancelled')
    return {
      error: details.cancelError,
      error_description: details.factors.length === 0 ? UNMET : 'the additional authentication was cancelled',
    }
  const { lastSubmission } = interaction
  return {
    ...lastSubmission,
    ...pinned(lastSubmission?.login, details),
    [PROMPT]: outcome === 'declined' ? { declined: true } : {},
  }
}

/**
 * Writes how it ended and answers the URL to go on at. The result carries no trust: what was verified lies in
 * our own store, and the request is decided again when it is resumed.
 */
export const endInteraction = async (open: OpenInteraction, ending: Ending): Promise<string> => {
  const { interaction } = open
  interaction.result = resultOf(open, ending)
  await interaction.persist()
  return interaction.returnTo
}
