import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/cli/config-file.ts'

const NOT_A_MODULE = 'found an ES module, which the nearest package.json says it is not; allowed: name it'

describe('cli/config-file', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'step-up-')))
  const write = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  before(() => {
    mkdirSync(join(folder, 'commonjs'))
    write('package.json', '{ "type": "module" }')
    write('commonjs/package.json', '{ "type": "commonjs" }')
  })
  after(() => rmSync(folder, { recursive: true }))

  it('answers what the file exports by default, also from CommonJS', async () => {
    assert.deepEqual(await loadConfig(write('good.mjs', 'export default { port: 1 }')), { port: 1 })
    assert.deepEqual(await loadConfig(write('commonjs/good.js', 'module.exports = { port: 1 }')), { port: 1 })
  })

  const BROKEN = 'export default {\n  a: 1\n  b: 2\n}\n'
  const wrong: readonly (readonly [name: string, text: string, message: string])[] = [
    ['line.mjs', BROKEN, "line.mjs:3: Unexpected identifier 'b'"],
    ['line.js', BROKEN, "line.js:3: Unexpected identifier 'b'"],
    [
      'commonjs/line.js',
      BROKEN.replace('export default', 'module.exports ='),
      "commonjs/line.js:3: Unexpected identifier 'b'",
    ],
    ['elsewhere.mjs', 'import "./line.mjs"\nexport default {}', "elsewhere.mjs: Unexpected identifier 'b'"],
    ['commonjs/a.config.js', 'import "node:fs"\n', `commonjs/a.config.js: ${NOT_A_MODULE} a.config.mjs`],
    ['commonjs/b.config.js', 'export default {}\n', `commonjs/b.config.js: ${NOT_A_MODULE} b.config.mjs`],
    ['empty.mjs', '', 'empty.mjs: found no default export; allowed: export default defineConfig({ … })'],
    ['thrown.mjs', 'throw new Error("no\\nway")', 'thrown.mjs: no'],
  ]
  for (const [name, text, message] of wrong)
    it(`says ${JSON.stringify(message)}`, async () => {
      await assert.rejects(loadConfig(write(name, text)), { code: 'ERR_CONFIG', message: join(folder, message) })
    })

  it('says that there is no such file', async () => {
    await assert.rejects(loadConfig(join(folder, 'none.mjs')), {
      code: 'ERR_CONFIG',
      message: /none\.mjs: Cannot find module/,
    })
  })
})
