import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { send } from './browser.mjs'
import { deviceIdOf } from './people.mjs'

/** One key pair for everybody: what a server checks costs the same, and no account waits for a key of its own. */
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** The public key as a server keeps it: a JWK with nothing in it but the key. */
export const DEVICE_KEY = (() => {
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  return { kty, crv, x, y }
})()

const LIFE_SECONDS = 60

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

const statementOf = (deviceId, issuer, claims) => {
  const now = Math.floor(Date.now() / 1000)
  const jti = randomBytes(16).toString('base64url')
  const header = encode({ alg: 'ES256', typ: 'push-device+jwt', kid: deviceId })
  const payload = encode({ iss: deviceId, aud: issuer, iat: now, exp: now + LIFE_SECONDS, jti, ...claims })
  const input = `${header}.${payload}`
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/**
 * An account's device: it asks what is open, and approves it with the number that was read off the page.
 *
 * @param {string} sub - The account
 * @param {{ issuer: string, agent: import('node:http').Agent }} world
 * @see docs/push-protocol.md
 */
export const createDevice = (sub, { issuer, agent }) => {
  const deviceId = deviceIdOf(sub)
  const url = new URL('/mfa/devices', issuer)
  const say = async (statement) => {
    const { status, body } = await send(agent, url, { headers: {}, json: { statement } })
    assert.equal(status, 200, body)
    return JSON.parse(body)
  }
  return Object.freeze({
    /** What it is asked. */
    async pending() {
      const { challenges } = await say(statementOf(deviceId, issuer, { act: 'pending' }))
      assert.equal(challenges.length, 1, 'the device is not asked')
      return challenges[0]
    },
    /** The signed approval, to be sent at any moment of the next minute. */
    approval: ({ reference, account, expiresAt }, number) =>
      statementOf(deviceId, issuer, { act: 'answer', decision: 'approve', reference, account, expiresAt, number }),
    /** Sends an approval. */
    async send(statement) {
      assert.deepEqual(await say(statement), { outcome: 'approved' })
    },
  })
}
