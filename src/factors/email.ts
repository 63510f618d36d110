import type { Account } from '../account.ts'
import { digest } from '../crypto/digest.ts'
import { CODE_DIGITS, isCode, newCode, typedCode } from '../crypto/one-time-code.ts'
import { isSameAddress, MAX_ADDRESS_LENGTH, maskedAddress, plainAddress } from './email/address.ts'
import { checkedOptions } from './email/options.ts'
import type { Authenticator, Budget, CeremonyContext, Factor, Input, Message, Refusal, Sender, Step } from './factor.ts'

/** Settings of the email factor; all but `sender` have defaults. */
export interface EmailOptions {
  /** Carries the mails: `smtp()` of `oidc-step-up/senders/smtp`, or a function of your own. */
  readonly sender: Sender
  /**
   * Lets it be the only factor of a configuration, and the only one of an account. Default false: whoever can reset
   * the password by mail would need nothing else.
   */
  readonly alone?: boolean
  /** How long a code works, in seconds: 60 to 600. Default 300. */
  readonly codeSeconds?: number
  /** Lets people set up addresses beside the account's verified one. Default true. */
  readonly furtherAddresses?: boolean
  /** How many of those an account can have. Default 5. */
  readonly perAccount?: number
  /**
   * How many mails may go out; the list replaces the default: 5 in 10 minutes, 10 an hour and 20 a day to one
   * address; 10 an hour for one account; 100 an hour asked for from one IP address, which may be a whole office;
   * 3600 an hour in all.
   */
  readonly budgets?: readonly Budget[]
  /**
   * Pauses after which a mail that could not be handed over is tried again while its code works, in seconds. Default
   * 20 and 60: greylisting servers take it at the second or third time.
   */
  readonly retriesAfterSeconds?: readonly number[]
}

/** A code under way. */
export interface SentCode {
  /** The one address that it was made for. */
  readonly to: string
  readonly code: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** A ceremony under way. */
export interface EmailState {
  /** Absent at enrolment until there is an address. */
  readonly sent?: SentCode
  /** What was typed as an address and cannot be used as one. */
  readonly typed?: string
}

/** What is kept of an address. */
export interface EmailData {
  /** A plain address with its domain in ASCII. */
  readonly address: string
}

/** What the screens show. */
export interface EmailView {
  readonly digits: number
  /** Where the code goes: masked in a challenge, in full at enrolment. Absent where an address is yet to be typed. */
  readonly to?: string
  /** Other addresses that the code can go to, masked. */
  readonly others: readonly { readonly id: string; readonly name: string }[]
  /** What was typed as an address before. */
  readonly typed?: string
}

type Context = CeremonyContext<EmailData>
type EmailStep = Step<EmailState, EmailData>

/** Another address is another authenticator: what was proved by the one before does not stand on it. */
const impliedId = (address: string) => `implied:${digest(address.toLowerCase())}`

const isImplied = ({ id }: Authenticator) => id.startsWith('implied:')

const ENROLLMENT_SECONDS = 1800
const CHALLENGE_SECONDS = 900
const MAX_NAME_CHARACTERS = 60

const refused = (reason: Refusal) => ({ outcome: 'refused', reason }) as const

/** The account's own address, where the host has verified it and it is one that mail can safely go to. */
const impliedAddress = ({ email, emailVerified }: Account) =>
  emailVerified === true && email !== undefined ? plainAddress(email) : undefined

const implied = (account: Account): readonly Authenticator<EmailData>[] => {
  const address = impliedAddress(account)
  if (address === undefined) return []
  return [{ id: impliedId(address), factor: 'email', status: 'active', createdAt: 0, data: { address } }]
}

const hasAddress = ({ account, authenticators }: Context, address: string) =>
  [impliedAddress(account), ...authenticators.map(({ data }) => data.address)].some(
    (had) => had !== undefined && isSameAddress(had, address),
  )

const describe = ({ nickname, data }: Authenticator<EmailData>) => nickname ?? maskedAddress(data.address)

/** Names come from whoever registered the app: one short line, without characters that turn text around. */
const oneLine = (name: string) =>
  [...name.slice(0, 4 * MAX_NAME_CHARACTERS).replace(/[\s\p{C}]+/gu, ' ')].slice(0, MAX_NAME_CHARACTERS).join('').trim()

const challengeMail = ({ client, issuer, now }: Context, { to, code, expiresAt }: SentCode): Message => {
  const { host } = new URL(issuer)
  const app = oneLine(client?.name ?? '')
  const values = { code, host, app: app === '' ? host : app, seconds: String(expiresAt - now) }
  return { to, template: 'email/challenge', values, expiresAt }
}

/** It may go to a stranger, so it has not one word that the one who asks could have chosen. */
const enrollmentMail = ({ issuer, now }: Context, { to, code, expiresAt }: SentCode): Message => {
  const { host } = new URL(issuer)
  return {
    to,
    template: 'email/enroll',
    values: { code, host, app: host, seconds: String(expiresAt - now) },
    expiresAt,
  }
}

/**
 * The same code again while it works for long enough, so that whichever mail arrives first is the right one; else,
 * and for another address, a new one.
 */
const codeFor = (to: string, sent: SentCode | undefined, now: number, codeSeconds: number): SentCode =>
  sent !== undefined && isSameAddress(sent.to, to) && sent.expiresAt - now >= codeSeconds / 2
    ? sent
    : { to, code: newCode(), expiresAt: now + codeSeconds }

/** What is wrong with an answer; undefined where nothing is. */
const faultOf = ({ code, expiresAt }: SentCode, typed: string | undefined, now: number): Refusal | undefined => {
  if (!isCode(typedCode(typed), code)) return 'invalid'
  return now < expiresAt ? undefined : 'expired'
}

const enrollment = (codeSeconds: number) => {
  const send = (to: string, sent: SentCode | undefined, context: Context) => {
    const next = codeFor(to, sent, context.now, codeSeconds)
    return { outcome: 'continue', state: { sent: next }, message: enrollmentMail(context, next) } as const
  }

  const takeAddress = ({ address: typed = '' }: Input, context: Context): EmailStep => {
    const address = plainAddress(typed.trim())
    const asking = { typed: typed.slice(0, MAX_ADDRESS_LENGTH) }
    if (address !== undefined && !hasAddress(context, address))
      return { ...send(address, undefined, context), held: asking }
    const problem = address === undefined ? 'email.address.invalid' : 'email.address.known'
    return { outcome: 'continue', state: asking, problem }
  }

  return {
    ttlSeconds: ENROLLMENT_SECONDS,
    fields: ['address', 'code', 'resend', 'change'],
    begin: () => ({ outcome: 'continue', state: {} }),
    submit: ({ sent }, input, context) => {
      if (sent === undefined) return takeAddress(input, context)
      if (input.change === 'yes') return { outcome: 'continue', state: { typed: sent.to } }
      if (input.resend === 'yes') return send(sent.to, sent, context)
      const fault = faultOf(sent, input.code, context.now)
      if (fault !== undefined) return refused(fault)
      return hasAddress(context, sent.to)
        ? refused('used')
        : { outcome: 'accepted', change: { add: { address: sent.to } } }
    },
    view: ({ sent, typed }) => ({
      digits: CODE_DIGITS,
      others: [],
      ...(sent === undefined ? {} : { to: sent.to }),
      ...(typed === undefined ? {} : { typed }),
    }),
  } satisfies Factor<EmailState, EmailData, EmailView>['enroll']
}

/** The one used last; as long as none of the stored ones was, the account's own. */
const firstChoice = ({ authenticators }: Context) => {
  const used = authenticators.filter(({ lastUsedAt }) => lastUsedAt !== undefined)
  const [last] = used.sort((one, other) => (other.lastUsedAt ?? 0) - (one.lastUsedAt ?? 0))
  return last ?? authenticators.find(isImplied) ?? authenticators[0]
}

const withAddress = ({ authenticators }: Context, address: string) =>
  authenticators.find(({ data }) => isSameAddress(data.address, address))

const challenge = (codeSeconds: number) => {
  const send = (to: string, sent: SentCode | undefined, context: Context) => {
    const next = codeFor(to, sent, context.now, codeSeconds)
    return { outcome: 'continue', state: { sent: next }, message: challengeMail(context, next) } as const
  }

  const judge = (sent: SentCode, { code }: Input, context: Context): EmailStep => {
    const fault = faultOf(sent, code, context.now)
    if (fault !== undefined) return refused(fault)
    // Gone since the mail was sent: removed by its owner, or changed at the host.
    const authenticator = withAddress(context, sent.to)
    if (authenticator === undefined) return refused('not-enrolled')
    return { outcome: 'accepted', authenticatorId: authenticator.id }
  }

  return {
    ttlSeconds: CHALLENGE_SECONDS,
    fields: ['code', 'resend', 'to'],
    begin: (context: Context) => {
      const chosen = firstChoice(context)
      return chosen === undefined ? refused('not-enrolled') : send(chosen.data.address, undefined, context)
    },
    submit: ({ sent }, input, context) => {
      if (sent === undefined) return refused('not-enrolled')
      const { to = '', resend } = input
      const chosen = to === '' ? withAddress(context, sent.to) : context.authenticators.find(({ id }) => id === to)
      if (to === '' && resend !== 'yes') return judge(sent, input, context)
      return chosen === undefined ? refused('not-enrolled') : send(chosen.data.address, sent, context)
    },
    view: ({ sent }, context) => ({
      digits: CODE_DIGITS,
      ...(sent === undefined ? {} : { to: maskedAddress(sent.to) }),
      others: context.authenticators
        .filter(({ data }) => sent === undefined || !isSameAddress(data.address, sent.to))
        .map((one) => ({ id: one.id, name: describe(one) })),
    }),
  } satisfies Factor<EmailState, EmailData, EmailView>['challenge']
}

/**
 * Six-digit codes by mail, to the account's verified address without any set-up, and to further addresses that
 * people set up. A code works once, in the ceremony it was made for, at most ten minutes.
 *
 * Proves possession of a mailbox, replay-resistant, with the trait `address`, so that levels can ask for more: NIST
 * SP 800-63B-4 section 3.1.3 rules email out for out-of-band authentication, and aal2 is never met by it. `amr` is
 * `email`, a value of our own: RFC 8176 section 2 has none, and `otp` or `mca` would claim what is not there.
 *
 * Refused are another code (`invalid`), one that is too old (`expired`), one for an address that the account no
 * longer has (`not-enrolled`) or already has (`used`). An address that is none, or is set up already, is no refusal:
 * the page says so. Mails hold no link, and the host they name is the issuer's.
 *
 * @throws StepUpError `ERR_CONFIG` where an option is of another kind or out of its bounds.
 * @see RFC 5321; NIST SP 800-63B-4; OWASP ASVS 5.0 section 6.6.
 */
export const email = (options: EmailOptions): Factor<EmailState, EmailData, EmailView> => {
  const { sender, alone, codeSeconds, furtherAddresses, perAccount, budgets, retriesAfterSeconds } =
    checkedOptions(options)
  return Object.freeze({
    id: 'email',
    kinds: ['possession'],
    traits: ['replay-resistant', 'address'],
    amr: ['email'],
    standsAlone: alone,
    perAccount,
    sender,
    budgets,
    retriesAfterSeconds,
    implied,
    describe,
    ...(furtherAddresses ? { enroll: enrollment(codeSeconds) } : {}),
    challenge: challenge(codeSeconds),
  } satisfies Factor<EmailState, EmailData, EmailView>)
}
