import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, holdPort } from './free-port.ts'
import { launch, ready, run } from './program.ts'

describe('cli/main', function slow() {
  this.timeout('60s')

  it('shows help and version', async () => {
    const help = await run(['--help'])
    assert.equal(help.code, 0)
    assert.match(help.out, /serve --config FILE/)
    assert.match((await run(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
  })

  const mistakes: [args: string[], code: number, err: RegExp][] = [
    [[], 2, /^oidc-step-up: a command is missing; see oidc-step-up --help\n$/],
    [['dance'], 2, /^oidc-step-up: unknown command "dance"; see/],
    [['demo', '--loud'], 2, /^oidc-step-up: Unknown option '--loud'; see .*\n$/],
    [['demo', '--file', 'x'], 2, /^oidc-step-up: demo takes no --file; see .*\n$/],
    [['keys', 'rotate'], 2, /^oidc-step-up: keys rotate needs --file FILE; see .*\n$/],
    [['serve'], 2, /^oidc-step-up: serve needs --config FILE; see .*\n$/],
    [['serve', '--config', '/no/such/file.js'], 1, /^oidc-step-up: \/no\/such\/file\.js: Cannot find module.*\n$/],
  ]
  for (const [args, code, err] of mistakes) {
    it(`answers "${args.join(' ')}" with one line and ${code}`, async () => {
      const result = await run(args)
      assert.equal(result.code, code)
      assert.match(result.err, err)
      assert.equal(result.err.split('\n').length, 2)
    })
  }

  it('says what is wrong in a configuration file, and with a port', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'step-up-'))
    const file = join(folder, 'config.mjs')
    writeFileSync(file, 'export default { issuer: 1 }')
    const result = await run(['serve', '--config', file])
    assert.equal(result.code, 1)
    assert.match(result.err, /^oidc-step-up: issuer: found 1; allowed: .*\n$/)
    rmSync(folder, { recursive: true })
    const keys = await run(['keys', 'list', '--file', '/no/such/keys.json'])
    assert.equal(keys.code, 1)
    assert.match(keys.err, /^oidc-step-up: \/no\/such\/keys\.json: found it out of reach \(ENOENT\); allowed: .*\n$/)
    const port = await run(['demo'], { PORT: 'many' })
    assert.equal(port.code, 1)
    assert.match(port.err, /^oidc-step-up: PORT: found "many"; allowed: a whole number from 1 to 65535\n$/)
  })

  it('runs the demo, ends it at a signal, and says which port is taken', async () => {
    const [port, held] = [await freePort(), await holdPort()]
    const taken = await run(['demo'], { PORT: String(port), BANK_PORT: String(held.port) })
    assert.equal(taken.code, 1)
    assert.match(taken.err, new RegExp(`^oidc-step-up: port ${held.port} is in use .*BANK_PORT=\\d+ npm start\n$`))
    await held.release()

    const demo = launch(['demo'], { PORT: String(port), BANK_PORT: String(held.port), NODE_ENV: 'production' })
    await ready(demo)
    const lines = demo.output.out.trim().split('\n')
    assert.equal(lines.at(-1), `ready http://localhost:${port} http://localhost:${held.port}`)
    assert.match(demo.output.out, /^alice password: \S{12}$/m)
    assert.match(demo.output.out, /^bob password: \S{12}$/m)
    assert.match(demo.output.out, /^bob authenticator secret: [A-Z2-7]{32}$/m)
    assert.match(demo.output.out, /^bob recovery codes: [0-9A-Z-]{19} [0-9A-Z-]{19}$/m)
    assert.match(demo.output.out, new RegExp(`^alice setup link: http://localhost:${port}/mfa/setup#`, 'm'))
    assert.doesNotMatch(demo.output.err, /NOTICE|development|StepUpWarning/)
    demo.program.kill('SIGINT')
    demo.program.kill('SIGTERM')
    assert.deepEqual(await demo.ended, [0, null])
  })
})
