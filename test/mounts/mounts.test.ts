import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { createBrowser } from '../support/browser.ts'
import { errorOf, isAnswer } from '../support/relying-party.ts'
import { attacks, NO_ICON } from './attacks.ts'
import { type Examples, MOUNTS, startExamples, WIRINGS } from './examples.ts'
import { createStage, playThrough, type Stage } from './stage.ts'
import { type Wire, watchWire } from './wire.ts'

const REMEMBER_COOKIE = /^(?:__Host-)?step-up-browser-/

/** A cookie's attributes, by lower-case name. */
const attributesOf = (line: string) =>
  new Map(
    line
      .split(';')
      .slice(1)
      .map((part) => part.trim().split('='))
      .map(([name = '', value = '']) => [name.toLowerCase(), value]),
  )

describe('mounts', function () {
  this.timeout('60s')
  let examples: Examples
  let wire: Wire
  let clock: VirtualClock

  before('start the examples', async () => {
    examples = await startExamples()
    wire = await watchWire([...examples.issuers.values()].map((issuer) => new URL(issuer).origin))
    clock = virtualClock()
  })

  after(async () => {
    clock.restore()
    wire.restore()
    await examples.close()
  })

  const advance = async (seconds: number) => {
    clock.advance(seconds)
    await examples.advance(seconds)
  }

  for (const { name, scheme, path, nothingThere } of MOUNTS)
    describe(name, () => {
      let stage: Stage
      let issuer: string
      const get = async (target: string) => {
        const response = await fetch(new URL(target, issuer), { redirect: 'manual' })
        return { status: response.status, headers: response.headers, text: await response.text() }
      }

      before('meet the relying party', async () => {
        issuer = examples.issuers.get(name) ?? ''
        stage = await createStage({ issuer, advance })
      })

      it('tells in discovery where it is, also at the root', async () => {
        const document = JSON.parse((await get(`${path}/.well-known/openid-configuration`)).text)
        assert.equal(document.issuer, issuer)
        assert.ok(document.acr_values_supported.includes(MULTI_FACTOR))
        const addresses = Object.entries<string>(document).filter(([key]) => /_endpoint$|^jwks_uri$/.test(key))
        assert.ok(addresses.length > 3)
        for (const [key, address] of addresses) assert.ok(address.startsWith(`${issuer}/`), `${key}: ${address}`)
        for (const kind of ['openid-configuration', 'oauth-authorization-server'])
          assert.deepEqual(JSON.parse((await get(`/.well-known/${kind}${path}`)).text), document, kind)
      })

      it('sets an authenticator up inside the login, and steps up after a wrong code', async () => {
        const { browser, signed } = await playThrough(stage, MULTI_FACTOR)
        assert.equal(signed.acr, MULTI_FACTOR)
        assert.deepEqual(signed.amr, ['pwd', 'otp', 'mfa'])

        const silent = await stage.go(browser, { prompt: 'none' })
        assert.ok(isAnswer(silent.first))
        assert.equal((await silent.redeem(silent.first.url)).acr, MULTI_FACTOR)
        const again = await stage.go(browser)
        assert.ok(isAnswer(again.first), 'no page for who is signed in')
      })

      it('tells the relying party of a cancelled login', async () => {
        const browser = stage.browser()
        const { page } = await stage.go(browser)
        const cancel = page.targets.find((target) => target.endsWith('/cancel'))
        const left = await browser.post(page, {}, cancel)
        assert.equal(errorOf(left), 'access_denied')
      })

      it('remembers a browser', async () => {
        const browser = stage.browser()
        const { page } = await stage.go(browser)
        assert.ok(isAnswer(await browser.post(page, { code: await stage.code(), remember: 'yes' })))
        const [kept] = browser.cookies().filter((cookie) => REMEMBER_COOKIE.test(cookie.name))
        assert.equal(kept?.name.startsWith('__Host-'), scheme === 'https')
        browser.clear()
        browser.load(kept === undefined ? [] : [kept])
        assert.ok(isAnswer((await stage.go(browser)).page))
      })

      it('keeps every link and form of its pages under the mount', async () => {
        const browser = stage.browser()
        const { page } = await stage.go(browser)
        const wrong = await browser.post(page, { code: '000000' })
        const others = await Promise.all(['/mfa/setup', '/mfa/x/y'].map((target) => browser.get(path + target)))
        for (const { targets, headers } of [page, wrong, ...others]) {
          const strays = targets.filter((target) => target !== NO_ICON && !target.startsWith(`${path}/mfa/`))
          assert.deepEqual([strays, targets.length > 0], [[], true])
          assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'; style-src 'self'/)
        }
      })

      it('serves its style sheet and its script', async () => {
        const { text } = await get(`${path}/mfa/setup`)
        const files = [...text.matchAll(/(?:href|src)="([^"]+\.(?:css|js))"/g)].map(([, file = '']) => file)
        assert.deepEqual(
          files.map((file) => file.replace(/\.\w{8}\./, '.')),
          [`${path}/mfa/assets/step-up.css`, `${path}/mfa/assets/step-up.js`],
        )
        const answers = await Promise.all(files.map(get))
        assert.deepEqual(
          answers.map(({ status, headers }) => [status, headers.get('content-type')?.split(';')[0]]),
          [
            [200, 'text/css'],
            [200, 'text/javascript'],
          ],
        )
      })

      it('answers what is not there, and leaves everything else to the outer app', async () => {
        const stray = await get(`${path}/mfa/assets/none.css`)
        assert.deepEqual([stray.status, /step-up\.\w+\.css/.test(stray.text)], [404, true])
        const wrongWay = await get(`${path}/mfa/x/cancel`)
        assert.deepEqual([wrongWay.status, wrongWay.headers.get('allow')], [405, 'POST'])
        for (const target of ['/nothing', '/mfaq', ...(path === '' ? [] : ['/mfa/setup', '/oidcs/mfa/setup'])]) {
          const { status, text } = await get(target)
          assert.equal(status, 404, target)
          assert.match(text, nothingThere)
        }
        assert.equal((await get(`${path}/nothing`)).status, 404)
        if (path !== '') assert.match((await get('/')).text, /<h1>Acme<\/h1>/)
      })

      it('sends every cookie to its own path, and Secure exactly over TLS', () => {
        const lines = wire.exchanges
          .filter(({ url }) => url.origin === stage.origin)
          .flatMap(({ headers }) => headers.getSetCookie())
        const paths = new Map<string, Set<string>>()
        for (const line of lines) {
          const cookie = (/^[^=]+/.exec(line)?.[0] ?? '').replace(REMEMBER_COOKIE, 'remember ').split(' ')[0] ?? ''
          const attributes = attributesOf(line)
          assert.equal(attributes.has('secure'), scheme === 'https', line)
          assert.ok(attributes.has('httponly'), line)
          assert.equal(attributes.get('samesite'), 'lax', line)
          const shape = (attributes.get('path') ?? '').replace(/\/[\w-]{20,}$/, '/:uid')
          paths.set(cookie, new Set([...(paths.get(cookie) ?? []), shape]))
        }
        assert.deepEqual(
          new Map(
            [...paths].filter(([cookie]) => !cookie.endsWith('.sig')).map(([cookie, set]) => [cookie, [...set].sort()]),
          ),
          new Map([
            ['_interaction', [`${path}/mfa/:uid`, '/sign-in/:uid'].sort()],
            ['_interaction_resume', [`${path}/auth/:uid`]],
            ['_session', ['/']],
            ['remember', ['/']],
          ]),
        )
      })

      for (const [title, attack] of Object.entries(attacks))
        it(title, async () => {
          await attack({ stage, wire, issuer, path, scheme })
        })
    })

  it('leaves the routes of an outer app with a body parser as they are', async () => {
    const answer = await fetch(new URL('/contact', examples.issuers.get('body-parser')), {
      method: 'POST',
      body: new URLSearchParams({ name: 'Bob' }),
    })
    assert.deepEqual(await answer.json(), { thanks: 'Bob' })
  })

  for (const name of Object.keys(WIRINGS))
    it(`go through a whole sign-in in the wiring "${name}"`, async () => {
      const stage = await createStage({ issuer: examples.issuers.get(name) ?? '', advance })
      assert.equal((await playThrough(stage, MULTI_FACTOR)).signed.acr, MULTI_FACTOR)
    })

  it('behind koa-mount go by the proxy setting of the outer app', async () => {
    const { origin } = new URL(examples.issuers.get('outer-koa') ?? '')
    const behindTls = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'login.example' }
    const { body } = await wire.raw(origin, '/oidc/.well-known/openid-configuration', behindTls)
    assert.match(body, /"token_endpoint":"https:\/\/login\.example\/oidc\/token"/)
    const stage = await createStage({ issuer: `${origin}/oidc`, advance })
    const { url } = await stage.rp.request()
    const { head } = await wire.raw(origin, url.pathname + url.search, behindTls)
    const cookies = head.match(/^set-cookie: .*$/gim) ?? []
    assert.ok(cookies.length > 1 && cookies.every((cookie) => /; secure/i.test(cookie)), head)
  })

  it('take a body that Koa has parsed before', async () => {
    const { origin } = new URL(examples.issuers.get('outer-koa') ?? '')
    const { body } = await wire.raw(origin, '/oidc/mfa/setup')
    const csrf = /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? ''
    const form = new URLSearchParams({ csrf, ticket: 'none' }).toString()
    assert.equal((await wire.raw(origin, '/oidc/mfa/setup', { 'x-parse': 'yes' }, form)).status, 422)
  })

  it('refuse fields that an upstream parser has made objects of', async () => {
    const origin = new URL(examples.issuers.get('nest') ?? '').origin
    const { body } = await wire.raw(origin, '/oidc/mfa/setup')
    const csrf = /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? ''
    for (const form of [
      `csrf=${csrf}&ticket[x]=y`,
      `csrf=${csrf}&ticket=a&ticket=b`,
      '__proto__[x]=y',
      'x'.repeat(20_000),
    ])
      assert.equal((await wire.raw(origin, '/oidc/mfa/setup', {}, form)).status, form.includes(csrf) ? 400 : 403, form)
  })

  it('under a path that the issuer does not have, open ticket links by way of the root', async () => {
    const issuer = examples.issuers.get('pathless-issuer') ?? ''
    const link = new URL(await (await fetch(`${issuer}/ticket`)).text())
    assert.equal(`${link.origin}${link.pathname}`, `${issuer}/mfa/setup`)
    const opened = await createBrowser(issuer).get(link)
    assert.deepEqual([opened.status, opened.url.pathname], [200, '/oidc/mfa/setup'])
  })
})
