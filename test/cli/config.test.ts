import assert from 'node:assert/strict'
import { checkConfig, defineConfig, type ServeConfig } from '../../src/cli/config.ts'
import { StepUpError } from '../../src/errors.ts'
import { push } from '../../src/factors/push.ts'
import { totp } from '../../src/factors/totp.ts'

const valid: ServeConfig = {
  issuer: 'http://localhost:3000',
  port: 3000,
  clients: [{ client_id: 'app', client_secret: 'a very secret client secret' }],
  accounts: [{ id: '1', username: 'alice', password: 'correct horse' }],
  sealingKeys: [Buffer.alloc(32, 1).toString('base64url')],
  cookieKeys: ['k'.repeat(32)],
  factors: [totp({ issuer: 'Test' })],
}
const account = { id: '1', username: 'alice', password: 'correct horse' }
const SECRETS = [
  'correct horse',
  'a very secret client secret',
  'k'.repeat(32),
  Buffer.alloc(32, 1).toString('base64url'),
]

const message = (config: unknown) => {
  try {
    checkConfig(config)
  } catch (error) {
    assert.ok(error instanceof StepUpError)
    assert.equal(error.code, 'ERR_CONFIG')
    for (const secret of SECRETS) assert.ok(!error.message.includes(secret), error.message)
    return error.message
  }
  return undefined
}

describe('cli/config', () => {
  it('takes a valid configuration and fills in the defaults', () => {
    const checked = checkConfig(defineConfig(valid))
    assert.equal(checked.host, '127.0.0.1')
    assert.equal(checked.trustProxy, false)
    assert.equal(checked.factors, valid.factors)
    assert.ok(Object.isFrozen(checked))
  })

  it('listens on every address for a public issuer behind a proxy', () => {
    assert.equal(checkConfig({ ...valid, issuer: 'https://id.example', trustProxy: true }).host, '0.0.0.0')
  })

  it('takes a user database instead of a list', () => {
    const accounts = { authenticate: () => undefined, find: () => undefined }
    assert.equal(checkConfig({ ...valid, accounts }).accounts, accounts)
    const more = { ...accounts, identify: () => undefined }
    assert.equal(checkConfig({ ...valid, accounts: more }).accounts, more)
  })

  it('takes requests in the backchannel where devices or the host answer', () => {
    const ciba = { enabled: true }
    const own = { ...ciba, triggerAuthenticationDevice: () => undefined }
    assert.ok(checkConfig({ ...valid, factors: [push()], configuration: { features: { ciba } } }))
    assert.ok(checkConfig({ ...valid, configuration: { features: { ciba: own } } }))
  })

  const cases: [name: string, config: unknown, expected: RegExp][] = [
    ['no object', 5, /^configuration: found 5; allowed: an object/],
    ['a missing issuer', { ...valid, issuer: undefined }, /^issuer: found nothing; allowed: an https: URL/],
    ['http in public', { ...valid, issuer: 'http://id.example' }, /^issuer: found "http:\/\/id\.example"; allowed/],
    ['a path in the issuer', { ...valid, issuer: 'https://id.example/oidc' }, /^issuer: found/],
    ['a query in the issuer', { ...valid, issuer: 'https://id.example/?' }, /^issuer: found/],
    [
      'an https issuer without a proxy',
      { ...valid, issuer: 'https://id.example' },
      /^trustProxy: found nothing; allowed: true/,
    ],
    ['a port as text', { ...valid, port: '3000' }, /^port: found "3000"; allowed: a whole number from 1 to 65535$/],
    ['port 0', { ...valid, port: 0 }, /^port: found 0; allowed: a whole number/],
    ['an unknown setting', { ...valid, prot: 3000 }, /^prot: found an unknown setting; allowed: only issuer, port, /],
    [
      'no clients',
      { ...valid, clients: [] },
      /^clients: found an empty list; allowed: a list with at least one client/,
    ],
    ['a client without id', { ...valid, clients: [{}] }, /^clients\[0\]\.client_id: found nothing; allowed/],
    [
      'a doubled client',
      { ...valid, clients: [{ client_id: 'a' }, { client_id: 'a' }] },
      /^clients\[1\]\.client_id: found "a"/,
    ],
    ['no accounts', { ...valid, accounts: undefined }, /^accounts: found nothing; allowed: a list of accounts, or/],
    [
      'half a user database',
      { ...valid, accounts: { find: () => undefined } },
      /^accounts: found a value of type object/,
    ],
    [
      'an account without password',
      { ...valid, accounts: [{ id: '1', username: 'a' }] },
      /^accounts\[0\]\.password: found nothing/,
    ],
    [
      'a password that is no text',
      { ...valid, accounts: [{ ...account, password: 12345 }] },
      /^accounts\[0\]\.password: found a number that is kept secret here; allowed/,
    ],
    [
      'an unknown field of an account',
      { ...valid, accounts: [{ ...account, mail: 'x' }] },
      /^accounts\[0\]\.mail: found an unknown setting; allowed: only id, /,
    ],
    [
      'a bad email',
      { ...valid, accounts: [{ ...account, email: 'alice' }] },
      /^accounts\[0\]\.email: found "alice"; allowed: an email address/,
    ],
    [
      'a bad phone',
      { ...valid, accounts: [{ ...account, phone: '030 123' }] },
      /^accounts\[0\]\.phone: found "030 123"; allowed: a phone number/,
    ],
    [
      'user names that differ in case only',
      { ...valid, accounts: [account, { ...account, id: '2', username: 'ALICE' }] },
      /^accounts\[1\]\.username: found "ALICE"; allowed: a value no other/,
    ],
    [
      'a short sealing key',
      { ...valid, sealingKeys: ['c2hvcnQ'] },
      /^sealingKeys\[0\]: found a string that is kept secret here; allowed: 32 random bytes/,
    ],
    ['no sealing key', { ...valid, sealingKeys: [] }, /^sealingKeys: found an empty list; allowed: at least one key/],
    [
      'a short cookie key',
      { ...valid, cookieKeys: ['x'] },
      /^cookieKeys\[0\]: found a string that is kept secret here; allowed: a text of at least 32/,
    ],
    ['a store without its methods', { ...valid, store: {} }, /^store: found a value of type object; allowed: a store/],
    [
      'a setting that serve owns',
      { ...valid, configuration: { findAccount: () => undefined } },
      /^configuration\.findAccount: found .*; allowed: nothing: serve sets it itself/,
    ],
    ['a wrong enrollment', { ...valid, enrollment: 5 }, /^enrollment: found 5; allowed: a text/],
    [
      'remembering browsers by a number',
      { ...valid, rememberBrowser: 30 },
      /^rememberBrowser: found 30; allowed: false/,
    ],
    [
      'a user database that identifies by a text',
      { ...valid, accounts: { authenticate: () => undefined, find: () => undefined, identify: 'x' } },
      /^accounts\.identify: found "x"; allowed: a function/,
    ],
    [
      'requests in the backchannel that nothing answers',
      { ...valid, configuration: { features: { ciba: { enabled: true } } } },
      /^configuration\.features\.ciba\.enabled: found true; allowed: that beside a factor with devices, such as push\(\)$/,
    ],
    [
      'several mistakes',
      { ...valid, port: 0, factors: 1 },
      /^port: found 0; .*; factors: found 1; allowed: a list of factors$/,
    ],
  ]
  for (const [name, config, expected] of cases) {
    it(`refuses ${name}`, () => {
      assert.match(message(config) ?? 'accepted', expected)
    })
  }
})
