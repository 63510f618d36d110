import { scrypt } from 'node:crypto'
import { createGate } from './gate.ts'

/*
 * RFC 7914 section 2. 16 MiB and about a twentieth of a second each; for random secrets, not for passwords, which
 * need many times that.
 */
const COST = { N: 2 ** 14, r: 8, p: 1, maxmem: 32 * 2 ** 20 } as const
const HASH_BYTES = 32

/*
 * Node.js has four threads for this, files and names; two hashes leave the others free and hold 32 MiB. Whoever
 * comes after fifty would wait for more than a second.
 */
const gate = createGate({ width: 2, waiting: 50 })

const hash = (secret: string, salt: string) =>
  new Promise<string>((resolve, reject) => {
    scrypt(secret, Buffer.from(salt, 'base64url'), HASH_BYTES, COST, (error, key) =>
      error ? reject(error) : resolve(key.toString('base64url')),
    )
  })

/**
 * A hash that is dear to compute, for random secrets that are too short for a fast one: scrypt with N = 2^14,
 * r = 8, p = 1, 32 bytes, in base64url. Two are computed at a time in this process; the others wait.
 *
 * @param secret - Well-formed text in one form: the same secret, the same text.
 * @param salt - At least 16 random bytes in base64url.
 * @see RFC 7914; NIST SP 800-63B-4 section 3.1.2.2 (Look-Up Secret Verifiers)
 */
export const slowHash = (secret: string, salt: string): Promise<string> => gate.run(() => hash(secret, salt))

/** Whether so many wait for {@link slowHash} that an attempt is better refused than queued. */
export const isHashingBusy = (): boolean => gate.isFull()
