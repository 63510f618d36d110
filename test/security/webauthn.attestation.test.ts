import assert from 'node:assert/strict'
import { type AttestationPolicy, webauthn } from '../../src/factors/webauthn.ts'
import { enrollWith, ISSUER, NAME } from '../factors/webauthn-support.ts'
import { type Manner, softAuthenticator } from '../support/soft-authenticator.ts'
import { softMaker } from '../support/soft-maker.ts'

const MODEL = '00112233-4455-6677-8899-aabbccddeeff'
const aaguid = MODEL.replaceAll('-', '')
const INVALID = { outcome: 'refused', reason: 'invalid' }

const maker = softMaker('Acme Keys')
const other = softMaker('Other Keys')

const enrollAt = async (attestation: AttestationPolicy, manner: Partial<Manner>) => {
  const factor = webauthn({ relyingPartyName: NAME, attestation })
  return enrollWith(factor, softAuthenticator({ origin: ISSUER, aaguid, ...manner }))
}

const trusted: AttestationPolicy = { rootCertificates: [other.root, maker.root] }

describe('security: WebAuthn attestation', () => {
  it('AC-66: asks for attestation where somebody checks it, and for none else', async () => {
    const asked = [{}, trusted, { ...trusted, conveyance: 'enterprise' }] as const
    const options = await Promise.all(
      asked.map(async (policy) => (await enrollAt(policy, { attestation: maker })).options.attestation),
    )
    assert.deepEqual(options, ['none', 'direct', 'enterprise'])
  })

  const refusals: readonly (readonly [string, Partial<Manner>])[] = [
    ['none', { attestation: 'none' }],
    ['one by the key itself', { attestation: 'self' }],
    ['one that leads to another root', { attestation: softMaker('Acme Keys') }],
    ['one by a key that the certificate is not for', { attestation: { ...maker, key: other.key } }],
    ['one whose signature is changed', { attestation: maker, forge: () => Buffer.alloc(70) }],
    ['one without the certificate between', { attestation: { ...maker, x5c: maker.x5c.slice(0, 1) } }],
    ['one with certificates of two makers', { attestation: { ...maker, x5c: [...maker.x5c, ...other.x5c] } }],
    ['one without certificates', { attestation: { ...maker, x5c: [] } }],
    ['one with certificates that are none', { attestation: { ...maker, x5c: [Buffer.from('x')] } }],
    ['one of an unknown format', { attestation: { ...maker, format: 'new' } }],
    ['one of a format that is for another sort', { attestation: { ...maker, format: 'android-key' } }],
  ]
  for (const [what, manner] of refusals)
    it(`AC-66: where attestation is checked, refuses ${what}`, async () => {
      assert.deepEqual((await enrollAt(trusted, manner)).step, INVALID)
    })

  const odd: readonly (readonly [string, Parameters<typeof softMaker>[1]])[] = [
    ['that has expired', { to: '2021-01-01' }],
    ['that is not valid yet', { from: '2098-01-01' }],
    ['issued by what is no authority', { isAuthority: false }],
  ]
  for (const [what, oddity] of odd)
    it(`AC-66: refuses a certificate ${what}`, async () => {
      const its = softMaker('Odd Keys', oddity)
      assert.deepEqual((await enrollAt({ rootCertificates: [its.root] }, { attestation: its })).step, INVALID)
    })

  it('AC-66: takes one that leads to a root, or to the certificate itself', async () => {
    const [leaf = Buffer.alloc(0)] = maker.x5c
    const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(leaf).toString('base64')}\n-----END CERTIFICATE-----`
    for (const policy of [trusted, { rootCertificates: [pem] }])
      assert.equal(
        (await enrollAt(policy, { attestation: policy === trusted ? maker : { ...maker, x5c: [leaf] } })).step.outcome,
        'accepted',
      )
  })

  it('AC-66: where none is asked for, refuses certificates that anybody could have made', async () => {
    for (const format of ['packed', 'android-key', 'tpm', 'apple', 'fido-u2f'])
      assert.deepEqual((await enrollAt({}, { attestation: { ...maker, format } })).step, INVALID, format)
  })

  const UNACCEPTED = 'webauthn.unaccepted'
  const lists: readonly (readonly [string, AttestationPolicy, Partial<Manner>, string])[] = [
    ['a model on the list', { ...trusted, allow: [MODEL.toUpperCase()] }, { attestation: maker }, 'accepted'],
    [
      'a model beside the list',
      { ...trusted, allow: [MODEL] },
      { attestation: maker, aaguid: 'f'.repeat(32) },
      UNACCEPTED,
    ],
    ['any model where the list is empty', { ...trusted, allow: [] }, { attestation: maker }, UNACCEPTED],
    ['a model that only says it is on the list', { ...trusted, allow: [MODEL] }, { attestation: 'self' }, 'refused'],
    ['a model that is denied', { ...trusted, deny: [MODEL] }, { attestation: maker }, UNACCEPTED],
    ['a model that is both', { ...trusted, allow: [MODEL], deny: [MODEL] }, { attestation: maker }, UNACCEPTED],
    ['a denied model that is honest', { deny: [MODEL] }, {}, UNACCEPTED],
    ['another model than the denied', { deny: [MODEL] }, { aaguid: 'f'.repeat(32) }, 'accepted'],
  ]
  for (const [what, policy, manner, expected] of lists)
    it(`AC-66: ${what} comes to ${expected}`, async () => {
      const { step, options } = await enrollAt(policy, manner)
      assert.equal(step.outcome === 'continue' ? step.problem : step.outcome, expected)
      if (step.outcome !== 'continue') return
      assert.notEqual(step.state.challenge, options.challenge)
      assert.equal(step.state.userHandle, options.user.id)
    })
})
