import { type EmailOptions, email } from '../../src/factors/email.ts'
import { totp } from '../../src/factors/totp.ts'
import type { Account, StepUpOptions } from '../../src/index.ts'
import { smtp } from '../../src/senders/smtp.ts'
import { type HostOptions, startHost } from './host.ts'
import { type Mail, type SmtpSettings, startSmtp } from './smtp.ts'
import { until } from './until.ts'

export const EMAIL = 'Enter the code from your email'
export const ADDRESS = 'Set up an email address'
export const CONFIRM = 'Enter the code from the email'

/** bob has a verified address, carol one that nobody has verified, dave none, erin another verified one. */
const people = (): Map<string, Account> =>
  new Map<string, Account>(
    [
      { id: 'bob', label: 'bob@example.com', email: 'bob@example.com', emailVerified: true },
      { id: 'carol', label: 'carol@example.com', email: 'carol@example.com', emailVerified: false },
      { id: 'dave', label: 'dave@example.com' },
      { id: 'erin', label: 'erin@example.com', email: 'erin@example.com', emailVerified: true },
    ].map((account) => [account.id, account]),
  )

/** What a test may want to be otherwise. */
export interface Wishes {
  readonly smtp?: SmtpSettings
  readonly email?: Partial<EmailOptions>
  readonly stepUp?: Partial<StepUpOptions>
  readonly host?: HostOptions
  /** No authenticator app beside it. */
  readonly only?: boolean
}

/** A host whose mails go to a real SMTP server on loopback. */
export const openMailroom = async (wishes: Wishes = {}) => {
  const server = await startSmtp(wishes.smtp)
  const sender = smtp({ url: server.url, from: 'Example <no-reply@example.com>' })
  const factors = [...(wishes.only === true ? [] : [totp({ issuer: 'Test' })]), email({ sender, ...wishes.email })]
  const stop = async () => {
    sender.close()
    await server.close()
  }
  try {
    const host = await startHost({ accounts: people(), ...wishes.host, stepUp: { factors, ...wishes.stepUp } })
    return {
      host,
      server,
      /** The next mail to an address, taken out of the box; waits for it. */
      mail: (address: string): Promise<Mail> =>
        until(`a mail to ${address}`, () => {
          const index = server.mails.findIndex(({ to }) => to.includes(address))
          return index < 0 ? undefined : server.mails.splice(index, 1)[0]
        }),
      close: async () => {
        await host.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** An open mailroom. */
export type Mailroom = Awaited<ReturnType<typeof openMailroom>>
