import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { StepUpError } from '../../src/errors.ts'
import { type WebauthnOptions, webauthn } from '../../src/factors/webauthn.ts'
import { type Manner, softAuthenticator } from '../support/soft-authenticator.ts'
import { softMaker } from '../support/soft-maker.ts'
import { answerWith, at, enrolled, enrollWith, ISSUER, NAME } from './webauthn-support.ts'

const factor = webauthn({ relyingPartyName: NAME })

describe('factors/webauthn', () => {
  describe('enroll', () => {
    it('asks the browser for a new key in the fixed terms', async () => {
      const step = await factor.enroll.begin(at())
      assert.ok(step?.outcome === 'continue')
      const { options, seconds } = (await factor.enroll.view(step.state, at())) ?? {}
      assert.equal(seconds, 300)
      const { challenge, user, ...rest } = options as PublicKeyCredentialCreationOptionsJSON
      assert.equal(Buffer.from(challenge, 'base64url').length, 32)
      assert.equal(Buffer.from(user.id, 'base64url').length, 32)
      assert.deepEqual([user.name, user.displayName], ['bob@example.com', 'bob@example.com'])
      assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
        rp: { name: NAME, id: 'login.example.com' },
        pubKeyCredParams: [-7, -8, -257].map((alg) => ({ alg, type: 'public-key' })),
        timeout: 300_000,
        attestation: 'none',
        excludeCredentials: [],
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred', requireResidentKey: false },
        extensions: { credProps: true },
        hints: [],
      })
    })

    it('shows the same for the same state, and never asks the same twice', async () => {
      const first = await factor.enroll.begin(at())
      const second = await factor.enroll.begin(at())
      assert.ok(first?.outcome === 'continue' && second?.outcome === 'continue')
      assert.notEqual(first.state.challenge, second.state.challenge)
      assert.deepEqual(await factor.enroll.view(first.state, at()), await factor.enroll.view(first.state, at()))
    })

    for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const)
      for (const attestation of ['none', 'self'] as const)
        it(`takes a key for ${algorithm} with attestation ${attestation}, and its answers`, async () => {
          const soft = softAuthenticator({ origin: ISSUER, algorithm, attestation })
          const key = await enrolled(factor, soft)
          assert.equal((await answerWith(factor, soft, [key])).outcome, 'accepted')
        })

    it('keeps what it needs, and a name that no other key can have', async () => {
      const soft = softAuthenticator({ origin: ISSUER, be: true, bs: true, transports: ['internal', 'hybrid'] })
      const { step } = await enrollWith(factor, soft)
      assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'add' in step.change)
      const { publicKey, userHandle, ...data } = step.change.add
      assert.ok(publicKey.length > 90 && userHandle.length === 43)
      assert.deepEqual(data, {
        credentialId: soft.keys[0]?.id,
        counter: 1,
        transports: ['internal', 'hybrid'],
        aaguid: '00000000-0000-0000-0000-000000000000',
        backupEligible: true,
        backedUp: true,
        userVerified: true,
        discoverable: true,
      })
      assert.match(step.change.claim ?? '', /^webauthn:[\w-]{43}$/)
      assert.equal(step.authenticatorId, undefined)
    })

    it('keeps one user handle for an account, and has the browser make no second one where it has one', async () => {
      const soft = softAuthenticator({ origin: ISSUER })
      const one = await enrolled(factor, soft)
      const { step, options } = await enrollWith(factor, soft, {}, {}, [one])
      assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'add' in step.change)
      assert.equal(step.change.add.userHandle, one.data.userHandle)
      assert.deepEqual(options.excludeCredentials, [
        { id: one.data.credentialId, transports: ['usb'], type: 'public-key' },
      ])
    })

    const names: readonly (readonly [string, Record<string, string>, string, string | undefined])[] = [
      [
        'as its owner says',
        { nickname: 'My laptop', kind: 'Security key' },
        'bada5566a7aa401fbd9645619a55120d',
        'My laptop',
      ],
      ['by its keeper else', { nickname: ' ', kind: 'Security key' }, 'bada5566a7aa401fbd9645619a55120d', '1Password'],
      ['by its kind else', { kind: 'Security key' }, '0'.repeat(32), 'Security key'],
      ['not at all where nothing is known', {}, '0'.repeat(32), undefined],
      ['in one line that turns no text around', { nickname: ' a\n\u202eb\u0000 ' }, '0'.repeat(32), 'a b'],
      ['in sixty characters', { nickname: '🔑'.repeat(100) }, '0'.repeat(32), '🔑'.repeat(60)],
    ]
    for (const [how, fields, aaguid, expected] of names)
      it(`names a key ${how}`, async () => {
        const { step } = await enrollWith(factor, softAuthenticator({ origin: ISSUER, aaguid }), {}, fields)
        assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'add' in step.change)
        assert.equal(step.change.nickname, expected)
      })
  })

  describe('challenge', () => {
    it('asks for the keys of the account', async () => {
      const soft = softAuthenticator({ origin: ISSUER })
      const key = await enrolled(factor, soft)
      const step = await factor.challenge.begin(at([key]))
      assert.ok(step.outcome === 'continue')
      const { options } = await factor.challenge.view(step.state, at([key]))
      assert.deepEqual(JSON.parse(JSON.stringify(options)), {
        rpId: 'login.example.com',
        challenge: step.state.challenge,
        allowCredentials: [{ id: key.data.credentialId, transports: ['usb'], type: 'public-key' }],
        timeout: 300_000,
        userVerification: 'preferred',
      })
    })

    it('cannot begin without a key', () => {
      assert.deepEqual(factor.challenge.begin(at()), { outcome: 'refused', reason: 'not-enrolled' })
    })

    it('keeps the count and whether there is a copy', async () => {
      const soft = softAuthenticator({ origin: ISSUER, be: true })
      const key = await enrolled(factor, soft)
      const step = await answerWith(factor, soft, [key], { bs: true })
      assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'update' in step.change)
      assert.equal(step.authenticatorId, key.id)
      assert.deepEqual(step.change.update, {
        authenticatorId: key.id,
        data: { ...key.data, counter: 2, backedUp: true },
      })
    })

    it('finds which of several keys has answered', async () => {
      const [one, two] = [softAuthenticator({ origin: ISSUER }), softAuthenticator({ origin: ISSUER })]
      const keys = [await enrolled(factor, one, 'one'), await enrolled(factor, two, 'two')]
      for (const [soft, id] of [
        [one, 'one'],
        [two, 'two'],
      ] as const) {
        const step = await answerWith(factor, soft, keys)
        assert.equal(step.outcome === 'accepted' && step.authenticatorId, id)
      }
    })
  })

  describe('what it proves', () => {
    const proofs: readonly (readonly [Partial<Manner>, readonly string[], readonly string[], readonly string[]])[] = [
      [{ uv: true, be: false }, ['possession', 'inherence'], ['user-verified', 'hardware'], ['pop', 'hwk', 'user']],
      [{ uv: false, be: false }, ['possession'], ['hardware'], ['pop', 'hwk', 'user']],
      [{ uv: true, be: true }, ['possession', 'inherence'], ['user-verified'], ['pop', 'swk', 'user']],
      [{ uv: false, be: true, bs: true }, ['possession'], [], ['pop', 'swk', 'user']],
    ]
    for (const [manner, kinds, traits, amr] of proofs)
      it(`AC-64: is ${kinds.join(' and ')}, with ${amr.join(', ')}, for ${JSON.stringify(manner)}`, async () => {
        const soft = softAuthenticator({ origin: ISSUER, ...manner })
        const proof = { kinds, traits: ['phishing-resistant', 'replay-resistant', ...traits], amr }
        const { step } = await enrollWith(factor, soft)
        assert.ok(step.outcome === 'accepted')
        assert.deepEqual(step.proof, proof)
        const key = await enrolled(factor, soft)
        const answer = await answerWith(factor, soft, [key])
        assert.ok(answer.outcome === 'accepted')
        assert.deepEqual(answer.proof, proof)
        assert.deepEqual(factor.atMost(key), proof)
      })

    it('is as much as this answer showed, whatever the key has shown before', async () => {
      const soft = softAuthenticator({ origin: ISSUER })
      const key = await enrolled(factor, soft)
      const step = await answerWith(factor, soft, [key], { uv: false })
      assert.ok(step.outcome === 'accepted')
      assert.deepEqual(step.proof?.kinds, ['possession'])
      assert.deepEqual(factor.atMost(key).kinds, ['possession', 'inherence'])
    })

    it('can be more from then on, where a key verifies its user for the first time', async () => {
      const soft = softAuthenticator({ origin: ISSUER, uv: false })
      const step = await answerWith(factor, soft, [await enrolled(factor, soft)], { uv: true })
      assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'update' in step.change)
      assert.equal(step.change.update.data.userVerified, true)
    })

    it('can be no less than user verification where that is required', async () => {
      const strict = webauthn({ relyingPartyName: NAME, userVerification: 'required' })
      const soft = softAuthenticator({ origin: ISSUER, uv: false })
      const key = await enrolled(factor, soft)
      assert.deepEqual(strict.atMost(key).kinds, ['possession', 'inherence'])
      assert.equal((await answerWith(strict, soft, [key])).outcome, 'refused')
      assert.equal((await answerWith(strict, soft, [key], { uv: true })).outcome, 'accepted')
      assert.equal((await enrollWith(strict, soft)).step.outcome, 'refused')
    })
  })

  describe('identify', () => {
    const context = { origin: ISSUER, issuer: ISSUER, now: 0 }

    it('asks for any key of this service, with user verification', async () => {
      const { state, view } = await factor.identify.begin(context)
      assert.deepEqual(JSON.parse(JSON.stringify(view.options)), {
        rpId: 'login.example.com',
        challenge: state.challenge,
        allowCredentials: [],
        timeout: 300_000,
        userVerification: 'required',
      })
    })

    it('finds the key by the name that it was kept under, and takes its answer', async () => {
      const soft = softAuthenticator({ origin: ISSUER })
      const { step } = await enrollWith(factor, soft)
      assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'add' in step.change)
      const { claim, add: data } = step.change
      const { state, view } = await factor.identify.begin(context)
      const answer = JSON.stringify(soft.get(view.options as PublicKeyCredentialRequestOptionsJSON))
      assert.equal(factor.identify.claimOf(answer), claim)
      const key = { id: 'key', factor: 'webauthn', status: 'active', createdAt: 0, data } as const
      const accepted = await factor.identify.submit(state, answer, key, context)
      assert.ok(accepted.outcome === 'accepted')
      assert.deepEqual(accepted.proof?.kinds, ['possession', 'inherence'])
    })

    it('knows nothing of garbage', () => {
      for (const answer of ['', 'x', '{}', '[]', 'null']) assert.equal(factor.identify.claimOf(answer), undefined)
    })
  })

  it('names its keys by what their owner called them, or by their keeper', async () => {
    const key = await enrolled(
      factor,
      softAuthenticator({ origin: ISSUER, aaguid: 'd548826e79b4db40a3d811116f7e8349' }),
    )
    assert.equal(factor.describe({ ...key, nickname: 'Old phone' }), 'Old phone')
    assert.equal(factor.describe(key), 'Bitwarden')
    assert.equal(factor.describe({ ...key, data: { ...key.data, aaguid: '' } }), '')
    assert.ok(Object.isFrozen(factor))
  })

  it('brings scripts that are there, and ours are small', () => {
    for (const scripts of [factor.scripts ?? [], factor.identify.scripts]) {
      const [bundle, own] = scripts
      assert.ok(bundle !== undefined && own !== undefined && existsSync(bundle))
      assert.match(readFileSync(bundle, 'utf8'), /SimpleWebAuthnBrowser/)
      assert.ok(readFileSync(own).length < 4096)
    }
  })

  const { root } = softMaker('Acme Keys')
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ['relyingPartyName', {}],
    ['relyingPartyName', { relyingPartyName: ' ' }],
    ['relyingPartyId', { relyingPartyName: NAME, relyingPartyId: 'https://example.com' }],
    ['relyingPartyId', { relyingPartyName: NAME, relyingPartyId: '127.0.0.1' }],
    ['origins.0', { relyingPartyName: NAME, origins: ['https://example.com/'] }],
    ['origins.0', { relyingPartyName: NAME, origins: ['http://example.com'] }],
    ['userVerification', { relyingPartyName: NAME, userVerification: 'always' }],
    ['perAccount', { relyingPartyName: NAME, perAccount: 0 }],
    ['timeoutSeconds', { relyingPartyName: NAME, timeoutSeconds: 301 }],
    ['only relyingPartyName', { relyingPartyName: NAME, rpName: 'x' }],
    ['attestation.rootCertificates', { relyingPartyName: NAME, attestation: { conveyance: 'direct' } }],
    ['attestation.rootCertificates', { relyingPartyName: NAME, attestation: { allow: [] } }],
    ['attestation.rootCertificates.0', { relyingPartyName: NAME, attestation: { rootCertificates: ['x'] } }],
    [
      'attestation.conveyance',
      { relyingPartyName: NAME, attestation: { rootCertificates: [root], conveyance: 'none' } },
    ],
    ['attestation.deny.0', { relyingPartyName: NAME, attestation: { deny: ['x'] } }],
  ]
  for (const [what, options] of wrong)
    it(`refuses ${JSON.stringify(options).slice(0, 90)} and names ${what}`, () => {
      assert.throws(
        () => webauthn(options as unknown as WebauthnOptions),
        (error) => error instanceof StepUpError && error.code === 'ERR_CONFIG' && error.message.includes(what),
      )
    })
})
