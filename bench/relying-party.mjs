import assert from 'node:assert/strict'
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { send } from './browser.mjs'
import { MULTI_FACTOR, REDIRECT_URI, SINGLE_FACTOR, secretOfClient } from './registration.mjs'

const random = () => randomBytes(32).toString('base64url')
const AMR = { [SINGLE_FACTOR]: ['pwd'], [MULTI_FACTOR]: ['pwd', 'otp', 'mfa'] }

const verifiedClaims = (idToken, key) => {
  const [header, payload, signature] = idToken.split('.')
  const signed = Buffer.from(`${header}.${payload}`)
  const options = { key, dsaEncoding: 'ieee-p1363' }
  assert(
    verify('sha256', signed, options, Buffer.from(signature, 'base64url')),
    'the ID token is not signed by our key',
  )
  return JSON.parse(Buffer.from(payload, 'base64url'))
}

/** What is asked for with a code: PKCE and the client's secret by `client_secret_basic`. */
const tokenRequest = ({ clientId, verifier }, code) => {
  const credentials = Buffer.from(`${clientId}:${secretOfClient(clientId)}`).toString('base64')
  return {
    headers: { authorization: `Basic ${credentials}`, accept: 'application/json' },
    form: { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier },
  }
}

/**
 * A relying party that believes nothing: what it is sent is asserted down to the signed ID token.
 *
 * @param {{ issuer: string, agent: import('node:http').Agent, jwk: object }} world
 */
export const createRelyingParty = ({ issuer, agent, jwk: { kty, crv, x, y } }) => {
  const key = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' })
  return Object.freeze({
    /**
     * An authorization request with fresh state, nonce and PKCE.
     *
     * @param {string} clientId
     * @param {Record<string, string>} [parameters]
     */
    begin(clientId, parameters = {}) {
      const [verifier, state, nonce] = [random(), random(), random()]
      const url = new URL('/auth', issuer)
      url.search = new URLSearchParams({
        client_id: clientId,
        redirect_uri: REDIRECT_URI,
        response_type: 'code',
        scope: 'openid',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...parameters,
      })
      return { clientId, url, verifier, state, nonce }
    },
    /**
     * Redeems the code of an answer.
     *
     * @param {{ url: URL, status: number }} answer - Where the browser was sent
     * @param {{ sub: string, acr: string, amr?: string[] }} expected
     * @throws AssertionError where anything is other than expected
     */
    async redeem(request, answer, { sub, acr, amr = AMR[acr] }) {
      const { origin, pathname, searchParams } = answer.url
      assert.equal(`${origin}${pathname}`, REDIRECT_URI, `no answer, but ${answer.status} at ${answer.url}`)
      assert.equal(searchParams.get('state'), request.state)
      assert(searchParams.has('code'), `no code, but ${answer.url.search}`)
      const token = tokenRequest(request, searchParams.get('code'))
      const { status, body } = await send(agent, new URL('/token', issuer), token)
      assert.equal(status, 200, body)
      const { id_token: idToken, access_token: accessToken } = JSON.parse(body)
      const claims = verifiedClaims(idToken, key)
      assert.equal(typeof accessToken, 'string')
      assert.equal(typeof claims.auth_time, 'number')
      const { iss, aud, nonce } = claims
      assert.deepEqual(
        { iss, aud, nonce, sub: claims.sub, acr: claims.acr, amr: claims.amr },
        { iss: issuer, aud: request.clientId, nonce: request.nonce, sub, acr, amr },
      )
    },
  })
}
