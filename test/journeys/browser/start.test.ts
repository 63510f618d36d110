import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort, holdPort } from '../../cli/free-port.ts'
import { mainProgram } from '../../cli/program.ts'
import { openChromium, standsAt } from '../../support/chromium.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

// Writing coverage would take longer than ending does.
const { NODE_V8_COVERAGE: _, ...environment } = process.env

const start = (port: number, bankPort: number) =>
  spawn(process.execPath, [...mainProgram(), 'demo'], {
    cwd: root,
    env: { ...environment, PORT: String(port), BANK_PORT: String(bankPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

describe('the demo from a terminal', function slow() {
  this.timeout('60s')

  it('says where to go, and ends at once at Ctrl-C while a browser is still connected', async () => {
    const program = start(await freePort(), await freePort())
    const context = await openChromium()
    try {
      program.stderr.resume()
      const told: Record<string, string> = {}
      for await (const line of createInterface(program.stdout)) {
        const [, name = '', value = ''] = /^(.*(?:password|secret):|ready) (.+)$/.exec(line) ?? []
        told[name] = value
        if (name === 'ready') break
      }
      const [issuer = '', bank = ''] = told.ready?.split(' ') ?? []
      const page = await context.newPage()
      await page.goto(issuer)
      await page.getByRole('link', { name: 'Try it in the demo' }).click()
      await page.waitForURL(`${bank}/`)
      await page.getByRole('link', { name: 'Sign in' }).click()
      await page.getByLabel('Username').fill('bob')
      await page.getByLabel('Password').fill(told['bob password:'] ?? '')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await standsAt(page, 'Allow this app to use your account?')

      const started = process.hrtime.bigint()
      program.kill('SIGINT')
      assert.deepEqual(await once(program, 'exit'), [0, null])
      assert.ok(process.hrtime.bigint() - started < 2_000_000_000n)
    } finally {
      program.kill('SIGKILL')
      await context.close()
    }
  })

  it('says in one line that the provider’s port is taken, and how to choose another', async () => {
    const held = await holdPort()
    const program = start(held.port, await freePort())
    try {
      program.stdout.resume()
      let complaint = ''
      program.stderr.on('data', (chunk) => {
        complaint += chunk
      })
      assert.deepEqual(await once(program, 'close'), [1, null])
      const lines = complaint.split('\n').filter((line) => line.startsWith('oidc-step-up: '))
      assert.equal(lines.length, 1, complaint)
      const text = `: port ${held.port} is in use by another program; stop that one, or choose another: PORT=\\d+ .*npm start$`
      assert.match(lines[0] ?? '', new RegExp(text))
    } finally {
      program.kill('SIGKILL')
      await held.release()
    }
  })
})
