import assert from 'node:assert/strict'
import { chmodSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'
import { systemClock } from '../../src/clock.ts'
import { createSealer } from '../../src/crypto/seal.ts'
import { webPush } from '../../src/senders/web-push.ts'
import { assertHidden, createKeyFolder, refusal } from './key-folder.ts'

const AAD = ['a place']
const quiet = { adapter: memoryAdapter(systemClock), features: { devInteractions: { enabled: false } } }

describe('cli/keys', () => {
  let keep: ReturnType<typeof createKeyFolder>
  beforeEach(() => {
    keep = createKeyFolder()
  })
  afterEach(() => keep.remove())

  it('makes a file that only its owner reads, never over another, and a provider takes it', () => {
    assert.equal(keep.run('make'), undefined)
    assert.equal(keep.mode(), 0o600)
    assert.deepEqual(keep.names(), ['keys.json'])
    assert.match(
      keep.printed.join('\n'),
      /^made sealing key [\w-]{8}\nmade cookie key [\w-]{8}\nmade signing key [\w-]{11}\nmade vapid key [\w-]{11}$/,
    )
    assertHidden(keep.printed.join('\n'), keep.secrets())
    const before = keep.text()
    assert.match(
      refusal(() => keep.run('make')),
      /keys\.json: found a file; allowed: a name that is free/,
    )
    assert.equal(keep.text(), before)
    assert.deepEqual(keep.names(), ['keys.json'])
    const { sealingKeys, cookieKeys, jwks } = keep.load()
    assert.doesNotThrow(() => createSealer(sealingKeys))
    assert.doesNotThrow(() => new Provider('http://localhost', { ...quiet, cookies: { keys: [...cookieKeys] }, jwks }))
  })

  it('puts new keys in front; what the earlier ones made goes on being good', () => {
    keep.run('make')
    const before = keep.load()
    const sealed = createSealer(before.sealingKeys).seal('text', AAD)
    keep.run('rotate sealing signing')
    const after = keep.load()
    assert.deepEqual(after.sealingKeys.slice(1), before.sealingKeys)
    assert.deepEqual(after.jwks.keys.slice(1), before.jwks.keys)
    assert.deepEqual(after.cookieKeys, before.cookieKeys)
    const sealer = createSealer(after.sealingKeys)
    assert.equal(sealer.open(sealed, AAD), 'text')
    assert.notEqual(sealer.seal('text', AAD).slice(0, 12), sealed.slice(0, 12))
    assert.ok(keep.printed.includes(`signing key ${after.jwks.keys[0]?.kid} comes first`))
    keep.run('rotate')
    const { sealingKeys, cookieKeys, jwks } = keep.load()
    assert.deepEqual([sealingKeys.length, cookieKeys.length, jwks.keys.length], [3, 2, 3])
    assertHidden(keep.printed.join('\n'), keep.secrets())
  })

  it('keeps mode and links as they are', () => {
    keep.run('make')
    chmodSync(keep.file, 0o400)
    const link = join(keep.folder, 'link.json')
    symlinkSync('keys.json', link)
    keep.run('rotate', link)
    assert.equal(keep.mode(), 0o400)
    assert.equal(realpathSync(link), keep.file)
    assert.equal(keep.load().sealingKeys.length, 2)
  })

  it('lets every process know a key before it is used: staged behind the first, rotated to the front', () => {
    keep.run('make')
    const [first] = keep.kids()
    keep.run('stage signing')
    const [, next] = keep.kids()
    assert.equal(keep.kids()[0], first)
    keep.run('stage signing')
    assert.deepEqual(keep.kids(), [first, next])
    assert.match(
      refusal(() => keep.run('retire signing')),
      /keys\.json: found one signing key in use; allowed: retiring one/,
    )
    keep.run('rotate signing')
    assert.deepEqual(keep.kids(), [next, first])
    keep.run('rotate signing')
    assert.equal(keep.kids().length, 3)
    assert.deepEqual(keep.kids().slice(1), [next, first])
  })

  it('retires the oldest key and never the last, and keeps the file that a record may still need', () => {
    keep.run('make')
    assert.match(
      refusal(() => keep.run('retire')),
      /found one key of each kind in use; allowed: retiring one of several/,
    )
    keep.run('rotate')
    keep.run('rotate signing')
    const [newest, middle] = keep.kids()
    const before = keep.text()
    keep.run('retire')
    assert.deepEqual(keep.kids(), [newest, middle])
    const { sealingKeys, cookieKeys } = keep.load()
    assert.deepEqual([sealingKeys.length, cookieKeys.length], [1, 1])
    assert.deepEqual([keep.text(`${keep.file}.before`), keep.mode(`${keep.file}.before`)], [before, 0o600])
    assert.match(keep.printed.join('\n'), /sealing key \S+ retired\. .* counts people's records .*put .*\.before back/)
    keep.run('retire signing')
    assert.deepEqual(keep.kids(), [newest])
    assert.match(
      refusal(() => keep.run('retire signing')),
      /found one signing key/,
    )
    keep.run('rotate sealing')
    const rotated = keep.text()
    assert.match(
      refusal(() => keep.run('retire sealing')),
      /keys\.json\.before: found the file before an earlier retirement/,
    )
    assert.equal(keep.text(), rotated)
    rmSync(`${keep.file}.before`)
    keep.run('retire sealing')
    assert.equal(keep.load().sealingKeys.length, 1)
  })

  it('lists ids, kinds, times and uses, and no key', () => {
    keep.run('make')
    keep.run('rotate sealing')
    keep.run('stage cookie')
    keep.printed.length = 0
    keep.run('list')
    const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ'
    const expected = [
      `sealing {2}[\\w-]{8} {5}${time}  seals and opens`,
      `sealing {2}[\\w-]{8} {5}${time}  opens`,
      `cookie {3}[\\w-]{8} {5}${time}  signs and verifies`,
      `cookie {3}[\\w-]{8} {5}${time}  verifies, next`,
      `signing {2}[\\w-]{11} {2}${time}  signs and verifies`,
      `vapid {4}[\\w-]{11} {2}${time}  signs`,
    ]
    assert.match(keep.printed.join('\n'), new RegExp(`^${expected.join('\n')}$`))
    const sealed = createSealer(keep.load().sealingKeys).seal('', AAD)
    assert.ok(keep.printed[0]?.includes(sealed.split('.')[1] ?? 'none'))
    assertHidden(keep.printed.join('\n'), keep.secrets())
  })

  it('prints lines for an environment file where asked to, and writes nothing then', () => {
    keep.run('make', '-')
    assert.deepEqual(keep.names(), [])
    const [sealing = '', cookie = '', jwks = '', publicKey = '', privateKey = '', ...more] = keep.printed
    assert.deepEqual(more, [])
    assert.doesNotThrow(() => createSealer([sealing.replace('SEALING_KEY=', '')]))
    assert.match(cookie, /^COOKIE_KEY=[\w-]{43}$/)
    assert.equal(JSON.parse(jwks.slice("JWKS='".length, -1)).keys[0].alg, 'ES256')
    const pair = {
      publicKey: publicKey.replace('VAPID_PUBLIC_KEY=', ''),
      privateKey: privateKey.replace('VAPID_PRIVATE_KEY=', ''),
    }
    assert.doesNotThrow(() => webPush({ subject: 'mailto:push@example.com', ...pair }))
  })
})
