import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileDocuments } from './support/documented-code.ts'
import { filesBelow, optionalPeersOf, packagesReached, publicModules, readManifest } from './support/published.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
const manifest = readManifest(root)

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
  Account AccountAdministration AccountEntry AccountEvent AccountOverview Accounts AcrValuesReading AdaptivePolicy
  AnyFactor AskedEvidence Assessor Authenticator AuthenticatorOverview Awaits Budget Ceremony CeremonyContext
  Change Channel ClientPolicy Clock Decision DecisionRecorder Devices EnrolledBy Enrollment ErrorCode
  EventCatalogue EventName Events Evidence Explain ExplainedAccount ExplainedFactor ExplainedLevel ExplainedRequest
  Explanation Factor FactorEvent FirstStep FloorTable Geo Identification IdentificationContext Input Kind Level
  LevelTrace ListedBrowser Listener LoginProof MaxAgeReading Message Missing Needs OfferReason Offers
  OutgoingMessage OverallConfidence PasskeyLogin PasskeyLoginPage Pieces Policy PolicyTrace Preset Proof PutOptions
  Question Reason Receipt Refusal RefusalError RememberBrowser RequestPair Risk RuleTrace Sender SessionLevel
  Statement StatementFault Step StepUp StepUpMiddleware StepUpOptions Store StoreEntry StoreKey TicketLink Trace
  Trait Transaction TrialTrace Upstream
`

/** Which public modules load a peer that may be absent; one more is a decision, noted here. */
const NEED_OPTIONAL_PEERS: Readonly<Record<string, readonly string[]>> = {
  'oidc-step-up/factors/sms': ['libphonenumber-js'],
  'oidc-step-up/factors/webauthn': ['@simplewebauthn/server', '@simplewebauthn/browser'],
  'oidc-step-up/geo/maxmind': ['maxmind'],
  'oidc-step-up/senders/smtp': ['nodemailer'],
  'oidc-step-up/senders/twilio': ['twilio', 'libphonenumber-js'],
  'oidc-step-up/senders/web-push': ['web-push'],
  'oidc-step-up/store/redis': ['redis'],
  'oidc-step-up/store/redis-adapter': ['redis'],
}
/** Which load it only once their configuration asks for it. */
const MAY_ASK_FOR_OPTIONAL_PEERS: Readonly<Record<string, readonly string[]>> = { 'oidc-step-up/serve': ['redis'] }

/** What is compiled of what we write about ourselves. */
const DOCUMENTS = [
  'README.md',
  'docs/auth0.md',
  'docs/ciba.md',
  'docs/explain.md',
  'docs/factors.md',
  'docs/policy.md',
  'docs/replay.md',
]

const MAX_UNPACKED_BYTES = 2_000_000

/** Where things lie on somebody's machine. */
const PLACES = /file:\/\/|(?<![\w.-])\/(?:home|Users|root|tmp|work|mnt|private|var|opt)\/|\b[A-Z]:\\\\/

/**
 * Loads modules in both ways and prints what each offers and what loading it left behind: output, warnings, timers and
 * other open resources, listeners of the process, globals. The provider comes first: what it says is its own.
 */
const LOADER = `
  import { createRequire } from 'node:module'
  import path from 'node:path'
  import { setImmediate as nextTurn } from 'node:timers/promises'
  await import('oidc-provider')
  const require = createRequire(path.resolve('consumer.cjs'))
  const print = process.stdout.write.bind(process.stdout)
  const said = []
  for (const stream of [process.stdout, process.stderr]) stream.write = (text) => said.push(String(text))
  process.on('warning', ({ message }) => said.push(message))
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const original = globalThis[name]
    globalThis[name] = (...args) => {
      said.push(name)
      return original(...args)
    }
  }
  const state = () => [
    ...process.getActiveResourcesInfo().map((name, index, all) => name + all.slice(0, index).filter((one) => one === name).length),
    ...process.eventNames().map((name) => String(name) + process.listenerCount(name)),
    ...Reflect.ownKeys(globalThis).map(String),
  ]
  const loads = []
  for (const specifier of process.argv.slice(1)) {
    const before = new Set(state())
    const imported = await import(specifier)
    await nextTurn()
    const left = [...state().filter((trace) => !before.has(trace)), ...said.splice(0)]
    const required = require(specifier)
    const names = Object.keys(imported)
    const same = names.every((name) => required[name] === imported[name])
    loads.push({ specifier, names, required: Object.keys(required), same, left })
  }
  print(JSON.stringify(loads))
`

/** What {@link LOADER} tells of one module. */
interface Load {
  readonly specifier: string
  readonly names: readonly string[]
  readonly required: readonly string[]
  readonly same: boolean
  /** Every trace of its loading. */
  readonly left: readonly string[]
}

// Under measurement the compiler and npm would write their coverage too, and take ten times as long.
const { NODE_V8_COVERAGE: _coverage, ...env } = process.env

describe('the package', () => {
  let copy = ''

  const run = (command: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, env, encoding: 'utf8' })
    assert.equal(status, 0, `${command} ${args.slice(0, 2).join(' ')}\n${stdout}${stderr}`)
    return stdout
  }
  const modules = () => publicModules(copy)
  const specifiers = () => modules().map(({ specifier }) => specifier)
  const runModule = (code: string, ...args: readonly string[]) =>
    run(process.execPath, '--input-type=module', '--eval', code, ...args)
  let loads: readonly Load[] | undefined
  const load = () => {
    loads ??= JSON.parse(runModule(LOADER, ...specifiers())) as readonly Load[]
    return loads
  }
  let packed: { readonly files: readonly { readonly path: string }[]; readonly unpackedSize: number } | undefined
  const pack = () => {
    packed ??= JSON.parse(run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts'))[0]
    return packed
  }

  before('build a copy', function () {
    this.timeout('3m')
    copy = mkdtempSync(path.join(tmpdir(), 'oidc-step-up-package-'))
    const parts = [...manifest.files, 'package.json', 'README.md', 'LICENSE', 'src', 'test/package.test.ts']
    for (const part of parts.filter((name) => name !== 'dist' && existsSync(path.join(root, name)))) {
      cpSync(path.join(root, part), path.join(copy, part), { recursive: true })
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'), 'junction')
    // Its types are judged elsewhere, and take most of the time.
    run(process.execPath, compiler, '-p', path.join(root, 'src'), '--outDir', path.join(copy, 'dist'), '--noCheck')
  })

  after(() => rmSync(copy, { recursive: true, force: true }))

  it('offers these values at its main entry, and no other', () => {
    const main = load().find(({ specifier }) => specifier === 'oidc-step-up')
    assert.deepEqual(main?.names.toSorted(), VALUES)
  })

  it('offers these types at its main entry, and no other', () => {
    const index = readFileSync(path.join(root, 'src/index.ts'), 'utf8')
    const groups = [...index.matchAll(/export (type )?\{([^}]*)\}/g)]
    const wholeIn = (text: string, folder: string): string[] =>
      [...text.matchAll(/export type \* from '\.\/([^']*)'/g)].flatMap(([, file = '']) => {
        const at = path.join(folder, file)
        const found = readFileSync(at, 'utf8')
        const own = [...found.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name = '']) => name)
        return [...own, ...wholeIn(found, path.dirname(at))]
      })
    const whole = wholeIn(index, path.join(root, 'src'))
    const named = groups.flatMap(([, allTypes, list = '']) =>
      list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && (allTypes || name.startsWith('type ')))
        .map((name) => name.replace(/^type /, '')),
    )
    const names = [...named, ...whole]
    assert.deepEqual(names.sort(), TYPES.trim().split(/\s+/))
  })

  it('has every file that its manifest names', () => {
    const named = modules().flatMap(({ file, types }) => [file, types])
    const shipped = new Set(pack()?.files.map((file) => file.path))
    assert.ok(named.length > 10)
    assert.deepEqual(
      [...named, ...Object.values(manifest.bin)].filter((file) => !shipped.has(path.posix.normalize(file))),
      [],
    )
  })

  it('gives the very same values to import and to require', () => {
    assert.deepEqual(
      load().map(({ specifier }) => specifier),
      specifiers(),
    )
    for (const { specifier, names, required, same } of load()) {
      assert.deepEqual(required, names, specifier)
      assert.ok(same, specifier)
    }
  })

  it('does nothing when it is loaded: prints, waits for and leaves behind nothing', () => {
    // The library that reads configurations keeps its own registry there, and that for WebAuthn the
    // helpers of tslib, that for Twilio its dispatcher.
    const foreign = /^__(?:zod_global|[a-z]+[A-Za-z]*$)|^Symbol\(undici\./
    for (const { specifier, left } of load())
      assert.deepEqual(
        left.filter((trace) => !foreign.test(trace)),
        [],
        specifier,
      )
  })

  it('has every module that the README imports', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    const imported = [...readme.matchAll(/from '(oidc-step-up[^']*)'/g)].map(([, specifier = '']) => specifier)
    assert.ok(imported.includes('oidc-step-up'))
    assert.deepEqual(
      imported.filter((specifier) => !specifiers().includes(specifier)),
      [],
    )
  })

  it('is used by the README and its docs in no TypeScript that a strict compiler refuses', function slow() {
    this.timeout('120s')
    const { count, problems } = compileDocuments(copy, DOCUMENTS)
    assert.deepEqual(problems, [])
    assert.ok(count > 15)
  })

  it('keeps every other module to itself', () => {
    const open = new Set(modules().map(({ file }) => file))
    const inner = filesBelow(copy, 'dist').filter((file) => file.endsWith('.js') && !open.has(file))
    assert.ok(inner.length > 50)
    const tries = inner.flatMap((file) => {
      const bare = file.slice('dist/'.length)
      return [file, bare, bare.slice(0, -'.js'.length)].map((name) => `oidc-step-up/${name}`)
    })
    const code = `
      import { existsSync } from 'node:fs'
      const found = process.argv.slice(1).filter((specifier) => {
        try { return existsSync(new URL(import.meta.resolve(specifier))) } catch { return false }
      })
      console.log(JSON.stringify(found))
    `
    assert.deepEqual(JSON.parse(runModule(code, ...tries)), [])
    // A folder inside a folder is an inner room, whatever a pattern lets through.
    assert.deepEqual(
      specifiers().filter((specifier) => specifier.split('/').length > 3),
      [],
    )
  })

  it('leads to nothing but its dependencies and peers, to an optional peer only where that is needed', () => {
    const optional = optionalPeersOf(manifest)
    const always = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
    const declared = always.filter((name) => !optional.includes(name))
    for (const { specifier, file } of modules()) {
      const needed = NEED_OPTIONAL_PEERS[specifier] ?? []
      const asked = [...needed, ...(MAY_ASK_FOR_OPTIONAL_PEERS[specifier] ?? [])]
      const strange = (names: readonly string[], allowed: readonly string[]) =>
        names.filter((name) => !declared.includes(name) && !(optional.includes(name) && allowed.includes(name)))
      assert.deepEqual(strange(packagesReached(copy, file, 'atOnce'), needed), [], specifier)
      assert.deepEqual(strange(packagesReached(copy, file), asked), [], specifier)
    }
  })

  it('brings the types that its declarations mention', () => {
    const typesOf = (name: string) => {
      const described = readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8')
      // Declarations beside the code need no mention.
      const beside = existsSync(path.join(root, 'node_modules', name, 'esm/index.d.ts'))
      return beside || described.includes('"types"') ? name : `@types/${name.replace(/^@(.*)\//, '$1__')}`
    }
    const optional = optionalPeersOf(manifest)
    const present = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    for (const { specifier, types } of modules()) {
      const allowed = NEED_OPTIONAL_PEERS[specifier] ?? []
      const mentioned = packagesReached(copy, types).map(typesOf)
      const missing = (name: string) => !present.includes(name) || (optional.includes(name) && !allowed.includes(name))
      assert.deepEqual(mentioned.filter(missing), [], specifier)
    }
  })

  it('ships what its source compiles to, its views and its papers, nothing else, within its size', () => {
    const source = filesBelow(root, 'src')
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.replace(/^src\//, 'dist/').replace(/\.ts$/, ''))
    const compiled = source.flatMap((file) => [`${file}.d.ts`, `${file}.js`])
    const isFile = (name: string) => /\.(?:md|json)$/.test(name)
    const folders = manifest.files.filter((name) => !isFile(name) && name !== 'dist')
    const papers = [...manifest.files.filter(isFile), 'LICENSE', 'README.md', 'package.json']
    const read = folders
      .flatMap((name) => filesBelow(root, name))
      .filter((file) => /\.(?:css|ejs|html|js|json|svg|webmanifest)$/.test(file))
    const expected = [...compiled, ...read, ...papers]
    assert.deepEqual(
      pack()
        ?.files.map((file) => file.path)
        .toSorted(),
      expected.toSorted(),
    )
    const unpackedSize = pack()?.unpackedSize ?? Number.POSITIVE_INFINITY
    assert.ok(unpackedSize <= MAX_UNPACKED_BYTES, `${unpackedSize} bytes unpacked`)
  })

  it('names no place of the machine that built it', () => {
    for (const { path: file } of pack()?.files ?? []) {
      const text = readFileSync(path.join(copy, file), 'utf8')
      const [place] = PLACES.exec(text) ?? [root, copy].filter((name) => text.includes(name))
      assert.equal(place, undefined, file)
    }
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
