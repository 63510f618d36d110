import assert from 'node:assert/strict'
import { recoveryCodes } from '../src/factors/recovery-codes.ts'
import { totp } from '../src/factors/totp.ts'
import { type Level, MULTI_FACTOR, StepUpError, type StepUpOptions, standard, stepUp } from '../src/index.ts'
import { memoryStore } from '../src/store/memory.ts'

const KEY = Buffer.alloc(32, 7).toString('base64url')
const app = totp({ issuer: 'Test' })
const VALID: StepUpOptions = { account: () => undefined, factors: [app], sealingKeys: [KEY] }

const oneKind: Level = { acr: 'urn:example:1', needs: { kinds: 1 } }
const twoKinds: Level = { acr: 'urn:example:2', needs: { kinds: 2 } }
const { list: _list, ...listless } = memoryStore()
const { load: _load, save: _save, ...shortLived } = memoryStore()

/** A mistake, and what its message says: where it stands, what was found, what is allowed. */
type Mistake = readonly [change: Readonly<Record<string, unknown>>, where: string, found: string, allowed: string]

const FUNCTION = 'a value of type function'
const OBJECT = 'a value of type object'
const EMPTY = 'an empty list'

const MISTAKES: readonly Mistake[] = [
  [{ account: undefined }, 'account', 'nothing', 'a function'],
  [{ account: 'bob' }, 'account', '"bob"', 'a function'],
  [{ factors: undefined }, 'factors', 'nothing', 'a list of factors'],
  [{ factors: [] }, 'factors', EMPTY, 'at least one'],
  [{ factors: totp }, 'factors', FUNCTION, 'a list of factors'],
  [{ factors: [app, totp] }, 'factors[1]', FUNCTION, 'totp({ issuer })'],
  [{ factors: [{ ...app, id: 'TOTP' }] }, 'factors[0].id', '"TOTP"', 'lower-case letters, digits and hyphens'],
  [{ factors: [{ ...app, id: '../x' }] }, 'factors[0].id', '"../x"', 'lower-case letters, digits and hyphens'],
  [{ factors: [{ ...app, kinds: [] }] }, 'factors[0].kinds', EMPTY, 'at least one'],
  [{ factors: [{ ...app, kinds: ['belief'] }] }, 'factors[0].kinds[0]', '"belief"', 'knowledge, possession, inherence'],
  [{ factors: [{ ...app, traits: ['strong'] }] }, 'factors[0].traits[0]', '"strong"', 'phishing-resistant'],
  [{ factors: [{ ...app, challenge: undefined }] }, 'factors[0].challenge', 'nothing', 'a ceremony'],
  [
    { factors: [{ ...app, challenge: { ...app.challenge, ttlSeconds: 0.5 } }] },
    'factors[0].challenge.ttlSeconds',
    '0.5',
    'a whole number of seconds',
  ],
  [{ factors: [{ ...app, enroll: { ...app.enroll, begin: 1 } }] }, 'factors[0].enroll.begin', '1', 'a function'],
  [{ factors: [app, app] }, 'factors', '"totp" twice', 'once'],
  [{ sealingKeys: undefined }, 'sealingKeys', 'nothing', 'a list of keys'],
  [{ sealingKeys: [] }, 'sealingKeys', EMPTY, 'at least one'],
  [{ sealingKeys: KEY }, 'sealingKeys', 'a string that is kept secret here', 'a list of keys'],
  [{ sealingKeys: [KEY, undefined] }, 'sealingKeys[1]', 'nothing', '32 random bytes in base64url, from node -p'],
  [{ store: listless }, 'store', OBJECT, 'get, put, take, delete, list'],
  [{ store: 5 }, 'store', '5', 'get, put, take, delete, list'],
  [{ accounts: {} }, 'accounts', OBJECT, 'load, save, claim, owner, release'],
  [{ store: shortLived }, 'accounts', 'nothing', 'durable records'],
  [{ levels: 'strict' }, 'levels', '"strict"', 'standard, nist or a list of levels'],
  [{ levels: [] }, 'levels', EMPTY, 'at least one'],
  [{ levels: [{ acr: 'two words', needs: {} }] }, 'levels[0].acr', '"two words"', 'printable ASCII without spaces'],
  [{ levels: [oneKind, { ...twoKinds, needs: { kinds: 3 } }] }, 'levels[1].needs.kinds', '3', '1 or 2'],
  [{ levels: [{ acr: 'x', needs: { trait: [] } }] }, 'levels[0].needs.trait', 'an unknown setting', 'traits'],
  [{ levels: [{ acr: 'x', needs: {}, maxAgeSeconds: 0 }] }, 'levels[0].maxAgeSeconds', '0', 'at least 1'],
  [{ levels: [oneKind, { ...twoKinds, acr: oneKind.acr }] }, 'levels', '"urn:example:1" twice', 'once'],
  [{ levels: [oneKind, { ...twoKinds, aliases: [oneKind.acr] }] }, 'levels', '"urn:example:1" twice', 'once'],
  [{ levels: [twoKinds, { acr: 'x', needs: { factors: ['sms'] } }] }, 'levels[1].needs.factors', '"sms"', 'totp'],
  [{ levels: [oneKind] }, 'policy.default', '"always"', 'needs.kinds 2'],
  [{ policy: 'always' }, 'policy', '"always"', 'an object'],
  [{ policy: { default: 'sometimes' } }, 'policy.default', '"sometimes"', 'never, always'],
  [
    { recordDecisions: { write: () => undefined, facts: ['locaton'] } },
    'recordDecisions.facts[0]',
    '"locaton"',
    'location',
  ],
  [{ policy: { defaults: 'always' } }, 'policy.defaults', 'an unknown setting', 'default, adaptive, clients'],
  [{ policy: { clients: { app: { floor: '' } } } }, 'policy.clients.app.floor', '""', 'not empty'],
  [{ policy: { clients: { app: { floor: 'gold' } } } }, 'policy.clients.app.floor', '"gold"', standard[1]?.acr ?? ''],
  [
    { policy: { default: 'never', clients: { app: { floor: 'phr' } } } },
    'policy.clients.app.floor',
    '"phr", which no configured factor meets beside a password (it needs phishing-resistant)',
    `${standard[0]?.acr}, ${standard[1]?.acr}`,
  ],
  [
    { policy: { resources: { 'https://api.example': { floor: 'phrh' } } } },
    'policy.resources.https://api.example.floor',
    '"phrh", which no configured factor meets beside a password (it needs phishing-resistant, hardware)',
    MULTI_FACTOR,
  ],
  [
    { levels: [{ acr: 'x', needs: { kinds: 2, without: ['replay-resistant'] } }] },
    'policy.default',
    '"always", whose level "x" no configured factor meets beside a password (it needs 2 kinds, without replay-resistant)',
    '"never", or a factor that meets it',
  ],
  [{ enrollment: 'closed' }, 'enrollment', '"closed"', 'one of open, ticket'],
  [{ factors: [recoveryCodes()] }, 'factors', 'recovery-codes only', 'at least one other factor'],
  [
    { rememberBrowser: true },
    'rememberBrowser',
    'true',
    'false, or an object with lifeSeconds, idleSeconds, perAccount',
  ],
  [{ rememberBrowser: { lifeSeconds: 59 } }, 'rememberBrowser.lifeSeconds', '59', 'from 60 to 34560000'],
  [{ rememberBrowser: { idleSeconds: 34_560_001 } }, 'rememberBrowser.idleSeconds', '34560001', '400 days'],
  [{ rememberBrowser: { perAccount: 0 } }, 'rememberBrowser.perAccount', '0', 'from 1 to 100'],
  [{ rememberBrowser: { days: 30 } }, 'rememberBrowser.days', 'an unknown setting', 'only lifeSeconds'],
  [{ levels: 'nist', rememberBrowser: {} }, 'rememberBrowser', 'an object beside levels "nist"', 'false'],
  [
    { policy: { clients: { bank: { allowRememberBrowser: 1 } } } },
    'policy.clients.bank.allowRememberBrowser',
    '1',
    'true or false',
  ],
  [{ policy: { scopes: { pay: { allowRememberBrowser: false } } } }, 'policy.scopes.pay.floor', 'nothing', 'a text'],
  [{ flowSeconds: 0 }, 'flowSeconds', '0', 'from 1 to 3600'],
  [{ flowSeconds: 3601 }, 'flowSeconds', '3601', 'from 1 to 3600'],
  [{ flowSeconds: '600' }, 'flowSeconds', '"600"', 'from 1 to 3600'],
  [{ clock: 5 }, 'clock', '5', 'a function'],
  [{ sealingKey: KEY }, 'sealingKey', 'an unknown setting', 'sealingKeys'],
]

const messageOf = (change: Readonly<Record<string, unknown>>, base: object = VALID) => {
  try {
    stepUp({ ...base, ...change } as unknown as StepUpOptions)
  } catch (error) {
    assert.ok(error instanceof StepUpError)
    assert.equal(error.code, 'ERR_CONFIG')
    return error.message
  }
  return assert.fail('it was accepted')
}

describe('the options of stepUp()', () => {
  it('are taken with three of them, and with all', () => {
    stepUp(VALID)
    const store = memoryStore()
    const { get, put, take, delete: remove, list } = memoryStore()
    stepUp({
      ...VALID,
      store: { get, put, take, delete: remove, list },
      accounts: store,
      levels: [oneKind, { ...twoKinds, aliases: ['gold'], maxAgeSeconds: 60, overallMaxAgeSeconds: 600 }],
      policy: { default: 'always', clients: { app: { floor: 'gold' } } },
      enrollment: 'open',
      flowSeconds: 3600,
      clock: () => 1,
    })
    stepUp({ ...VALID, levels: [oneKind], policy: { default: 'never' } })
  })

  it('are taken with a floor that only the login can meet where the host says what its login proves', () => {
    const login = () => ({ kinds: ['possession'], traits: ['phishing-resistant'], amr: ['hwk'] }) as const
    stepUp({ ...VALID, login, policy: { clients: { app: { floor: 'phr' } } } })
  })

  for (const [change, where, found, allowed] of MISTAKES)
    it(`are refused in words: ${where}: found ${found}; allowed: ${allowed}`, () => {
      const message = messageOf(change)
      const start = `stepUp(options): ${where}: found ${found}; allowed: `
      assert.equal(message.slice(0, start.length), start)
      assert.ok(message.slice(start.length).includes(allowed), message)
      assert.ok(!message.includes('\n') && message.length < 500, message)
    })

  it('are refused where a key does not have the size or is there twice, and where a factor has no screen', () => {
    assert.match(messageOf({ sealingKeys: ['too-short'] }), /sealingKeys\[0\] must be 32 random bytes in base64url/)
    assert.match(messageOf({ sealingKeys: [KEY, KEY] }), /sealingKeys\[1\] repeats sealingKeys\[0\]/)
    assert.match(messageOf({ factors: [{ ...app, id: 'bare' }] }), /factors: "bare" has no view bare\/challenge\.ejs/)
  })

  it('never show a key or a password, however it was misplaced', () => {
    const secret = Buffer.alloc(32, 9).toString('base64url')
    const misplaced: readonly Readonly<Record<string, unknown>>[] = [
      { sealingKeys: secret },
      { sealingKeys: [[secret]] },
      { sealingKeys: [`${secret}x`] },
      { sealingKeys: [secret, secret] },
      { sealingKeys: { current: secret } },
      { sealingKey: secret },
      { policy: { default: 'always', sealingKeys: [secret] } },
      { factors: [{ ...app, id: 'X', data: { secret } }] },
      { factors: { secret } },
      { levels: { secret } },
      { store: { sealingKey: secret } },
      { store: `redis://user:${secret}@localhost` },
      { accounts: { password: secret } },
    ]
    const messages = misplaced.map((change) => messageOf(change))
    const { account, factors } = VALID
    messages.push(messageOf({ sealingKeys: [secret], account, factors, polices: {} }, {}))
    assert.deepEqual(
      messages.filter((message) => message.includes(secret)).map((message) => message.replaceAll(secret, '<secret>')),
      [],
    )
  })
})

describe('totp({ issuer })', () => {
  for (const issuer of [undefined, '', '  ', 'Acme: Login', 5])
    it(`refuses ${JSON.stringify(issuer)}`, () => {
      assert.throws(() => totp({ issuer: issuer as never }), { code: 'ERR_CONFIG', message: /^totp\(\{ issuer \}\)/ })
    })

  it('is refused without its options, and with one that does not exist', () => {
    for (const nothing of [undefined, null, 'Acme'])
      assert.throws(() => totp(nothing as never), {
        code: 'ERR_CONFIG',
        message: /^totp\(\{ issuer \}\): found nothing/,
      })
    assert.throws(() => totp({ issuer: 'Acme', digits: 8 } as never), {
      code: 'ERR_CONFIG',
      message: 'totp({ digits }): found an unknown setting; allowed: only issuer',
    })
  })
})
