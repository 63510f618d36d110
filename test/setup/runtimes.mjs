import 'ts-blank-space/register'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { typedConsumer } from './consumer/types.mjs'

const { optionalPeersOf, packagesReached, publicModules, readManifest } = await import('../support/published.ts')

/** Node releases the package promises to run on. */
const RELEASES = [20, 22, 24]
const COMMAND_SECONDS = 180
const TOTAL_SECONDS = 900

const root = fileURLToPath(new URL('../..', import.meta.url))
const consumer = fileURLToPath(new URL('consumer', import.meta.url))
const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
const folder = mkdtempSync(path.join(tmpdir(), 'oidc-step-up-runtimes-'))
const deadline = performance.now() + TOTAL_SECONDS * 1000

// Where a script of npm starts this one, npm's children would take this package for theirs.
const { npm_config_local_prefix: _prefix, INIT_CWD: _cwd, NODE_OPTIONS: _options, ...env } = process.env

const run = (command, args, { cwd, bin = '', variables = {} }) => {
  const timeout = Math.max(1, Math.min(COMMAND_SECONDS * 1000, deadline - performance.now()))
  const PATH = [bin, env.PATH].filter(Boolean).join(path.delimiter)
  const options = { cwd, env: { ...env, ...variables, PATH }, encoding: 'utf8', timeout, killSignal: 'SIGKILL' }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (status === 0) return stdout
  const reason = error?.message ?? `${path.basename(command)} ${args.slice(0, 2).join(' ')} ended with ${status}`
  throw new Error([reason, stderr?.trim() || stdout].join('\n'))
}

const count = { passed: 0, failed: 0 }

/** One line for one check; what a check returns is said on its line. */
const check = (title, body) => {
  try {
    const note = body()
    count.passed += 1
    console.log(`ok      ${title}${note ? `: ${note}` : ''}`)
  } catch (error) {
    count.failed += 1
    console.log(`FAILED  ${title}\n${error.message.trim().replace(/^/gm, '        ')}`)
  }
}

/** Builds and packs a copy, as publishing does, so that nobody's `dist` changes under their feet. */
const pack = () => {
  const copy = path.join(folder, 'copy')
  mkdirSync(copy)
  const parts = [...readManifest(root).files, 'package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'src']
  for (const part of parts.filter((name) => name !== 'dist' && existsSync(path.join(root, name))))
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true })
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'), 'junction')
  const options = ['--json', '--foreground-scripts=false', '--pack-destination', folder]
  const [packed] = JSON.parse(run('npm', ['pack', ...options], { cwd: copy }))
  return { ...packed, file: path.join(folder, packed.filename) }
}

/** A fresh project with the tarball and these packages from the registry. */
const createProject = (name, packages) => {
  const cwd = path.join(folder, name)
  mkdirSync(cwd)
  writeFileSync(path.join(cwd, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  for (const file of ['import.mjs', 'require.cjs', 'missing.mjs', 'journey.mjs'])
    cpSync(path.join(consumer, file), path.join(cwd, file))
  run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', ...packages], { cwd })
  const installed = path.join(cwd, 'node_modules/oidc-step-up')
  const manifest = readManifest(installed)
  const peers = optionalPeersOf(manifest)
  const missing = (file) => packagesReached(installed, file, 'atOnce').filter((name) => peers.includes(name))
  const modules = publicModules(installed).map(({ specifier, file }) => ({ specifier, needs: missing(file) }))
  return {
    cwd,
    version: manifest.version,
    command: path.join(installed, manifest.bin['oidc-step-up']),
    all: modules.map(({ specifier }) => specifier),
    plain: modules.filter(({ needs }) => needs.length === 0).map(({ specifier }) => specifier),
    special: modules.filter(({ needs }) => needs.length > 0),
  }
}

/** The lowest version of a range that the registry has. */
const oldestOf = (peer, range) => {
  const found = JSON.parse(run('npm', ['view', `${peer}@${range}`, 'version', '--json'], { cwd: folder }))
  return [found].flat()[0]
}

const nodeOf = (release) => {
  if (Number.parseInt(process.versions.node, 10) === release) return process.execPath
  return run('npx', ['-y', `node@${release}`, '-p', 'process.execPath'], { cwd: folder }).trim()
}

/** Runs a consumer. Its answer is its last line: the provider says its own in front. */
const consume = (node, file, cwd, specifiers) =>
  JSON.parse(
    run(node, [file, ...specifiers], { cwd })
      .trim()
      .split('\n')
      .at(-1),
  )

/** Served by the tarball: the host's login page, then the plugin's own page with its style sheet. */
const assertServed = ({ paths, status, heading, styles, acrValues }) => {
  assert.deepEqual(paths, ['/login', '/auth/:uid', '/mfa/:uid'])
  assert.deepEqual({ status, styles }, { status: 200, styles: 200 }, heading)
  assert.match(heading, /^Set up/)
  assert.ok(acrValues.includes('phr'))
}

const checkComplete = (node, title, { cwd, all, version }) => {
  let names
  check(title('imports every module and serves a sign-in'), () => {
    const { modules, journey } = consume(node, 'import.mjs', cwd, all)
    assertServed(journey)
    names = modules
    return `${all.length} modules, ${Object.values(modules).flat().length} values`
  })
  check(title('requires every module, finds the very same values and serves a sign-in'), () => {
    const { modules, journey } = consume(node, 'require.cjs', cwd, all)
    assertServed(journey)
    assert.deepEqual(modules, names)
  })
  check(title('runs the command of the package'), () => {
    const said = run('npx', ['--no-install', 'oidc-step-up', '--version'], { cwd, bin: path.dirname(node) }).trim()
    assert.equal(said, version)
    return said
  })
}

const checkBare = (node, title, { cwd, plain, special, command }) => {
  for (const file of ['import.mjs', 'require.cjs'])
    check(title(`${path.parse(file).name}s without the optional peers what needs none, and serves a sign-in`), () => {
      assertServed(consume(node, file, cwd, plain).journey)
      return `${plain.length} modules`
    })
  for (const { specifier, needs } of special)
    check(title(`says what ${specifier} misses`), () => {
      const messages = consume(node, 'missing.mjs', cwd, [specifier])
      for (const message of messages) for (const peer of needs) assert.ok(message.includes(`'${peer}'`), message)
      return messages[0].split('\n', 1)[0].replaceAll(cwd, '')
    })
  if (special.some(({ needs }) => needs.includes('redis')))
    check(title('says what the command misses'), () => {
      const variables = { REDIS_URL: 'redis://127.0.0.1:9' }
      assert.throws(() => run(node, [command, 'demo'], { cwd, variables }), /npm install redis/)
    })
}

const checkRuntime = (release, complete, bare) => {
  const node = nodeOf(release)
  const version = run(node, ['--version'], { cwd: folder }).trim()
  const title = (text) => `Node ${version.slice(1)} ${text}`
  checkComplete(node, title, complete)
  checkBare(node, title, bare)
}

const checkTypes = (title, { cwd, specifiers, moduleResolution, exactOptionalPropertyTypes }) =>
  check(`types ${title}, ${moduleResolution}, exactOptionalPropertyTypes ${exactOptionalPropertyTypes}`, () => {
    const isNode = moduleResolution === 'nodenext'
    const files = isNode ? ['consumer.ts', 'consumer.cts'] : ['consumer.ts']
    for (const file of files) writeFileSync(path.join(cwd, file), typedConsumer(specifiers))
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023'],
      module: isNode ? 'nodenext' : 'preserve',
      moduleResolution,
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes,
    }
    writeFileSync(path.join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    run(process.execPath, [compiler, '-p', cwd], { cwd })
  })

const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`

const main = () => {
  const { file, size, unpackedSize } = pack()
  console.log(`${path.basename(file)}: ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`)
  const manifest = readManifest(root)
  const { peerDependencies } = manifest
  const optional = optionalPeersOf(manifest)
  const required = Object.keys(peerDependencies).filter((peer) => !optional.includes(peer))
  const newest = Object.entries(peerDependencies).map(([peer, range]) => `${peer}@${range}`)
  const oldest = required.map((peer) => `${peer}@${oldestOf(peer, peerDependencies[peer])}`)
  const complete = createProject('with-optional-peers', [file, ...newest])
  const bare = createProject('without-optional-peers', [file, ...oldest])
  check('no optional peer comes by itself', () => {
    const present = optional.filter((peer) => existsSync(path.join(bare.cwd, 'node_modules', peer)))
    assert.deepEqual(present, [])
    return `${newest.join(' ')} in one project, ${oldest.join(' ')} in the other`
  })
  for (const release of RELEASES) checkRuntime(release, complete, bare)
  for (const moduleResolution of ['nodenext', 'bundler'])
    for (const exactOptionalPropertyTypes of [true, false])
      checkTypes('of every module', {
        cwd: complete.cwd,
        specifiers: complete.all,
        moduleResolution,
        exactOptionalPropertyTypes,
      })
  const strictest = { moduleResolution: 'nodenext', exactOptionalPropertyTypes: true }
  checkTypes('without the optional peers', { cwd: bare.cwd, specifiers: bare.plain, ...strictest })
}

try {
  main()
} catch (error) {
  count.failed += 1
  console.log(`FAILED  ${error.message}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${count.passed} passed, ${count.failed} failed`)
process.exitCode = count.failed === 0 ? 0 : 1
