const PLAIN = /^[\w.@-]+$/

/**
 * A part of a key, such that two different texts never give the same one and none can end it early or reach into
 * the hash tag. Most identifiers stay as they are.
 */
export const encodePart = (text: string): string =>
  // `JSON.stringify` keeps lone surrogates apart, which UTF-8 does not.
  PLAIN.test(text) ? text : `~${Buffer.from(JSON.stringify(text)).toString('base64url')}`

/** Reverses {@link encodePart}. */
export const decodePart = (part: string): string =>
  part.startsWith('~') ? JSON.parse(Buffer.from(part.slice(1), 'base64url').toString()) : part

/** Names of keys. What belongs to one account stands in one hash slot (Redis Cluster specification, "Hash tags"). */
export const createNames = (prefix: string) => {
  const start = encodePart(prefix)
  return Object.freeze({
    /** `prefix:kind:{account}:id` */
    record: (kind: string, accountId: string, id: string) =>
      `${start}:${encodePart(kind)}:{${encodePart(accountId)}}:${encodePart(id)}`,
    /** The ids of an account's records of one kind. */
    index: (kind: string, accountId: string) => `${start}:ids:${encodePart(kind)}:{${encodePart(accountId)}}`,
    account: (accountId: string) => `${start}:account:{${encodePart(accountId)}}`,
    /** Every account's record, for `SCAN`. */
    everyAccount: `${start}:account:{*}`,
    claim: (key: string) => `${start}:claim:${encodePart(key)}`,
    /** The ids of all sealing keys that an account's record was ever sealed with. */
    sealingKeys: `${start}:sealing-keys`,
    /** Rows of oidc-provider's models and their indexes. */
    row: (model: string, id: string) => `${start}:${model}:${encodePart(id)}`,
  })
}

/** @see {@link createNames} */
export type Names = ReturnType<typeof createNames>
