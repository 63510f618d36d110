/**
 * The host's user, as the host describes it at every decision.
 *
 * `securityStamp` is any text that the host changes when the password is changed, the account is locked or
 * reset; all that a session has proved under an older stamp is void.
 */
export interface Account {
  /** The `accountId` that oidc-provider knows. */
  readonly id: string
  /** What the user calls this account: a user name or an email address. Shown on every screen. */
  readonly label: string
  readonly email?: string
  readonly emailVerified?: boolean
  /** In E.164 form. */
  readonly phone?: string
  /** Groups accounts, for instance by customer organization. */
  readonly tenant?: string
  readonly securityStamp?: string
  /** A disabled account passes no authorization. */
  readonly disabled?: boolean
  readonly metadata?: Readonly<Record<string, unknown>>
}
