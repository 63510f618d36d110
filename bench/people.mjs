import { createHash } from 'node:crypto'
import { NodeCryptoPlugin } from '@otplib/plugin-crypto-node'
import { generateSync } from 'otplib'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * The accounts of a run: `u0`, `u1` and so on. Server and load generator both derive an account's secret from its
 * id, so that none has to be carried between them.
 *
 * @param {number} index
 */
export const accountId = (index) => `u${index}`

/**
 * The secret of an account's authenticator app, 160 bits in Base32.
 *
 * @param {string} id
 */
export const secretOf = (id) =>
  [...createHash('sha256').update(`bench ${id}`).digest()].map((byte) => BASE32[byte % 32]).join('')

/**
 * Where an account gets its mail.
 *
 * @param {string} id
 */
export const addressOf = (id) => `${id}@example.com`

/**
 * The id of an account's device, of the form of a key's thumbprint.
 *
 * @param {string} id
 */
export const deviceIdOf = (id) => createHash('sha256').update(`device of ${id}`).digest('base64url')

/**
 * The id of an account's security key, in base64url.
 *
 * @param {string} id
 */
export const credentialIdOf = (id) => createHash('sha256').update(`key of ${id}`).digest('base64url')

const PERIOD_SECONDS = 30
const crypto = new NodeCryptoPlugin()

/**
 * Deals out people one after the other. A code works once, so a person comes around again only in a later step
 * of thirty seconds.
 *
 * @param {number} count - How many have an account
 */
export const createPeople = (count) => {
  const lastSteps = new Map()
  let index = 0
  return Object.freeze({
    next() {
      const id = accountId(index % count)
      index += 1
      return id
    },
    /**
     * The code that this person's app shows.
     *
     * @param {string} id
     * @throws Error where the person used the code of this step already
     */
    code(id) {
      const epoch = Math.floor(Date.now() / 1000)
      const step = Math.floor(epoch / PERIOD_SECONDS)
      if (lastSteps.get(id) === step) throw new Error(`${count} people are too few: ${id} has no fresh code yet`)
      lastSteps.set(id, step)
      return generateSync({ secret: secretOf(id), epoch, crypto })
    },
  })
}
