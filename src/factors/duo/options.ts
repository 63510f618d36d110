import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { Account } from '../../account.ts'
import { StepUpError } from '../../errors.ts'

/** Your application in Duo's Admin Panel, of the type Web SDK, and who of yours is who there. */
export interface DuoOptions {
  /** The client ID: 20 characters. */
  readonly clientId: string
  /** The client secret: 40 characters. It signs what goes to Duo and proves what comes back, so it is to be kept. */
  readonly clientSecret: string
  /** The API hostname, such as `api-1a2b3c4d.duosecurity.com`. */
  readonly apiHost: string
  /**
   * The user name that Duo knows the account by; without one the account has no Duo. It has to be one that its owner
   * cannot choose freely: whoever can take another's name is asked to be that other. Default: the account's `label`.
   */
  readonly username?: (account: Account) => string | undefined
  /**
   * Remembers the browser for 30 days after each confirmation, unasked, where the policy lets browsers be remembered at
   * all. Default true.
   */
  readonly allowRememberBrowser?: boolean
  /** How long Duo may take for one answer, in seconds: up to 4. Default 3. */
  readonly timeoutSeconds?: number
  /** Certificates in PEM that Duo's has to lead to, in place of those that Node.js trusts: for proxies and tests. */
  readonly ca?: string
}

/** The options, checked and complete. */
export interface DuoSettings {
  readonly clientId: string
  readonly clientSecret: string
  readonly apiHost: string
  readonly username: (account: Account) => string | undefined
  readonly allowRememberBrowser: boolean
  readonly timeoutSeconds: number
  readonly ca: string | undefined
}

const CLIENT_ID = "the application's client ID, 20 characters"
const CLIENT_SECRET = "the application's client secret, 40 characters"
const API_HOST = 'a host name such as api-1a2b3c4d.duosecurity.com, without scheme and path'
const TIMEOUT = 'a number of seconds, more than 0 and up to 4'
const CERTIFICATES = 'certificates in PEM'

const isCertificate = (pem: string) => {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

const shape = {
  clientId: z.string(CLIENT_ID).regex(/^[\x21-\x7e]{20}$/, CLIENT_ID),
  clientSecret: z.string(CLIENT_SECRET).regex(/^[\x21-\x7e]{40}$/, CLIENT_SECRET),
  apiHost: z.string(API_HOST).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$/, API_HOST),
  username: z
    .custom<DuoSettings['username']>((value) => typeof value === 'function', 'a function')
    .default(
      () =>
        ({ label }: Account) =>
          label,
    ),
  allowRememberBrowser: z.boolean('true or false').default(true),
  timeoutSeconds: z.number(TIMEOUT).positive(TIMEOUT).max(4, TIMEOUT).default(3),
  ca: z.string(CERTIFICATES).refine(isCertificate, CERTIFICATES).optional(),
}

const options = z.strictObject(shape, {
  error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(shape).join(', ')}` : 'an object'),
})

/**
 * Checks the options and fills in what they leave out.
 *
 * @throws StepUpError `ERR_CONFIG` that names the setting and what it can be, never what it is.
 */
export const settingsOf = (given: DuoOptions): DuoSettings => {
  const { data, error } = options.safeParse(given)
  if (data === undefined) {
    const { path = [], message = '' } = error.issues[0] ?? {}
    throw new StepUpError('ERR_CONFIG', `duo({ ${path.join('.')} }): must be ${message}`)
  }
  return Object.freeze({ ...data, ca: data.ca })
}
