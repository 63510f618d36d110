import assert from 'node:assert/strict'
import type { Evidence } from '../../src/assurance/evidence.ts'
import { acrValues, carriage } from '../../src/assurance/levels.ts'
import {
  MULTI_FACTOR,
  PHISHING_RESISTANT,
  PHISHING_RESISTANT_HARDWARE,
  SINGLE_FACTOR,
  standard,
} from '../../src/assurance/presets.ts'
import { did, type Method, NOW, signedIn } from '../policy/makers.ts'

const YEAR = 365 * 86_400
const moment = { now: NOW, cid: undefined, flowSeconds: 600 }

describe('assurance/presets', () => {
  it('names the standard levels and their aliases, weakest first', () => {
    assert.deepEqual(acrValues(standard), [
      'urn:oidc-step-up:acr:1fa',
      'urn:okta:loa:1fa:any',
      'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
      'https://refeds.org/profile/mfa',
      'urn:okta:loa:2fa:any',
      'phr',
      'phrh',
    ])
  })

  const [one, two] = [SINGLE_FACTOR, MULTI_FACTOR]
  const [phr, phrh] = [PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE]
  const password = signedIn(YEAR)
  const then = (method: Method) => did(method, YEAR)
  const cases: readonly [string, readonly Evidence[], readonly string[]][] = [
    ['nothing meets none', [], []],
    ['a password meets one kind', [password], [one]],
    ['a password and a pin are one kind', [password, then('pin')], [one]],
    ['a password and a code', [password, then('totp')], [one, two]],
    ['AC-40: a password and a recovery code', [password, then('recovery')], [one, two]],
    ['a code sent to the address counts in this preset', [password, then('email')], [one, two]],
    ['a verified passkey by itself', [signedIn(YEAR, {}, 'passkey')], [one, two, phr]],
    ['a key that only was touched is one kind', [signedIn(YEAR, {}, 'key')], [one, phr, phrh]],
    ['a password and a key', [password, then('key')], [one, two, phr, phrh]],
    ['AC-52: a synced passkey and a hardware token', [then('passkey'), then('token')], [one, two, phr]],
  ]
  for (const [name, events, met] of cases)
    it(name, () => {
      const reached = standard.filter((level) => carriage(level, events, moment) !== undefined)
      assert.deepEqual(
        reached.map(({ acr }) => acr),
        met,
      )
    })
})
