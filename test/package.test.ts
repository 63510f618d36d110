import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
const manifest: { files: string[] } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))

/** What the main entry offers at run time, and its types; one name more or less is a decision, noted here. */
const VALUES = [
  'MULTI_FACTOR',
  'PHISHING_RESISTANT',
  'PHISHING_RESISTANT_HARDWARE',
  'SINGLE_FACTOR',
  'StepUpError',
  'nist',
  'standard',
  'stepUp',
]
const TYPES = `
  Account AccountAdministration AccountEntry AccountEvent AccountOverview Accounts AcrValuesReading AnyFactor Authenticator
  AuthenticatorOverview Ceremony CeremonyContext Change Clock Decision EnrolledBy Enrollment ErrorCode EventCatalogue EventName Events
  Evidence Factor FactorEvent FirstStep FloorTable Input Kind Level LevelTrace ListedBrowser Listener MaxAgeReading Message Needs Policy
  Preset Proof PutOptions Reason Refusal RefusalError RememberBrowser RequestPair Sender SessionLevel Step StepUp StepUpOptions Store
  StoreEntry StoreKey TicketLink Trace Trait
`

const MAX_UNPACKED_BYTES = 700_000

// Under measurement the compiler and npm would write their coverage too, and take ten times as long.
const { NODE_V8_COVERAGE: _coverage, ...env } = process.env

describe('the package', () => {
  let copy = ''

  const run = (command: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, env, encoding: 'utf8' })
    assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`)
    return stdout
  }
  const runModule = (code: string) => run(process.execPath, '--input-type=module', '--eval', code)
  const modulesIn = (folder: string) =>
    readdirSync(path.join(copy, 'dist', folder))
      .filter((file) => file.endsWith('.js'))
      .map((file) => `oidc-step-up/${folder}/${path.basename(file, '.js')}`)

  before('build a copy', function () {
    this.timeout('3m')
    copy = mkdtempSync(path.join(tmpdir(), 'oidc-step-up-package-'))
    const parts = [...manifest.files, 'package.json', 'README.md', 'LICENSE', 'src', 'test/package.test.ts']
    for (const part of parts.filter((name) => name !== 'dist' && existsSync(path.join(root, name)))) {
      cpSync(path.join(root, part), path.join(copy, part), { recursive: true })
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'), 'junction')
    run(process.execPath, compiler, '-p', path.join(root, 'src'), '--outDir', path.join(copy, 'dist'))
  })

  after(() => rmSync(copy, { recursive: true, force: true }))

  it('offers these values at its main entry, and no other', () => {
    const names = runModule("console.log(JSON.stringify(Object.keys(await import('oidc-step-up'))))")
    assert.deepEqual(JSON.parse(names).sort(), VALUES)
  })

  it('offers these types at its main entry, and no other', () => {
    const index = readFileSync(path.join(root, 'src/index.ts'), 'utf8')
    const groups = [...index.matchAll(/export (type )?\{([^}]*)\}/g)]
    const names = groups.flatMap(([, allTypes, list = '']) =>
      list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && (allTypes || name.startsWith('type ')))
        .map((name) => name.replace(/^type /, '')),
    )
    assert.deepEqual(names.sort(), TYPES.trim().split(/\s+/))
  })

  it('loads every public module, and has its types', () => {
    const single = ['oidc-step-up', 'oidc-step-up/serve', 'oidc-step-up/testing']
    const specifiers = [...single, ...modulesIn('factors'), ...modulesIn('store')]
    const code = specifiers.map(
      (specifier) => `await import('${specifier}'); console.log(import.meta.resolve('${specifier}'))`,
    )
    const urls = runModule(code.join('\n')).trim().split('\n')
    assert.equal(urls.length, specifiers.length)
    for (const url of urls) assert.ok(existsSync(fileURLToPath(url.replace(/\.js$/, '.d.ts'))), url)
  })

  it('has every module that the README imports', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    const specifiers = [...readme.matchAll(/from '(oidc-step-up[^']*)'/g)].map(([, specifier]) => specifier)
    assert.ok(specifiers.includes('oidc-step-up'))
    runModule(specifiers.map((specifier) => `await import('${specifier}')`).join('\n'))
  })

  it('ships what runs and what is read, nothing else, within its size', () => {
    const [packed] = JSON.parse(run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts'))
    const names: string[] = packed.files.map((file: { path: string }) => file.path)
    const shipped = new Set(names.map((name) => name.split('/')[0]))
    const known = new Set([...manifest.files, 'LICENSE', 'README.md', 'package.json'])
    assert.deepEqual([...shipped].sort(), [...known].sort())
    assert.ok(names.includes('dist/index.js'))
    assert.ok(names.includes('dist/cli/main.js'))
    assert.ok(names.some((name) => /^views\/.*\.ejs$/.test(name)))
    assert.ok(packed.unpackedSize <= MAX_UNPACKED_BYTES, `${packed.unpackedSize} bytes unpacked`)
  })

  it('pins its dependencies by content and names no registry', () => {
    const lock = readFileSync(path.join(root, 'package-lock.json'), 'utf8')
    assert.doesNotMatch(lock, /"resolved"/)
    const packages: Record<string, { integrity?: string; os?: string[] }> = JSON.parse(lock).packages
    // A build tool's binaries for other platforms are pinned by version alone.
    const unpinned = Object.entries(packages).filter(([name, { integrity, os }]) => name && !integrity && !os)
    assert.deepEqual(unpinned, [])
  })
})
