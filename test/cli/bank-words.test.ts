import assert from 'node:assert/strict'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../../src/assurance/presets.ts'
import {
  ago,
  describeLevel,
  describeScopes,
  describeSignIn,
  explainDocuments,
  explainError,
  isEnough,
} from '../../src/cli/bank-words.ts'

const now = 1_700_000_000

describe('cli/bank-words', () => {
  const ages: [seconds: number, text: string][] = [
    [-5, 'just now'],
    [1, 'just now'],
    [12, '12 seconds ago'],
    [60, '1 minute ago'],
    [3599, '59 minutes ago'],
    [7200, '2 hours ago'],
    [86_400, '1 day ago'],
  ]
  for (const [seconds, text] of ages) {
    it(`says ${text} for ${seconds} s`, () => {
      assert.equal(ago(now - seconds, now), text)
    })
  }

  const sentences: [amr: string[] | undefined, age: number | undefined, text: string][] = [
    [
      ['pwd', 'otp', 'mfa'],
      12,
      'You proved two different things: a password and a code from your phone, 12 seconds ago.',
    ],
    [['pwd'], 120, 'You proved one thing: a password, 2 minutes ago.'],
    [['pwd', 'pin'], undefined, 'You proved a password and a PIN.'],
    [
      ['pop', 'hwk', 'user', 'mfa'],
      0,
      'You proved two different things at once: a key that stays in its device, just now.',
    ],
    [['pwd', 'pop', 'swk', 'user', 'mfa'], 0, 'You proved two different things: a password and a passkey, just now.'],
    [['pop'], 0, 'You proved one thing: a key that only you have, just now.'],
    [
      ['pwd', 'sms', 'otp', 'mfa'],
      12,
      'You proved different things: a password, a code from a text message and a code from your phone, 12 seconds ago.',
    ],
    [['pwd', 'recovery-code', 'mfa'], 0, 'You proved two different things: a password and a recovery code, just now.'],
    [['pwd', 'email'], 0, 'You proved a password and a code from a mail, just now.'],
    [
      ['pwd', 'mca', 'pop', 'swk', 'mfa'],
      3,
      'You proved two different things: a password and a confirmation on another device, 3 seconds ago.',
    ],
    [['mca', 'pop', 'swk'], 0, 'You proved one thing: a confirmation on another device, just now.'],
    [
      ['pwd', 'mca', 'pop', 'swk', 'user', 'mfa'],
      0,
      'You proved different things: a password, a confirmation on another device and a passkey, just now.',
    ],
    [['constructor'], 12, 'You proved one thing: something called “constructor”, 12 seconds ago.'],
    [['mfa'], 12, 'Your sign-in service did not say how you signed in, 12 seconds ago.'],
    [undefined, undefined, 'Your sign-in service did not say how you signed in.'],
  ]
  for (const [amr, age, text] of sentences) {
    it(`describes ${JSON.stringify(amr)}`, () => {
      assert.equal(describeSignIn({ amr, auth_time: age === undefined ? undefined : now - age }, now), text)
    })
  }

  it('names the levels it knows and no others', () => {
    assert.equal(describeLevel(MULTI_FACTOR), 'you proved two different things')
    assert.equal(describeLevel('toString'), undefined)
    assert.equal(describeLevel(undefined), undefined)
  })

  const transfer = { acr: MULTI_FACTOR, maxAgeSeconds: 300 }
  const documents = { scope: 'documents' }
  const judged: [name: string, claims: object, demand: object, enough: boolean, scopes?: string[]][] = [
    ['any sign-in where nothing is asked', {}, {}, true],
    ['the asked level within its time', { acr: MULTI_FACTOR, auth_time: now - 300 }, transfer, true],
    ['the asked level, too old', { acr: MULTI_FACTOR, auth_time: now - 301 }, transfer, false],
    ['the asked level without a time', { acr: MULTI_FACTOR }, transfer, false],
    ['another level', { acr: 'urn:oidc-step-up:acr:1fa', auth_time: now }, transfer, false],
    ['no level', { auth_time: now }, transfer, false],
    ['the asked scope, whatever was shown', {}, documents, true, ['openid', 'documents']],
    ['any level without the asked scope', { acr: MULTI_FACTOR, auth_time: now }, documents, false],
    ['a scope instead of the asked level', { auth_time: now }, transfer, false, ['documents']],
  ]
  for (const [name, claims, demand, enough, scopes = ['openid']] of judged) {
    it(`${enough ? 'takes' : 'does not take'} ${name}`, () => {
      assert.equal(isEnough({ claims, scopes }, demand, now), enough)
    })
  }

  it('says what scopes let Bank see, and nothing of those that let it see nothing', () => {
    assert.equal(describeScopes(['openid', 'email', 'documents', 'toString']), 'your email address and your documents')
    assert.equal(describeScopes([]), '')
  })

  it('says of documents what it was told, and claims to know no more', () => {
    assert.match(explainDocuments({ amr: ['pwd', 'otp', 'mfa'] }), /^You showed two different things\./)
    for (const amr of [['pwd'], undefined]) assert.match(explainDocuments({ amr }), /^One thing was enough .* not why/)
  })

  it('explains errors without the words of the protocol', () => {
    const codes = [
      'access_denied',
      'unmet_authentication_requirements',
      'login_required',
      'server_error',
      '__proto__',
      'odd',
    ]
    for (const code of codes) {
      const { heading, text } = explainError(code)
      assert.ok(heading && text)
      assert.doesNotMatch(`${heading} ${text}`, /\b(MFA|OTP|acr|factor|OAuth|token)\b/i)
    }
  })

  it('explains why limits cannot be changed', () => {
    const { heading, text } = explainError('unmet_authentication_requirements', PHISHING_RESISTANT)
    assert.equal(heading, 'Your limits stay as they are')
    assert.match(text, /passkey or a security key/)
  })
})
