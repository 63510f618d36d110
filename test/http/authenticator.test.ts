import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import Koa from 'koa'
import request from 'supertest'
import { createAuthenticator } from '../../src/http/authenticator.ts'

const views = fileURLToPath(new URL('../../views/authenticator/', import.meta.url))

interface Shell {
  readonly version: string
  readonly files: readonly { readonly path: string; readonly integrity: string }[]
}

describe('http/authenticator', () => {
  let server: Server
  let origin: string
  before(async () => {
    const app = new Koa()
    const authenticator = createAuthenticator('/authenticator')
    app.use((ctx, next) => {
      ctx.path = ctx.path.replace(/^\/op/, '')
      return authenticator(ctx as never, next)
    })
    app.use((ctx) => {
      ctx.body = 'elsewhere'
    })
    server = createServer(app.callback())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://localhost:${(server.address() as AddressInfo).port}/op`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const get = (path: string, init: RequestInit = {}) => fetch(`${origin}${path}`, { redirect: 'manual', ...init })
  const shell = async () => {
    const [, text = ''] = /^const SHELL = (.*)\n/.exec(await (await get('/authenticator/sw.js')).text()) ?? []
    return JSON.parse(text) as Shell
  }

  it('leads to the path that a service worker can be in charge of, below any mount path', async () => {
    const response = await get('/authenticator')
    assert.equal(response.status, 302)
    assert.equal(new URL(response.headers.get('location') ?? '', response.url).href, `${origin}/authenticator/`)
    const page = await get('/authenticator/')
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.match(await page.text(), /<script type="module" src="app\.js">/)
  })

  it('lets nothing run but its own files, in nobody’s frame', async () => {
    for (const path of ['', '/', '/app.js', '/icon.svg', '/sw.js', '/none']) {
      const { headers } = await get(`/authenticator${path}`)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/)
      assert.match(policy, /frame-ancestors 'none'$/)
      assert.deepEqual(
        ['x-content-type-options', 'x-frame-options', 'referrer-policy', 'cache-control'].map((name) =>
          headers.get(name),
        ),
        ['nosniff', 'DENY', 'no-referrer', 'no-cache'],
      )
    }
  })

  it('sends every file with its type, and nothing twice', async () => {
    const types = {
      'app.js': 'text/javascript; charset=utf-8',
      'sdk/index.js': 'text/javascript; charset=utf-8',
      'step-up.css': 'text/css; charset=utf-8',
      'icon.svg': 'image/svg+xml',
      'manifest.de.webmanifest': 'application/manifest+json; charset=utf-8',
    }
    for (const [name, type] of Object.entries(types)) {
      const { status, headers } = await get(`/authenticator/${name}`)
      assert.deepEqual([status, headers.get('content-type')], [200, type], name)
      // Not by fetch, which asks for a fresh answer then.
      const again = await request(server)
        .get(`/op/authenticator/${name}`)
        .set('If-None-Match', headers.get('etag') ?? '')
      assert.deepEqual([again.status, again.text], [304, ''], name)
    }
  })

  it('knows nothing else, and no other method', async () => {
    for (const path of ['none', '..%2ftotp/en.json', '%2e%2e%2fpush/en.json', 'constructor', 'sdk/index.d.ts', 'sdk/'])
      assert.equal((await get(`/authenticator/${path}`)).status, 404, path)
    const { status, headers } = await get('/authenticator/', { method: 'POST' })
    assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD'])
    const head = await get('/authenticator/', { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
    assert.equal(await (await get('/authenticators')).text(), 'elsewhere')
  })

  it('tells the service worker the hash of every file, whose every import is there', async () => {
    const { files, version } = await shell()
    assert.match(version, /^[\w+/=]{12}$/)
    const paths = new Set(files.map(({ path }) => path))
    for (const { path, integrity } of files) {
      const body = Buffer.from(await (await get(`/authenticator/${path}`)).arrayBuffer())
      assert.equal(integrity, `sha256-${createHash('sha256').update(body).digest('base64')}`, path)
      if (!path.endsWith('.js')) continue
      for (const [, target = ''] of body.toString().matchAll(/from ['"](\.[^'"]*)['"]/g)) {
        const imported = new URL(target, `http://x/${path}`).pathname.slice(1)
        assert.ok(paths.has(imported), `${path} imports ${imported}`)
      }
    }
    assert.ok(!paths.has('sw.js') && paths.has('./') && paths.has('sdk/index.js'))
  })

  it('has every word in every language, and uses each', async () => {
    const { en } = (await import(new URL('../../views/authenticator/words/en.js', import.meta.url).href)) as {
      en: Record<string, string>
    }
    const { de } = (await import(new URL('../../views/authenticator/words/de.js', import.meta.url).href)) as {
      de: Record<string, string>
    }
    assert.deepEqual(Object.keys(de), Object.keys(en))
    const placesIn = (text = '') => [...text.matchAll(/\{[^}]*\}/g)].map(([place]) => place).sort()
    for (const [id, text] of Object.entries(en)) assert.deepEqual(placesIn(de[id]), placesIn(text), id)
    for (const text of [...Object.values(en), ...Object.values(de)])
      assert.doesNotMatch(text, /\b(?:MFA|OTP|2FA|acr|factor|Faktor|challenge|token)\b/i)
    const scripts = readdirSync(views, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js') && !name.startsWith('words'))
      .map((name) => readFileSync(`${views}${name}`, 'utf8'))
      .join('\n')
    const used = [...scripts.matchAll(/\bt\(\s*'([^']+)'/g)].map(([, id]) => id)
    for (const id of used) assert.ok(id !== undefined && id in en, id)
  })
})
