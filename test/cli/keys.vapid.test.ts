import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { loadVapidKeys } from '../../src/cli/key-file.ts'
import { webPush } from '../../src/senders/web-push.ts'
import { assertHidden, createKeyFolder, refusal } from './key-folder.ts'

describe('cli/keys for pushes', () => {
  let keep: ReturnType<typeof createKeyFolder>
  beforeEach(() => {
    keep = createKeyFolder()
  })
  afterEach(() => keep.remove())
  const load = () => loadVapidKeys(keep.file)
  /** The file as it was made before there were pushes. */
  const olden = (more = {}) => {
    const { vapid: _, ...ring } = JSON.parse(keep.text())
    writeFileSync(keep.file, JSON.stringify({ ...ring, ...more }))
  }

  it('makes a key pair that the sender takes, and shows nothing of it', () => {
    keep.run('make')
    assert.deepEqual(Object.keys(load()), ['publicKey', 'privateKey'])
    assert.doesNotThrow(() => webPush({ subject: 'mailto:push@example.com', ...load() }))
    assert.deepEqual(Object.keys(keep.load()), ['sealingKeys', 'cookieKeys', 'jwks'])
    keep.run('list')
    assertHidden(keep.printed.join('\n'), [load().privateKey])
  })

  it('leaves it alone whatever is done with the others, unless it is asked for by name', () => {
    keep.run('make')
    const before = load()
    for (const action of ['stage', 'rotate', 'rotate', 'retire', 'rotate sealing cookie signing']) keep.run(action)
    assert.deepEqual(load(), before)
    assert.equal(keep.load().sealingKeys.length, 3)
    keep.run('rotate vapid')
    assert.notDeepEqual(load(), before)
    assert.match(keep.printed.join('\n'), /vapid key [\w-]{11} comes first\nBrowsers that subscribed with an earlier/)
    keep.run('retire vapid')
    assert.match(keep.printed.join('\n'), /vapid key [\w-]{11} retired\. Nothing was sent with it any more\.$/)
    assert.match(
      refusal(() => keep.run('retire vapid')),
      /found one vapid key in use; allowed: retiring one of several/,
    )
  })

  it('adds one to a file from before there were pushes', () => {
    keep.run('make')
    olden()
    assert.equal(keep.load().sealingKeys.length, 1)
    assert.match(refusal(load), /keys\.json: found no VAPID key; allowed: one, from oidc-step-up keys rotate vapid$/)
    keep.run('rotate')
    assert.match(refusal(load), /found no VAPID key/)
    keep.run('rotate vapid')
    assert.doesNotThrow(() => webPush({ subject: 'mailto:push@example.com', ...load() }))
  })

  it('stages the first of a file as the first', () => {
    keep.run('make')
    olden()
    keep.run('stage vapid')
    assert.match(keep.printed.join('\n'), /vapid key [\w-]{11} comes first\nRestart every process/)
    assert.doesNotThrow(() => load())
  })

  it('refuses a pair of another shape, and quotes nothing of it', () => {
    keep.run('make')
    for (const key of ['S3CRET', { kid: 'a', crv: 'P-521', d: 'S3CRET' }, { kid: 'a', crv: 'P-256', x: 'S3CRET' }]) {
      olden({ vapid: [{ key, madeAt: 1 }] })
      assert.match(refusal(load), /: vapid\[0\]\.key.*: found something else; allowed: a private JSON Web Key on P-256/)
      assertHidden(refusal(load), ['S3CRET'])
    }
  })
})
