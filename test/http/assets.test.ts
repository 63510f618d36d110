import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { load } from 'cheerio'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { totp } from '../../src/factors/totp.ts'
import { readAsset, readScripts } from '../../src/http/assets.ts'
import { createRenderer } from '../../src/http/render.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { startHost } from '../support/host.ts'
import { createJourney } from '../support/relying-party.ts'

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8)

describe('http/assets', () => {
  let folder = ''
  const file = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const url = (name: string, text: string) => pathToFileURL(file(name, text))
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'assets-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('serves a file under a name that changes with its content, and keeps its ending', () => {
    const asset = readAsset(file('one.min.js', 'let one'))
    assert.deepEqual(asset, {
      path: `one.min.${hashOf('let one')}.js`,
      body: 'let one',
      etag: `"${hashOf('let one')}"`,
    })
    assert.notEqual(readAsset(file('one.min.js', 'let two')).path, asset.path)
  })

  it('knows the scripts of each factor’s own pages and of login pages, in their order', () => {
    const [first, second, login] = [url('a.js', 'a'), url('b.js', 'b'), url('l.js', 'l')]
    const identify = { scripts: [second, login] } as unknown as NonNullable<AnyFactor['identify']>
    const scripts = readScripts([{ id: 'key', scripts: [second, first], identify }, { id: 'app' }])
    const [a, b, l] = [`a.${hashOf('a')}.js`, `b.${hashOf('b')}.js`, `l.${hashOf('l')}.js`]
    assert.deepEqual(
      [scripts.of('key', 'own'), scripts.of('key', 'login')],
      [
        [b, a],
        [b, l],
      ],
    )
    for (const id of ['app', 'nobody', '__proto__']) assert.deepEqual(scripts.of(id, 'own'), [])
    assert.deepEqual([...scripts.all.keys()].sort(), [a, b, l].sort())
    assert.equal(scripts.all.get(l)?.body, 'l')
  })

  it('keeps two files of one name apart', () => {
    const one = url('same.js', 'one')
    const scripts = readScripts([
      { id: 'key', scripts: [one, new URL(`file://${join(folder, 'x', '..', 'same.js')}`)] },
    ])
    assert.equal(scripts.all.size, 1)
  })

  it('refuses to begin where a script is missing, and reads each once', () => {
    assert.throws(() => readScripts([{ id: 'key', scripts: [pathToFileURL(join(folder, 'none.js'))] }]), {
      code: 'ENOENT',
    })
    const late = url('late.js', 'before')
    const renderer = createRenderer([{ id: 'key', scripts: [late] }])
    writeFileSync(late, 'after')
    const [path = ''] = renderer.scriptsOf('key', 'own')
    assert.equal(renderer.asset(path)?.body, 'before')
  })

  it('serves them for good, to these pages only, and under no other name', async () => {
    const [one, two] = [url('one.js', 'const one = 1'), url('two.js', 'const two = 2')]
    const factors = [{ ...totp({ issuer: 'Test' }), scripts: [two, one] }]
    const host = await startHost({ stepUp: { factors } })
    try {
      const { browser, go } = await createJourney(host)
      const { page } = await go({ acr_values: MULTI_FACTOR })
      const $ = load(page.text)
      const scripts = $('script[type!=module]').toArray()
      const sources = scripts.map((script) => $(script).attr('src') ?? '')
      assert.deepEqual(
        sources.map((src) => src.replace(/^.*\//, '')),
        [`two.${hashOf('const two = 2')}.js`, `one.${hashOf('const one = 1')}.js`],
      )
      for (const script of scripts) assert.deepEqual(Object.keys(script.attribs).sort(), ['defer', 'src'])
      assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self'(;|$)/)
      const [src = ''] = sources
      const asset = await browser.get(src)
      assert.deepEqual([asset.status, asset.text], [200, 'const two = 2'])
      assert.match(asset.headers.get('content-type') ?? '', /javascript/)
      assert.match(asset.headers.get('cache-control') ?? '', /immutable/)
      assert.equal(asset.headers.get('x-content-type-options'), 'nosniff')
      assert.equal(asset.headers.get('etag'), `"${hashOf('const two = 2')}"`)
      const base = src.replace(/[^/]*$/, '')
      for (const name of ['two.js', 'two.00000000.js', '..%2f..%2fpackage.json', '%2e%2e/package.json', 'two.js%00'])
        assert.ok((await browser.get(`${base}${name}`)).status >= 400, name)
      const expired = await host.browser().get('/mfa/nothing')
      assert.ok(!expired.text.includes('two.'))
    } finally {
      await host.close()
    }
  })

  it('finds the package’s own style sheet and script', () => {
    const { stylesheet, script, asset } = createRenderer()
    for (const { path, body } of [stylesheet, script]) assert.equal(asset(path)?.body, body)
    assert.ok(stylesheet.body === readFileSync(new URL('../../views/assets/step-up.css', import.meta.url), 'utf8'))
    assert.deepEqual([asset('step-up.css'), asset('../package.json'), asset('constructor')], Array(3).fill(undefined))
  })
})
