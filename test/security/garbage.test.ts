import assert from 'node:assert/strict'
import fc from 'fast-check'
import { codeAt } from '../support/host.ts'
import {
  advanced,
  challenged,
  cookiesFor,
  enrolled,
  passed,
  postOnly,
  rawStatus,
  sendRaw,
  TWO_KINDS,
  useBench,
} from './support.ts'

/** What no handler left behind: a rejection nobody awaits would end a process in production. */
const rejections: unknown[] = []
const keep = (reason: unknown) => {
  rejections.push(reason)
}

describe('security: garbage at every door', () => {
  before(() => process.on('unhandledRejection', keep))
  after(() => process.off('unhandledRejection', keep))
  const bench = useBench()
  afterEach(() => assert.deepEqual(rejections.splice(0), []))

  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']

  const pathsOf = (uid: string) => [
    '/mfa',
    '/mfa/',
    '/mfa//',
    '/mfa/.',
    '/mfa/%',
    '/mfa/%00',
    '/mfa/%2e%2e/auth',
    '/mfa/%ff',
    '/mfa/assets',
    '/mfa/assets/',
    '/mfa/assets/%2e%2e%2f%2e%2e%2fpackage.json',
    `/mfa/${uid}`,
    `/mfa/${uid}/`,
    `/mfa//${uid}`,
    `/mfa/${uid}//totp`,
    `/mfa/${uid}/totp`,
    `/mfa/${uid}/totp/`,
    `/mfa/${uid}/totp/more`,
    `/mfa/${uid}/TOTP`,
    `/mfa/${uid}/%74otp`,
    `/mfa/${uid}/totp%2f`,
    `/mfa/${uid}/totp%00`,
    `/mfa/${uid}%2ftotp`,
    `/mfa/${uid}/choose`,
    `/mfa/${uid}/cancel`,
    `/mfa/${uid}/decline`,
    `/mfa/${uid}/CANCEL`,
    `/mfa/${uid}/constructor`,
    `/mfa/${uid}/__proto__`,
    `/mfa/${uid}/toString`,
    `/mfa/${uid.toUpperCase()}`,
    `/MFA/${uid}`,
    `/mfa/${uid};x=1`,
    `/mfa/${uid}?`,
    `/mfa/${uid}#x`,
    `/mfa/${'x'.repeat(4000)}`,
    '/mfax',
    '/mfa/../mfa',
    '//mfa',
    '/mfa\\x',
    `http://evil.example/mfa/${uid}`,
    '*',
  ]

  /** What is wrong with the answer to an empty request: a fault, an acceptance, a strange `Allow`. */
  const oddities = async ({ cookie, path, method }: Readonly<Record<'cookie' | 'path' | 'method', string>>) => {
    const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nConnection: close\r\n`
    const [lines = ''] = (await sendRaw(bench.host, `${head}Content-Length: 0\r\n\r\n`)).split('\r\n\r\n')
    const status = rawStatus(lines)
    const taken = /^location: .*\/auth\//im.test(lines)
    const allow = path.startsWith('/mfa/') && /^allow: (?!GET, HEAD(, POST)?$|POST$).*/im.exec(lines)
    return [
      ...(status < 500 && !taken ? [] : [`${status} ${method} ${path}`]),
      ...(allow ? [`${allow[0]} ${method} ${path}`] : []),
    ]
  }

  it('Z13: every method on every path gets an answer that is not a fault, and takes nothing', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const uid = page.url.pathname.split('/')[2] ?? ''
    const cookie = cookiesFor(bob.browser, page)
    const requests = pathsOf(uid).flatMap((path) => methods.map((method) => ({ cookie, path, method })))
    const strange = []
    for (const request of requests) strange.push(...(await oddities(request)))
    assert.deepEqual(strange, [])
    assert.ok(passed(await bob.answer(page)))
  })

  it('Z13: names that every object has are unknown like any other name', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const statusOf = async (name: string, method: string) => {
      const answer = await bob.browser.send(`${page.url.pathname}/${name}`, { method, follow: false })
      return [answer.status, answer.headers.get('allow')]
    }
    for (const method of ['GET', 'POST', 'PUT']) {
      const unknown = await statusOf('unknown', method)
      for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])
        assert.deepEqual(await statusOf(name, method), unknown, `${method} ${name}`)
    }
  })

  it('Z13: random bodies, headers and cookies get a page, whatever the form', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const text = fc.string({ unit: 'binary', maxLength: 200 })
    const word = fc.oneof(text, fc.constantFrom('code', 'csrf', '__proto__', 'a[b]', 'code[]', page.csrf, '000000'))
    const body = fc
      .array(fc.tuple(word, word), { maxLength: 6 })
      .map((pairs) =>
        pairs
          .map(
            ([name, value]) => `${encodeURIComponent(toWellFormed(name))}=${encodeURIComponent(toWellFormed(value))}`,
          )
          .join('&'),
      )
    const raw = fc.string({ unit: 'grapheme-ascii', maxLength: 300 })
    const ways = fc.constantFrom('totp', 'cancel', 'decline', 'choose', '', 'x')
    await fc.assert(
      fc.asyncProperty(ways, fc.oneof(body, raw), async (way, form) => {
        const answer = await bob.browser.send(`${page.url.pathname}/${way}`, { form, follow: false })
        assert.ok(answer.status < 500, `${answer.status}`)
        assert.equal(advanced(answer) && way === 'totp', false)
        if (advanced(answer)) await bob.browser.get(page.url)
      }),
      {
        numRuns: 80,
        examples: [
          ['totp', 'csrf=&code=%'],
          ['totp', '%'],
          ['totp', '=&=&='],
          ['cancel', '[]=1'],
        ],
      },
    )
  })

  it('Z13: broken cookies are no cookies', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const good = cookiesFor(bob.browser, page)
    const cookies = [
      good.replace(/(_interaction=.)/, '$1x'),
      good.replace(/(\.sig=.)/, '$1x'),
      good.replace(/_interaction\.sig=[^;]*(; )?/, ''),
      `${'_interaction=x; '.repeat(500)}`,
      '_interaction=__proto__; _interaction.sig=x',
      '_interaction=; _interaction.sig=',
      '=;;;=;',
      '_interaction="\u00e9"',
    ]
    for (const cookie of cookies) {
      const answer = await sendRaw(
        bench.host,
        `GET ${page.url.pathname} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
      )
      assert.ok([400, 431].includes(rawStatus(answer)), `${rawStatus(answer)} for ${cookie.slice(0, 80)}`)
    }
    assert.ok(passed(await bob.answer(page)))
  })

  it('Z13: HEAD, PUT and OPTIONS with the right code sign nobody in', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const form = { csrf: page.csrf, code: codeAt(bob.secret) }
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await bob.browser.send(page.action, { method, form, follow: false })
      assert.deepEqual([answer.status, advanced(answer)], [405, false], method)
    }
    for (const method of ['GET', 'HEAD']) {
      const target = `${page.action}?${new URLSearchParams(form)}`
      assert.equal(advanced(await bob.browser.send(target, { method, follow: false })), false, method)
    }
    for (const headers of [{ 'x-http-method-override': 'POST' }, { 'x-original-url': '/auth' }])
      assert.equal(advanced(await bob.browser.send(page.action, { method: 'GET', headers, follow: false })), false)
    assert.equal((await postOnly(bob.browser, page, { ...form, _method: 'PUT' })).status, 400)
    assert.ok(passed(await bob.answer(page)))
  })

  it('Z13: pages for nobody: a request without any sign-in starts, shows and stores nothing', async () => {
    const stranger = bench.host.browser()
    for (const path of pathsOf('nothing').filter((one) => one.startsWith('/mfa/'))) {
      const page = await stranger.send(new URL(path, bench.host.issuer), { follow: false })
      assert.deepEqual(page.headers.getSetCookie(), [], path)
      assert.doesNotMatch(page.text, /secret=|name="code"/)
    }
    const { url } = await (await enrolled(bench)).rp.request({ ...TWO_KINDS, prompt: 'none' })
    assert.equal(passed(await stranger.get(url)), false)
  })
})

/** `encodeURIComponent` takes no lone surrogates. */
const toWellFormed = (text: string) => text.replace(/[\ud800-\udfff]/g, '?')
