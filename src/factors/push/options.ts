import { z } from 'zod'
import { StepUpError } from '../../errors.ts'
import type { Budget } from '../factor.ts'
import type { PushChannel } from './state.ts'

/** One push, for one device. */
export interface PushMessage {
  /** As `parse` has answered it. */
  readonly channel: unknown
  /** The name of the challenge: all that the push says beside the text. */
  readonly reference: string
  /** A sentence that says nothing of anybody, in the language of whoever asked. */
  readonly text: string
  /** Epoch seconds: of no use from then on. */
  readonly expiresAt: number
}

/** Carries pushes of one service. */
export interface PushSender {
  /** The `service` of its channels, as docs/push-protocol.md names them: `web-push`, `fcm`, `apns`. */
  readonly service: string
  /** What an app needs to know to make a channel, such as `{ vapidPublicKey }`: JSON, the same for everybody. */
  readonly about?: Readonly<Record<string, unknown>>
  /**
   * The channel that a device names, as it is to be kept: JSON. Undefined for what is none, or leads to a host that
   * nothing is sent to. What it has returned it takes again: it is asked before every push.
   */
  parse(channel: unknown): PushChannel | undefined
  /**
   * Hands one push over.
   *
   * @throws StepUpError `ERR_ADDRESS` where the channel is dead for good; anything else where the service failed.
   */
  send(message: PushMessage): Promise<void>
}

/** How devices are reached, and what their answers are worth. */
export interface PushOptions {
  /** Carriers of pushes, one for each service. Default none: then apps find what they are asked while they are open. */
  readonly senders?: readonly PushSender[]
  /** Digits of the number that is typed on the device: 2 to 6. Default 2. */
  readonly digits?: number
  /** How long a challenge can be answered, in seconds: 30 to 300. Default 120. */
  readonly lifeSeconds?: number
  /** Where an IP address is, in words such as `Berlin, Germany`; undefined where unknown. It has one second. */
  readonly locate?: (address: string) => string | undefined | Promise<string | undefined>
  /**
   * `trusted`: an answer that says that the device made sure of its user counts as two kinds of proof. Only for apps
   * of your own: nothing but their word says so. Default `ignored`.
   */
  readonly userVerification?: 'ignored' | 'trusted'
  /** Whether the web authenticator is served at `<mount path>/authenticator`. Default true. */
  readonly webAuthenticator?: boolean
  /** How many devices an account can have: 1 to 10. Default 5. */
  readonly perAccount?: number
  /** How many pushes may go out. Default: 3 in ten minutes for an account, 60 an hour for an IP address, 20,000 an hour in all. */
  readonly budgets?: readonly Budget[]
}

/** The options, checked and complete. */
export interface PushSettings {
  readonly senders: ReadonlyMap<string, PushSender>
  readonly digits: number
  readonly lifeSeconds: number
  readonly locate: PushOptions['locate']
  readonly trustsUserVerification: boolean
  readonly webAuthenticator: boolean
  readonly perAccount: number
  readonly budgets: readonly Budget[]
}

const MINUTE = 60
const HOUR = 3600

const BUDGETS: readonly Budget[] = Object.freeze([
  // Whoever has a password must not be able to tire its owner out.
  { per: 'account', messages: 3, windowSeconds: 10 * MINUTE },
  // An office behind one address; whoever tries many accounts from one is stopped there.
  { per: 'address', messages: 60, windowSeconds: HOUR },
  // What an attack from many addresses can send in an hour; a large service sets its own.
  { per: 'total', messages: 20_000, windowSeconds: HOUR },
])

const SERVICE = 'a name in small letters, such as web-push'

const between = (least: number, most: number) => {
  const allowed = `a whole number from ${least} to ${most}`
  return z.int(allowed).min(least, allowed).max(most, allowed)
}

const aFunction = z.custom((value) => typeof value === 'function', 'a function')

const sender = z.looseObject(
  {
    service: z.string(SERVICE).regex(/^[a-z][a-z0-9-]{0,31}$/, SERVICE),
    about: z.record(z.string(), z.unknown(), 'an object').optional(),
    parse: aFunction,
    send: aFunction,
  },
  'an object with service, parse and send',
)

const budget = z.object(
  {
    per: z.enum(
      ['target', 'block', 'address', 'account', 'total'],
      "'target', 'block', 'address', 'account' or 'total'",
    ),
    messages: between(1, Number.MAX_SAFE_INTEGER),
    windowSeconds: between(1, Number.MAX_SAFE_INTEGER),
  },
  'an object with per, messages and windowSeconds',
)

const shape = {
  senders: z
    .array(sender, 'a list of senders')
    .superRefine((senders, context) => {
      const twice = senders.findIndex(
        ({ service }, index) => senders.findIndex((one) => one.service === service) < index,
      )
      if (twice >= 0)
        context.addIssue({ code: 'custom', path: [twice, 'service'], message: 'one sender for each service' })
    })
    .default([]),
  digits: between(2, 6).default(2),
  lifeSeconds: between(30, 300).default(120),
  locate: aFunction.optional(),
  userVerification: z.enum(['ignored', 'trusted'], "'ignored' or 'trusted'").default('ignored'),
  webAuthenticator: z.boolean('true or false').default(true),
  perAccount: between(1, 10).default(5),
  budgets: z
    .array(budget, 'a list of budgets')
    .min(1, 'at least one budget')
    .default([...BUDGETS]),
}

const options = z.strictObject(shape, {
  error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(shape).join(', ')}` : 'an object'),
})

/**
 * Checks the options and fills in what they leave out.
 *
 * @throws StepUpError `ERR_CONFIG` that names the setting and what it can be.
 */
export const settingsOf = (given: PushOptions): PushSettings => {
  const { data, error } = options.safeParse(given)
  if (data === undefined) {
    const { path = [], message = '' } = error.issues[0] ?? {}
    throw new StepUpError('ERR_CONFIG', `push({ ${path.join('.')} }): must be ${message}`)
  }
  const { digits, lifeSeconds, userVerification, webAuthenticator, perAccount, budgets } = data
  return Object.freeze({
    // The host's own objects: a copy would lose what a method of theirs stands on.
    senders: new Map((given.senders ?? []).map((one) => [one.service, one])),
    digits,
    lifeSeconds,
    locate: given.locate,
    trustsUserVerification: userVerification === 'trusted',
    webAuthenticator,
    perAccount,
    budgets,
  })
}
