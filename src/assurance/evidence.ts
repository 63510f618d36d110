/** What a verification proved, by the three authentication factor types (NIST SP 800-63-4, "Authentication Factor"). */
export type Kind = 'knowledge' | 'possession' | 'inherence'

/** A property of a verification that a level can ask for (`traits`) or refuse (`without`). */
export type Trait =
  | 'phishing-resistant'
  | 'replay-resistant'
  | 'user-verified'
  | 'hardware'
  | 'out-of-band'
  | 'restricted'
  | 'recovery'
  | 'address'

/** What was really shown at one verification. */
export interface Proof {
  readonly kinds: readonly Kind[]
  readonly traits: readonly Trait[]
  /** Authentication Method Reference Values, RFC 8176 section 2; `mfa` is never listed here, it is derived. */
  readonly amr: readonly string[]
}

/** What an identity provider before ours said of a login (OpenID Connect Core 1.0 section 2). By itself it proves nothing. */
export interface Upstream {
  /** Its issuer identifier. */
  readonly issuer: string
  readonly acr?: string
  readonly amr?: readonly string[]
}

/** What a login proved, and what rules can ask of it beside. */
export interface LoginProof extends Proof {
  /** What the host calls this way to sign in: `federated`, `magic-link`. */
  readonly method?: string
  readonly upstream?: Upstream
}

/** A login page proves what people know, unless its host says more. */
export const PASSWORD: Proof = Object.freeze<Proof>({ kinds: ['knowledge'], traits: [], amr: ['pwd'] })

/** The factor name of the host's own login page in the ledger. */
export const LOGIN = 'login'

/** One authentication event in a session's ledger; `method` and `upstream` are a login's only. */
export interface Evidence extends LoginProof {
  /** A factor's id, or `login` for the host's own login page. */
  readonly factor: string
  /** The authenticator that was used, be it stored or implied; absent for a login by password. */
  readonly authenticatorId?: string
  /** When it was proved, in epoch seconds. */
  readonly at: number
  /** The authorization it was proved in: oidc-provider's chain id, the same over all prompts of one request. */
  readonly cid: string
  /** The account's `securityStamp` at that time. */
  readonly securityStamp?: string
  /**
   * Set where the event confirmed a new authenticator: `first` when the account had none, which counts as
   * evidence; `further` when it had, which counts in no decision of its own `cid`.
   */
  readonly enrolled?: 'first' | 'further'
}

/** What decides whether an event still stands. */
export interface Standing {
  /** Ids of the account's authenticators that are active now. */
  readonly activeAuthenticatorIds: ReadonlySet<string>
  readonly securityStamp: string | undefined
  /** Epoch seconds: what was proved before is void, since an operator took everything back then. */
  readonly revokedAt?: number | undefined
}

/**
 * The events that still stand: those whose authenticator is active and that were made under the account's
 * present security stamp, after the last revocation. All others are void.
 */
export const standing = (
  events: readonly Evidence[],
  { activeAuthenticatorIds, securityStamp, revokedAt = -Infinity }: Standing,
) =>
  events.filter(
    (event) =>
      event.at >= revokedAt &&
      event.securityStamp === securityStamp &&
      (event.authenticatorId === undefined || activeAuthenticatorIds.has(event.authenticatorId)),
  )
