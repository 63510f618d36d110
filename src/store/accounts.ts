/** An account's stored record with its version. */
export interface AccountEntry {
  /** Changes with every write and is never used again for that account. */
  readonly version: number
  /** Opaque sealed text; a host's database keeps it as it is. */
  readonly record: string
}

/**
 * Durable records: one per account, holding all its authenticators. A host can keep it in its own database.
 *
 * Losing these records means that people lose their authenticators. Every operation is atomic; one that
 * cannot be carried out rejects.
 */
export interface Accounts {
  /** The account's record; undefined where there is none yet. */
  load(accountId: string): Promise<AccountEntry | undefined>
  /** Writes if the present version is the expected one (`null`: no record yet); answers whether it did. */
  save(accountId: string, record: string, expectedVersion: number | null): Promise<boolean>
  /** Gives a globally unique key, such as a WebAuthn credential id, to one account; false if another has it. */
  claim(key: string, accountId: string): Promise<boolean>
  /** The account that holds the key. */
  owner(key: string): Promise<string | undefined>
  /** Gives a key up; one that nobody holds stays as it is. */
  release(key: string): Promise<void>
  /**
   * How many records are sealed with other keys than these, by key id: the eight characters between `v1.` and the
   * next dot of a record. It is asked at the start, which is refused where a key is still needed.
   *
   * Leave it out where it cannot be told; then nobody notices before a record cannot be opened.
   */
  countByOtherKeys?(keyIds: readonly string[]): Promise<ReadonlyMap<string, number>>
}

/** The id of the key that has sealed a record; undefined for a text that is no sealed record. */
export const sealingKeyOf = (record: string): string | undefined => /^v1\.([\w-]{8})\./.exec(record)?.[1]
