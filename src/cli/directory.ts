import type { Clock } from '../clock.ts'
import { createGate } from '../crypto/gate.ts'
import { type AccountSource, foldUsername, type ListedAccount, type Person } from './config.ts'
import { createGuesses, type Guesses } from './guesses.ts'
import { hashPassword, type PasswordHash, unknownPassword, verifyPassword } from './password.ts'

/** What a user name and a password came to. */
export type SignIn =
  | { readonly outcome: 'accepted'; readonly accountId: string; readonly securityStamp?: string }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'throttled'; readonly waitSeconds: number }
  /** Too many sign-ins at this moment. */
  | { readonly outcome: 'busy' }

/** Who has an account here. */
export interface Directory {
  signIn(username: string, password: string): Promise<SignIn>
  find(accountId: string): Promise<Person | undefined>
  /** The `accountId` of whom a client's `login_hint` means. */
  identify(loginHint: string): Promise<string | undefined>
}

// A few at once keep the thread pool free for signatures; a queue of more than this would outlive people's patience.
const HASHES = { width: 2, waiting: 64 }

const listed = async (accounts: readonly ListedAccount[]): Promise<AccountSource> => {
  const gate = createGate(HASHES)
  const people = new Map<string, Person>()
  const passwords = new Map<string, { id: string; hash: PasswordHash }>()
  await Promise.all(
    accounts.map(async ({ username, password, ...account }) => {
      people.set(account.id, Object.freeze({ ...account, label: username }))
      const hash = await gate.run(() => hashPassword(password))
      passwords.set(foldUsername(username), { id: account.id, hash })
    }),
  )
  // An unknown user name costs the same work as a known one, so that time does not tell them apart.
  const nobody = unknownPassword()
  return {
    async authenticate(username, password) {
      const known = passwords.get(foldUsername(username))
      const right = await verifyPassword(password, known?.hash ?? nobody)
      return known && right ? known.id : undefined
    },
    find: (accountId) => people.get(accountId),
    identify: (loginHint) => passwords.get(foldUsername(loginHint))?.id,
  }
}

/**
 * Opens a list of accounts or a host's own database; hashes the passwords of a list.
 *
 * @param guesses - Default: counted in this process.
 */
export const openDirectory = async (
  accounts: readonly ListedAccount[] | AccountSource,
  clock: Clock,
  guesses: Guesses = createGuesses({ clock }),
): Promise<Directory> => {
  const source = 'authenticate' in accounts ? accounts : await listed(accounts)
  const gate = createGate(HASHES)

  return Object.freeze({
    async signIn(username: string, password: string): Promise<SignIn> {
      if (gate.isFull()) return { outcome: 'busy' }
      const name = foldUsername(username)
      // Counted only when its turn has come: a guess that is turned away leaves no trace, so that a flood of
      // made-up names pushes nobody's count out.
      const answer = await gate.run(async () => {
        const waitSeconds = await guesses.reserve(name)
        if (waitSeconds > 0) return { waitSeconds }
        try {
          return { accountId: await source.authenticate(username.trim(), password) }
        } catch (error) {
          await guesses.release(name)
          throw error
        }
      })
      if ('waitSeconds' in answer) return { outcome: 'throttled', waitSeconds: answer.waitSeconds }
      const account = answer.accountId === undefined ? undefined : await source.find(answer.accountId)
      if (!account || account.disabled) return { outcome: 'refused' }
      await guesses.succeeded(name)
      const { id: accountId, securityStamp } = account
      return { outcome: 'accepted', accountId, ...(securityStamp === undefined ? {} : { securityStamp }) }
    },
    find: async (accountId: string) => source.find(accountId),
    identify: async (loginHint: string) => (source.identify ? source.identify(loginHint) : loginHint),
  })
}
