import assert from 'node:assert/strict'
import { type WebauthnOptions, webauthn } from '../../src/factors/webauthn.ts'

describe('factors/webauthn: options', () => {
  const wrong: readonly (readonly [given: unknown, message: string | RegExp])[] = [
    [undefined, /^webauthn\(\): found nothing; allowed: an object$/],
    ['Acme', /^webauthn\(\): found a value of type string; allowed: an object$/],
    [{}, /^webauthn\(\{ relyingPartyName \}\): found nothing; allowed: your service's name/],
    [
      { relyingPartyname: 'Acme' },
      /^webauthn\(\{ relyingPartyname \}\): found an unknown setting; allowed: only relyingPartyName, relyingPartyId,/,
    ],
    [
      { relyingPartyName: 'Acme', relyingPartyId: 'https://acme.example' },
      'webauthn({ relyingPartyId }): found "https://acme.example"; allowed: a domain such as example.com, without scheme and port',
    ],
    [
      { relyingPartyName: 'Acme', origins: ['https://a.example', 5] },
      /^webauthn\(\{ origins\.1 \}\): found 5; allowed:/,
    ],
    [{ relyingPartyName: 'Acme', perAccount: 101 }, /^webauthn\(\{ perAccount \}\): found 101; allowed: .* 1 to 100/],
    [
      { relyingPartyName: 'Acme', attestation: { allowed: [] } },
      /^webauthn\(\{ attestation\.allowed \}\): found an unknown setting; allowed: only conveyance,/,
    ],
  ]
  for (const [given, message] of wrong)
    it(`say what was found: ${JSON.stringify(given)}`, () => {
      assert.throws(() => webauthn(given as WebauthnOptions), { code: 'ERR_CONFIG', message })
    })

  it('fit an issuer with a domain, and no address', () => {
    const unfit = (issuer: string) => webauthn({ relyingPartyName: 'Acme' }).unfitAt?.(issuer)
    for (const issuer of ['http://localhost:3000', 'https://login.example.com/op'])
      assert.equal(unfit(issuer), undefined)
    for (const issuer of ['http://127.0.0.1:3000', 'http://[::1]:3000', 'https://192.0.2.7/op'])
      assert.match(unfit(issuer) ?? '', /^passkeys and security keys need a domain, .*localhost/)
  })
})
