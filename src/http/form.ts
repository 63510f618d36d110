import { bodyParser } from '@koa/bodyparser'
import type { Context } from 'koa'
import { z } from 'zod'

/** A body that is not the small plain form our pages post. */
export interface UnreadableForm {
  readonly status: 400 | 413 | 415
}

const LIMIT = '16kb'
const FORM = 'application/x-www-form-urlencoded'

const JSON_TYPE = 'application/json'

const parsers = {
  [FORM]: bodyParser({ enableTypes: ['form'], formLimit: LIMIT, encoding: 'utf-8' }),
  [JSON_TYPE]: bodyParser({ enableTypes: ['json'], jsonLimit: LIMIT, encoding: 'utf-8' }),
} as const

/** Text fields only: an array, an object or a doubled field is not a form of ours. */
const fields = z.record(z.string(), z.string())

const statusOf = (error: unknown) => {
  const status = (error as { status?: unknown }).status
  return status === 413 || status === 415 ? status : 400
}

/**
 * The fields of a posted form, or the status that says why there are none. A body that a parser before us has
 * read already is taken from it; some leave an empty one where they have read nothing, so the stream decides.
 */
export const readForm = (ctx: Context): Promise<Readonly<Record<string, string>> | UnreadableForm> => read(ctx, FORM)

/** The members of a small JSON object whose values are texts. @see {@link readForm} */
export const readJson = (ctx: Context): Promise<Readonly<Record<string, string>> | UnreadableForm> =>
  read(ctx, JSON_TYPE)

const read = async (
  ctx: Context,
  type: keyof typeof parsers,
): Promise<Readonly<Record<string, string>> | UnreadableForm> => {
  if (!ctx.is(type)) return { status: 415 }
  const before = ctx.req.readable ? undefined : ((ctx.req as { body?: unknown }).body ?? ctx.request.body)
  if (before === undefined) {
    try {
      ctx.request.body = undefined
      await parsers[type](ctx, async () => undefined)
    } catch (error) {
      return { status: statusOf(error) }
    }
  }
  const { success, data } = fields.safeParse(before ?? ctx.request.body)
  return success ? Object.freeze({ ...data }) : { status: 400 }
}

/** Tells the two apart: no form of ours has a field named `status`, and no value in one is a number. */
export const isUnreadable = (form: Readonly<Record<string, string>> | UnreadableForm): form is UnreadableForm =>
  typeof form.status === 'number'
