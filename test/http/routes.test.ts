import assert from 'node:assert/strict'
import request from 'supertest'
import { createRenderer } from '../../src/http/render.ts'
import { type Host, startHost } from '../support/host.ts'

describe('http/routes', () => {
  let host: Host
  before(async () => {
    host = await startHost()
  })
  after(() => host.close())

  const agent = () => request(host.provider.callback())
  const { stylesheet, script } = createRenderer()

  const assets = [
    { name: 'style sheet', asset: stylesheet, type: 'text/css; charset=utf-8' },
    { name: 'script', asset: script, type: 'text/javascript; charset=utf-8' },
  ]
  for (const { name, asset, type } of assets)
    it(`serves the ${name} for good, under a name that changes with it`, async () => {
      const { headers, text } = await agent().get(`/mfa/assets/${asset.path}`).expect(200)
      assert.equal(text, asset.body)
      assert.equal(headers['content-type'], type)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.match(headers['cache-control'] ?? '', /immutable/)
      await agent().get(`/mfa/assets/${asset.path}`).set('If-None-Match', asset.etag).expect(304)
    })

  it('has no other file', async () => {
    for (const name of [
      'step-up.css',
      'step-up.js',
      'step-up.00000000.css',
      '..%2f..%2fpackage.json',
      'messages/en.json',
    ])
      await agent()
        .get(`/mfa/assets/${name}`)
        .expect(({ status }) => assert.ok(status === 404 || status === 400, name))
  })

  const methods = [
    { path: '/mfa/x', allow: 'GET, HEAD', wrong: ['post', 'put', 'delete', 'patch'] },
    { path: '/mfa/x/choose', allow: 'GET, HEAD', wrong: ['post', 'delete'] },
    { path: '/mfa/x/cancel', allow: 'POST', wrong: ['get', 'put'] },
    { path: '/mfa/x/decline', allow: 'POST', wrong: ['get', 'put'] },
    { path: '/mfa/x/totp', allow: 'GET, HEAD, POST', wrong: ['put', 'delete', 'patch'] },
    { path: `/mfa/assets/${stylesheet.path}`, allow: 'GET, HEAD', wrong: ['post', 'put'] },
  ] as const
  for (const { path, allow, wrong } of methods)
    it(`answers 405 with Allow: ${allow} at ${path.replace(/\..*\./, '.')}`, async () => {
      for (const method of wrong)
        await agent()
          [method](path)
          .expect(405)
          .expect('Allow', allow)
          .expect('Content-Security-Policy', /frame-ancestors/)
    })

  it('leaves the opener of a popup alone, so that a relying party may sign in inside one', async () => {
    const { headers } = await agent().get('/mfa/x')
    assert.equal(headers['cross-origin-opener-policy'], undefined)
  })

  it('has a page for paths that lead nowhere', async () => {
    for (const path of ['/mfa', '/mfa/', '/mfa/a/b/c', '/mfa/a/b/c/d'])
      await agent().get(path).expect(404).expect('Content-Type', /html/)
  })

  it('tells without an interaction that the page has expired', async () => {
    for (const path of ['/mfa/x', '/mfa/x/totp', '/mfa/x/choose'])
      await agent()
        .get(path)
        .expect(400)
        .expect(/This page has expired/)
    for (const path of ['/mfa/x/totp', '/mfa/x/cancel', '/mfa/x/decline'])
      await agent()
        .post(path)
        .type('form')
        .send({ code: '000000' })
        .expect(400)
        .expect(/This page has expired/)
  })

  it('leaves every other path to the provider and the host', async () => {
    await agent().get('/mfaa').expect(404)
    await agent().get('/.well-known/openid-configuration').set('Host', new URL(host.issuer).host).expect(200)
  })
})
