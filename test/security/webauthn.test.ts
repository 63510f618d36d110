import assert from 'node:assert/strict'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import fc from 'fast-check'
import type { Step } from '../../src/factors/factor.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { answerWith, at, enrolled, enrollWith, ISSUER, NAME } from '../factors/webauthn-support.ts'
import { type Manner, softAuthenticator } from '../support/soft-authenticator.ts'

const factor = webauthn({ relyingPartyName: NAME })
const INVALID = { outcome: 'refused', reason: 'invalid' }

const flipped = (bytes: Buffer) => {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
  return copy
}

/** Lies that no answer may tell, at enrolment or later. */
const LIES: readonly (readonly [string, string, Partial<Manner>])[] = [
  ['AC-61', 'of another question', { challenge: 'A'.repeat(43) }],
  ['AC-61', 'of a question without one', { challenge: '' }],
  ['AC-62', 'of another origin', { origin: 'https://evil.example' }],
  ['AC-62', 'of an origin below', { origin: 'https://x.login.example.com' }],
  ['AC-62', 'of an origin above', { origin: 'https://example.com' }],
  ['AC-62', 'of another port', { origin: `${ISSUER}:8443` }],
  ['AC-62', 'without TLS', { origin: 'http://login.example.com' }],
  ['AC-62', 'of an origin that only begins alike', { origin: `${ISSUER}.evil.example` }],
  ['AC-62', 'of another domain', { rpId: 'evil.example' }],
  ['AC-62', 'of a domain above', { rpId: 'example.com' }],
  ['AC-62', 'from inside a frame of another site', { crossOrigin: true }],
  ['AC-62', 'from inside a frame that is named', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  ['AC-62', 'with a page around it', { topOrigin: 'https://evil.example' }],
  ['AC-64', 'without the presence of a user', { up: false }],
  ['AC-66', 'of a copy of what cannot be copied', { be: false, bs: true }],
]

describe('security: WebAuthn', () => {
  for (const [id, what, lies] of LIES)
    it(`${id}: refuses an answer ${what}`, async () => {
      const soft = softAuthenticator({ origin: ISSUER })
      const key = await enrolled(factor, soft)
      assert.deepEqual(await answerWith(factor, soft, [key], lies), INVALID)
      assert.equal((await answerWith(factor, soft, [key])).outcome, 'accepted')
    })

  for (const [id, what, lies] of LIES)
    it(`${id}: refuses a new key ${what}`, async () => {
      assert.deepEqual((await enrollWith(factor, softAuthenticator({ origin: ISSUER }), lies)).step, INVALID)
    })

  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
    it(`AC-60: refuses an answer whose ${algorithm} signature is not the key's`, async () => {
      const soft = softAuthenticator({ origin: ISSUER, algorithm })
      const key = await enrolled(factor, soft)
      assert.deepEqual(await answerWith(factor, soft, [key], { forge: flipped }), INVALID)
      assert.deepEqual(await answerWith(factor, soft, [key], { forge: () => Buffer.alloc(64) }), INVALID)
    })

    it(`AC-60: refuses a new key whose ${algorithm} attestation is not its own`, async () => {
      const soft = softAuthenticator({ origin: ISSUER, algorithm, attestation: 'self' })
      assert.deepEqual((await enrollWith(factor, soft, { forge: flipped })).step, INVALID)
    })
  }

  it('AC-61: takes no answer for a new key, and no new key for an answer', async () => {
    const soft = softAuthenticator({ origin: ISSUER })
    const key = await enrolled(factor, soft)
    assert.deepEqual(await answerWith(factor, soft, [key], { type: 'webauthn.create' }), INVALID)
    assert.deepEqual((await enrollWith(factor, soft, { type: 'webauthn.get' })).step, INVALID)
    const { response } = await enrollWith(factor, soft)
    assert.deepEqual(await answerWith(factor, soft, [key], {}, () => response), INVALID)
  })

  it('AC-62: takes the origins that are allowed beside its own, and none like them', async () => {
    const further = webauthn({ relyingPartyName: NAME, origins: ['https://login.example.org'] })
    const soft = softAuthenticator({ origin: ISSUER })
    const key = await enrolled(further, soft)
    const outcomes = ['https://login.example.org', ISSUER, 'https://login.example.org:8443', 'https://example.org'].map(
      async (origin) => (await answerWith(further, soft, [key], { origin })).outcome,
    )
    assert.deepEqual(await Promise.all(outcomes), ['accepted', 'accepted', 'refused', 'refused'])
  })

  it('AC-62: binds keys to the domain that is set, and to no other', async () => {
    const above = webauthn({ relyingPartyName: NAME, relyingPartyId: 'example.com' })
    const soft = softAuthenticator({ origin: ISSUER })
    const key = await enrolled(above, soft)
    assert.equal((await answerWith(above, soft, [key])).outcome, 'accepted')
    assert.deepEqual(await answerWith(above, soft, [key], { rpId: 'login.example.com' }), INVALID)
  })

  it('AC-63: refuses the key of another account, even under the name of one of this', async () => {
    const [bob, eve] = [softAuthenticator({ origin: ISSUER }), softAuthenticator({ origin: ISSUER })]
    const [own, other] = [await enrolled(factor, bob, 'own'), await enrolled(factor, eve, 'other')]
    assert.equal((await answerWith(factor, eve, [other])).outcome, 'accepted')
    assert.deepEqual(await answerWith(factor, eve, [own]), INVALID)
    assert.deepEqual(await answerWith(factor, eve, [own], { id: own.data.credentialId }), INVALID)
  })

  it('AC-63: refuses an answer that names another account', async () => {
    const soft = softAuthenticator({ origin: ISSUER })
    const key = await enrolled(factor, soft)
    assert.deepEqual(await answerWith(factor, soft, [key], { userHandle: 'A'.repeat(43) }), INVALID)
    assert.equal((await answerWith(factor, soft, [key], { userHandle: key.data.userHandle })).outcome, 'accepted')
  })

  const signIns: readonly (readonly [string, Partial<Manner>, string])[] = [
    ['names its account', {}, 'accepted'],
    ['names no account', { userHandle: null }, 'refused'],
    ['names another account', { userHandle: 'A'.repeat(43) }, 'refused'],
    ['has not verified its user', { uv: false }, 'refused'],
    ['is of another origin', { origin: 'https://evil.example' }, 'refused'],
    ['is under the name of another key', { id: 'AAAA' }, 'refused'],
  ]
  for (const [what, lies, outcome] of signIns)
    it(`AC-63: a sign-in by a key alone that ${what} is ${outcome}`, async () => {
      const context = { origin: ISSUER, issuer: ISSUER, now: 0 }
      const soft = softAuthenticator({ origin: ISSUER })
      const key = await enrolled(factor, soft)
      const { state, view } = await factor.identify.begin(context)
      const answer = JSON.stringify(soft.get(view.options as PublicKeyCredentialRequestOptionsJSON, lies))
      assert.equal((await factor.identify.submit(state, answer, key, context)).outcome, outcome)
    })

  const counts: readonly (readonly [number, number, string])[] = [
    [0, 0, 'accepted'],
    [0, 1, 'accepted'],
    [5, 6, 'accepted'],
    [5, 5_000_000, 'accepted'],
    [5, 5, 'suspect'],
    [5, 4, 'suspect'],
    [5, 0, 'suspect'],
    [1, 0, 'suspect'],
  ]
  for (const [before, counter, expected] of counts)
    it(`AC-65: an answer that counts ${counter} after ${before} is ${expected}`, async () => {
      const soft = softAuthenticator({ origin: ISSUER })
      const key = await enrolled(factor, soft)
      const counted = { ...key, data: { ...key.data, counter: before } }
      const step = await answerWith(factor, soft, [counted], { counter })
      if (expected === 'accepted') assert.equal(step.outcome, 'accepted')
      else assert.deepEqual(step, { outcome: 'refused', reason: 'suspect', suspectId: 'key' })
    })

  it('AC-65: nobody makes a key suspect without that key', async () => {
    const soft = softAuthenticator({ origin: ISSUER })
    const key = await enrolled(factor, soft)
    assert.deepEqual(await answerWith(factor, soft, [key], { counter: 0, forge: flipped }), INVALID)
  })

  it('AC-66: refuses a new key of an algorithm that was not asked for', async () => {
    const soft = softAuthenticator({ origin: ISSUER, algorithm: 'ES384' })
    assert.deepEqual((await enrollWith(factor, soft)).step, INVALID)
  })

  it('AC-66: refuses an answer that says the key can be copied, or no longer can', async () => {
    for (const be of [true, false]) {
      const soft = softAuthenticator({ origin: ISSUER, be })
      const key = await enrolled(factor, soft)
      assert.deepEqual(await answerWith(factor, soft, [key], { be: !be }), INVALID)
    }
  })

  it('AC-67: gives a key one name, for whichever account, and however its id is written', async () => {
    const soft = softAuthenticator({ origin: ISSUER, id: 'AAAA' })
    const claims = [await enrollWith(factor, soft), await enrollWith(factor, soft)].map(({ step }) =>
      step.outcome === 'accepted' && step.change !== undefined && 'claim' in step.change ? step.change.claim : '',
    )
    assert.equal(claims[0], claims[1])
    const answer = soft.get({ challenge: 'x' }, {})
    // The last character of these has bits that stand for nothing.
    const [one, two] = ['AQ', 'AR'].map((id) => factor.identify.claimOf(JSON.stringify({ ...answer, id, rawId: id })))
    assert.ok(one !== undefined && one !== claims[0])
    assert.equal(one, two)
  })

  describe('AC-94: garbage', () => {
    const soft = softAuthenticator({ origin: ISSUER })
    let answer = ''
    let made = ''
    let enroll: (response: string) => Promise<Step>
    let challenge: (response: string) => Promise<Step>
    before(async () => {
      const key = await enrolled(factor, soft)
      const begun = await factor.challenge.begin(at([key]))
      const fresh = await factor.enroll.begin(at())
      assert.ok(begun.outcome === 'continue' && fresh?.outcome === 'continue')
      const view = await factor.enroll.view(fresh.state, at())
      // With an attestation of its own, all of it is signed.
      made = JSON.stringify(
        soft.create(view?.options as PublicKeyCredentialCreationOptionsJSON, { attestation: 'self' }),
      )
      answer = JSON.stringify(
        soft.get({ challenge: begun.state.challenge, rpId: 'login.example.com' }, {}, soft.keys[0]),
      )
      enroll = async (response) => (await factor.enroll.submit(fresh.state, { response }, at())) ?? assert.fail()
      challenge = async (response) => factor.challenge.submit(begun.state, { response }, at([key]))
    })

    const refuses = async (response: string) => {
      assert.deepEqual(await challenge(response), INVALID)
      assert.deepEqual(await enroll(response), INVALID)
    }

    const nested = (depth: number) => Buffer.from('81'.repeat(depth), 'hex').toString('base64url')
    const withMember = (json: string, name: string, value: unknown) => {
      const parsed = JSON.parse(json) as { response: Record<string, unknown> }
      parsed.response[name] = value
      return JSON.stringify(parsed)
    }

    it('is refused, whatever it is', async () => {
      for (const text of [
        '',
        '{',
        'null',
        '[]',
        '""',
        '0',
        '{"__proto__":{}}',
        '\u0000',
        '{"id":{}}',
        '['.repeat(9000),
      ])
        await refuses(text)
    })

    it('is refused at once where it is long', async () => {
      const begun = performance.now()
      await refuses(`{"id":"${'A'.repeat(20_000)}"}`)
      await refuses('{'.repeat(1_000_000))
      assert.ok(performance.now() - begun < 200)
    })

    it('is refused where its parts are nested as deep as fits, or promise more than there is', async () => {
      for (const bytes of [nested(9000), 'm____w', 'u_____w', 'v_________8', 'X____w', '_w', 'oA', 'o2NmbXRkbm9uZQ'])
        await refuses(withMember(made, 'attestationObject', bytes))
      for (const bytes of [nested(100), 'A'.repeat(9000), 'AA'])
        await refuses(withMember(answer, 'authenticatorData', bytes))
    })

    it('is refused where members are of another type', async () => {
      assert.deepEqual([(await challenge(answer)).outcome, (await enroll(made)).outcome], ['accepted', 'accepted'])
      const odd = [null, 1, {}, [{}], '', 'a b', '\u0000', 'ä']
      const texts = [answer, made].flatMap((json) =>
        Object.keys((JSON.parse(json) as { response: object }).response).flatMap((name) =>
          odd.map((value) => withMember(json, name, value)),
        ),
      )
      for (const text of texts) await refuses(text)
    })

    it('never passes, never throws and takes no time, wherever a true answer is changed', async () => {
      const begun = performance.now()
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('answer', 'made'),
          fc.nat(1500),
          fc.constantFrom('A', 'B', '_', '"', '{', '9', '\\', ''),
          async (which, place, character) => {
            const text = which === 'answer' ? answer : made
            const index = place % text.length
            const changed = text.slice(0, index) + character + text.slice(index + 1)
            fc.pre(changed !== text)
            const step = await (which === 'answer' ? challenge : enroll)(changed)
            // A change of what is not signed, such as the way the key is reached, may leave the answer true.
            if (step.outcome === 'accepted') assert.deepEqual(meaning(changed), meaning(text))
          },
        ),
        { numRuns: 400 },
      )
      assert.ok(performance.now() - begun < 10_000)
    })
  })
})

const bytesOf = (text = '') => new Uint8Array(Buffer.from(text, 'base64url'))

/** What of an answer is signed, and whose it is; signatures themselves have several spellings. */
const meaning = (text: string) => {
  const { id, response } = JSON.parse(text) as { id: string; response: Record<string, string> }
  const { clientDataJSON, attestationObject, authenticatorData } = response
  const signed =
    attestationObject === undefined
      ? bytesOf(authenticatorData)
      : decodeAttestationObject(bytesOf(attestationObject)).get('authData')
  return [bytesOf(id), bytesOf(clientDataJSON), signed].map((part) => Buffer.from(part).toString('hex'))
}
