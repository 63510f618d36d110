import { z } from 'zod'
import { digest } from '../../crypto/digest.ts'
import type { Devices, Input, Statement, StatementFault } from '../factor.ts'
import { channelIn } from './channel.ts'
import type { PushSettings } from './options.ts'
import { lineOf, type PublicKey, type PushData } from './state.ts'
import { type Claims, claimsOf, type Expected, headerOf, keyIn, lastsUntil } from './statement.ts'

/** How a device may call itself, in characters. */
const MAX_NAME = 64
/** More than any account's label. */
const MAX_LABEL = 1024
/** One number more than fits would be wrong, and is counted as such; a text is none. */
const MAX_NUMBER = 16

/** The name of a device, on one line. */
export const deviceName = z
  .string()
  .refine((name) => [...name].length <= MAX_NAME)
  .transform((name) => lineOf(name, MAX_NAME))
  .refine((name) => name !== '')

const answer = z.object({
  act: z.literal('answer'),
  reference: z.string().regex(/^[A-Za-z0-9_-]{22,86}$/),
  account: z.string().max(MAX_LABEL),
  expiresAt: z.int().nonnegative(),
  decision: z.enum(['approve', 'deny', 'report']),
  number: z.string().max(MAX_NUMBER).optional(),
  // A word that nobody knows is no reason not to hear somebody out who says that it was not them.
  reason: z.enum(['unknown-request', 'unknown-place', 'other']).optional().catch('other'),
  userVerified: z.boolean().optional(),
})

const acts = z.discriminatedUnion('act', [
  z.object({ act: z.literal('pending') }),
  z.object({ act: z.literal('listen') }),
  answer,
  z.object({ act: z.literal('update'), channel: z.unknown().optional(), name: deviceName.optional() }),
  z.object({ act: z.literal('rotate'), proof: z.string() }),
  z.object({ act: z.literal('remove') }),
])

type Act<Name> = Extract<z.infer<typeof acts>, { act: Name }>

/** All that a ceremony gets is text. */
const inputOf = ({ act: _act, ...said }: Act<'answer'>): Input =>
  Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )

const once = (claims: Claims) => ({ id: digest(claims.iss, claims.jti), expiresAt: lastsUntil(claims) })

const without = ({ channel: _channel, ...data }: PushData): PushData => data

/** Nothing said leaves it as it is, null drops it. */
const movedTo = (settings: PushSettings, data: PushData, channel: unknown): PushData | undefined => {
  if (channel === undefined) return data
  if (channel === null) return without(data)
  const taken = channelIn(settings, channel)
  return taken && { ...data, channel: taken }
}

const update = (
  settings: PushSettings,
  data: PushData,
  { channel, name }: Act<'update'>,
  claims: Claims,
): Statement<PushData> | StatementFault => {
  const moved = movedTo(settings, data, channel)
  if (moved === undefined) return 'unsupported-channel'
  return name === undefined
    ? { act: 'change', ...once(claims), data: moved }
    : { act: 'change', ...once(claims), data: { ...moved, name }, nickname: name }
}

/** What the new key signs is the same statement but for the proof. */
const SAME = ['iat', 'exp', 'jti', 'act'] as const

/** The key that a statement hands over to, which has signed the same. */
const nextKey = async (proof: string, claims: Claims, expected: Expected): Promise<PublicKey | undefined> => {
  const header = headerOf(proof)
  const key = header && keyIn(header)
  if (key === undefined || header?.kid !== expected.deviceId) return undefined
  const said = await claimsOf(proof, key, expected)
  return typeof said !== 'string' && SAME.every((name) => said[name] === claims[name]) ? key : undefined
}

const rotate = async (
  data: PushData,
  { proof }: Act<'rotate'>,
  claims: Claims,
  expected: Expected,
): Promise<Statement<PushData> | StatementFault> => {
  const publicKey = await nextKey(proof, claims, expected)
  return publicKey === undefined ? 'invalid' : { act: 'change', ...once(claims), data: { ...data, publicKey } }
}

/** How devices speak for themselves. @see docs/push-protocol.md, "Statements" */
export const devicesOf = (settings: PushSettings): Devices<PushData> => ({
  about: Object.freeze({
    ...Object.assign({}, ...[...settings.senders.values()].map(({ about }) => about)),
    channels: [...settings.senders.keys()],
  }),
  webApp: settings.webAuthenticator,
  claimOf: (statement) => headerOf(statement)?.kid,
  async read(statement, { data }, { issuer, now }) {
    const header = headerOf(statement)
    // A key that counted here would be anybody's.
    if (header === undefined || header.jwk !== undefined || header.kid !== data.deviceId) return 'invalid'
    const expected = { deviceId: data.deviceId, issuer, now }
    const claims = await claimsOf(statement, data.publicKey, expected)
    if (typeof claims === 'string') return claims
    const { data: said } = acts.safeParse(claims)
    if (said === undefined) return 'invalid'
    switch (said.act) {
      case 'answer':
        return { act: 'answer', reference: said.reference, input: inputOf(said) }
      case 'update':
        return update(settings, data, said, claims)
      case 'rotate':
        return rotate(data, said, claims, expected)
      case 'remove':
        return { act: 'remove', ...once(claims) }
      default:
        return said
    }
  },
})
