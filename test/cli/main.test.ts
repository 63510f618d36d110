import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, holdPort } from './free-port.ts'
import { launch, ready, run } from './program.ts'

const moduleOf = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`

/** A module after which these packages are not found, as if they were not installed. */
const hiding = (names: readonly string[]) => {
  const hooks = `export const resolve = (specifier, context, next) => {
    if (${JSON.stringify(names)}.some((name) => specifier === name || specifier.startsWith(name + '/')))
      throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(specifier, context)
  }`
  return moduleOf(`import { register } from 'node:module'; register(${JSON.stringify(moduleOf(hooks))})`)
}

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
    assert.match(demo.output.out, /^text messages are off: set TWILIO_ACCOUNT_SID, .*\nmail is off: set SMTP_URL$/m)
    assert.doesNotMatch(demo.output.out, /^outbox/m)
    assert.equal((await fetch(`http://localhost:${port}/outbox`)).status, 404)
    assert.match(demo.output.out, new RegExp(`^web authenticator: http://localhost:${port}/authenticator$`, 'm'))
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
  it('runs the demo without the packages that are optional, and names them', async () => {
    const names = [
      'twilio',
      'nodemailer',
      'libphonenumber-js',
      'web-push',
      '@simplewebauthn/server',
      '@simplewebauthn/browser',
    ]
    const [port, bankPort] = [await freePort(), await freePort()]
    const env = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'x', TWILIO_FROM: '+15005550006' }
    const demo = launch(['demo'], {
      ...env,
      PORT: String(port),
      BANK_PORT: String(bankPort),
      SMTP_URL: 'smtp://localhost',
      VAPID_PUBLIC_KEY: 'x',
      VAPID_PRIVATE_KEY: 'x',
      NODE_OPTIONS: `--import ${hiding(names)}`,
    })
    await ready(demo)
    assert.deepEqual(
      demo.output.out.split('\n').filter((line) => line.includes(' off: ')),
      [
        'passkeys are off: npm install @simplewebauthn/server @simplewebauthn/browser',
        'text messages are off: npm install libphonenumber-js twilio',
        'mail is off: npm install nodemailer',
        'notifications are off: npm install web-push',
      ],
    )
    demo.program.kill('SIGKILL')
    await demo.ended
  })
})
