import { z } from 'zod'
import type { Account } from '../account.ts'
import { configError, found } from '../config-error.ts'
import { strict } from '../config-schema.ts'
import { StepUpError } from '../errors.ts'

const MIN_TICKET_SECONDS = 60
const DEFAULT_TICKET_SECONDS = 86_400
const MAX_TICKET_SECONDS = 604_800
const TTL_SECONDS = `a whole number of seconds from ${MIN_TICKET_SECONDS} to ${MAX_TICKET_SECONDS}`
const TEXT = 'a text that is not empty'
const FACTORS = 'a list with at least one factor that can be enrolled'

const text = z.string(TEXT).min(1, TEXT)

const oneOf = (ids: readonly string[]) => {
  const allowed = ids.length === 0 ? 'nothing, because there is no such factor' : `one of ${ids.join(', ')}`
  return z.string(allowed).refine((id) => ids.includes(id), allowed)
}

/** Arguments of an operation that takes nothing but the account. */
export const onlyAccount = z.object({ accountId: text })
/** Arguments of `remove`. */
export const removing = z.object({ accountId: text, authenticatorId: text })
/** Arguments of `reset`. */
export const resetting = z.object({
  accountId: text,
  options: strict({ enrollment: z.literal('ticket', '"ticket", or nothing').optional() }),
})
/** Arguments of `issueTicket`, where these factors can be enrolled, and these are unless others are named. */
export const ticketing = (enrollable: readonly string[], unlessNamed: readonly string[]) =>
  z.object({
    accountId: text,
    options: strict({
      factors: z
        .array(oneOf(enrollable), FACTORS)
        .min(1, FACTORS)
        .prefault([...unlessNamed]),
      ttlSeconds: z
        .int(TTL_SECONDS)
        .min(MIN_TICKET_SECONDS, TTL_SECONDS)
        .max(MAX_TICKET_SECONDS, TTL_SECONDS)
        .default(DEFAULT_TICKET_SECONDS),
    }),
  })

/** Arguments of `unlock`, where these factors are configured. */
export const unlocking = (ids: readonly string[]) => z.object({ accountId: text, factor: oneOf(ids).optional() })

/** @throws StepUpError `ERR_ACCOUNT`, always: for what the account, not the argument alone, makes impossible. */
export const refuse = (operation: string, what: string, value: unknown, allowed: string): never => {
  const message = `accounts.${operation}(): ${what}: found ${found(value, [])}; allowed: ${allowed}`
  throw new StepUpError('ERR_ACCOUNT', message)
}

/**
 * Checks the arguments of an operation, then that the host knows the account, and answers both.
 *
 * @throws StepUpError `ERR_CONFIG` for an argument that is not allowed, `ERR_ACCOUNT` for an unknown account.
 */
export const createEntrance =
  (account: (accountId: string) => Promise<Account | null | undefined>) =>
  async <Given extends { readonly accountId: string }>(
    operation: string,
    schema: z.ZodType<Given>,
    given: object,
  ): Promise<Given & { readonly account: Account }> => {
    const { data, error } = schema.safeParse(given)
    if (error !== undefined) throw configError(given, error, `accounts.${operation}(): `)
    const known = (await account(data.accountId)) ?? undefined
    return known === undefined
      ? refuse(operation, 'accountId', data.accountId, 'the id of an account that the host knows')
      : { ...data, account: known }
  }
