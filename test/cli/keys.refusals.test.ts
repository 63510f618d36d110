import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keys } from '../../src/cli/keys.ts'
import { assertHidden, createKeyFolder, refusal } from './key-folder.ts'

/** Rotates until it is killed, a line for each time. */
const ROTATING = `
import { keys } from ${JSON.stringify(new URL('../../src/cli/keys.ts', import.meta.url).href)}
import { writeSync } from 'node:fs'
for (;;) {
  keys(['rotate', 'cookie'], process.argv[1], () => {})
  writeSync(1, 'x')
}`

describe('cli/keys that refuses', () => {
  let keep: ReturnType<typeof createKeyFolder>
  beforeEach(() => {
    keep = createKeyFolder()
  })
  afterEach(() => keep.remove())

  it('leaves a whole file behind whenever it is killed', async () => {
    keep.run('make')
    const program = spawn(
      process.execPath,
      ['--import', 'ts-blank-space/register', '--input-type=module', '--eval', ROTATING, keep.file],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let rotations = 0
    program.stdout.on('data', (chunk) => {
      rotations += chunk.length
      if (rotations > 10) program.kill('SIGKILL')
    })
    await once(program, 'close')
    // The one that was cut short counts or does not.
    const more = keep.load().cookieKeys.length - 1 - rotations
    assert.ok(more === 0 || more === 1, `${more}`)
    assert.equal(keep.mode(), 0o600)
    rmSync(`${keep.file}.new`, { force: true })
    keep.run('rotate')
  })

  it('loses nothing to a run that was interrupted, and refuses a second one beside it', () => {
    keep.run('make')
    const before = keep.text()
    writeFileSync(`${keep.file}.new`, '{"sealing": [{"ke')
    for (const command of ['rotate', 'stage', 'retire'])
      assert.match(
        refusal(() => keep.run(command)),
        /keys\.json\.new: found a file of another run; allowed: none; delete it/,
      )
    assert.equal(keep.text(), before)
    assert.equal(keep.load().sealingKeys.length, 1)
    rmSync(`${keep.file}.new`)
    keep.run('rotate')
    assert.deepEqual(keep.names(), ['keys.json'])
  })

  const shapes: [name: string, content: (ring: never) => unknown, message: RegExp][] = [
    [
      'no JSON',
      () => '{"sealing": [{"key": "S3CRET',
      /keys\.json: found no JSON; allowed: a file of oidc-step-up keys/,
    ],
    ['nothing', () => '', /keys\.json: found no JSON/],
    ['another JSON', () => '"S3CRET"', /keys\.json: found something else; allowed: an object$/],
    [
      'a bare list',
      () => ({ sealing: ['S3CRET'], cookie: [], signing: [] }),
      /keys\.json: sealing\[0\]: found something/,
    ],
    [
      'no cookie keys',
      (ring) => ({ ...(ring as object), cookie: [] }),
      /: cookie: found .*; allowed: at least one key$/,
    ],
    [
      'a short key',
      (ring) => ({ ...(ring as object), sealing: [{ key: 'S3CRET', madeAt: 1 }] }),
      /: sealing\[0\]\.key: found something else; allowed: 32 random bytes in base64url, which is 43 characters$/,
    ],
    [
      'a public signing key',
      (ring) => ({ ...(ring as object), signing: [{ key: { kty: 'EC', kid: 'S3CRET' }, madeAt: 1 }] }),
      /: signing\[0\]\.key\.d: found/,
    ],
    [
      'an unknown setting',
      (ring) => ({ ...(ring as object), S3CRET: 1 }),
      /: found something else; allowed: only sealing, /,
    ],
  ]
  for (const [name, content, message] of shapes) {
    it(`refuses ${name}, and quotes nothing of it`, () => {
      keep.run('make')
      const changed = content(JSON.parse(keep.text()) as never)
      writeFileSync(keep.file, typeof changed === 'string' ? changed : JSON.stringify(changed))
      for (const work of [() => keep.load(), () => keep.run('rotate'), () => keep.run('list')]) {
        assert.match(refusal(work), message)
        assertHidden(refusal(work), ['S3CRET'])
      }
      assert.deepEqual(keep.names(), ['keys.json'])
    })
  }

  it('names a file that is out of reach', () => {
    const missing = /keys\.json: found it out of reach \(ENOENT\); allowed: a file of oidc-step-up keys make/
    for (const work of [() => keep.load(), () => keep.run('rotate'), () => keep.run('list')])
      assert.match(refusal(work), missing)
    mkdirSync(keep.file, 0o700)
    assert.match(
      refusal(() => keep.load()),
      /keys\.json: found it out of reach \(EISDIR\)/,
    )
    assert.match(
      refusal(() => keep.run('make', join(keep.folder, 'no', 'keys.json'))),
      /no\/keys\.json: found it .*\(ENOENT\)/,
    )
  })

  it('refuses a file that others can read, as OpenSSH does', function posix() {
    if (process.platform === 'win32') this.skip()
    keep.run('make')
    for (const open of [0o640, 0o604, 0o660]) {
      chmodSync(keep.file, open)
      const message = new RegExp(`keys\\.json: found mode 0${open.toString(8)}, which .*; allowed: 0600, by chmod 600 `)
      for (const work of [() => keep.load(), () => keep.run('rotate'), () => keep.run('list')])
        assert.match(refusal(work), message)
    }
    assert.equal(existsSync(`${keep.file}.new`), false)
  })

  const mistakes: [command: string, usage: RegExp][] = [
    ['', /^keys needs one of make, stage, rotate, retire, list$/],
    ['dance', /^keys needs one of/],
    ['toString', /^keys needs one of/],
    ['rotate tls', /^unexpected argument "tls"$/],
    ['list sealing', /^unexpected argument "sealing"$/],
    ['make signing', /^unexpected argument "signing"$/],
  ]
  for (const [command, usage] of mistakes) {
    it(`does not understand "keys ${command}"`, () => {
      assert.match(keep.run(command) ?? 'understood', usage)
      assert.deepEqual(keep.names(), [])
    })
  }

  it('wants a file to be named', () => {
    for (const name of ['make', 'list', 'rotate'])
      assert.equal(
        keys([name], undefined, () => undefined),
        `keys ${name} needs --file FILE`,
      )
  })
})
