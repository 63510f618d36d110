import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { Stage } from './stage.ts'
import type { Wire } from './wire.ts'

/** What an attack is tried on. */
export interface Target {
  readonly stage: Stage
  readonly wire: Wire
  readonly issuer: string
  readonly path: string
  readonly scheme: 'http' | 'https'
}

type Answer = Awaited<ReturnType<Wire['raw']>>

const EVIL = 'evil.example'

/** What keeps browsers from asking for `/favicon.ico`. */
export const NO_ICON = 'data:,'

const FORWARDED = {
  'x-forwarded-proto': 'https',
  'x-forwarded-host': EVIL,
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-prefix': '/evil',
  'x-original-url': '/evil',
  'x-rewrite-url': '/evil',
  forwarded: `for=203.0.113.9;host=${EVIL};proto=https`,
}

/** Every address that a page or a redirect leads to. */
const addressesIn = ({ head, body }: Answer) => {
  const $ = load(body)
  const found = $('[href],[src],[action]')
    .map((_index, element) => $(element).attr('href') ?? $(element).attr('src') ?? $(element).attr('action') ?? '')
    .get()
    .filter((address) => address !== NO_ICON)
  return [...found, ...(/^location: (.*)$/im.exec(head)?.slice(1) ?? [])]
}

/** Nothing of ours leads away from this origin, or breaks the server. */
const assertHarmless = (answer: Answer, what: string) => {
  assert.ok(answer.status >= 200 && answer.status < 500, `${what}: ${answer.answer.slice(0, 300)}`)
  for (const address of addressesIn(answer)) assert.match(address, /^\/(?!\/)/, `${what} leads to ${address}`)
  assert.ok(!/\bat .+:\d+:\d+\)?$/m.test(answer.body), `${what}: a stack`)
}

/** Header fields that change by themselves. */
const steady = ({ head, body }: Answer) => ({
  head: head.replace(/^(?:date|keep-alive|connection|x-reference): .*\r?\n/gim, ''),
  body: body.replaceAll(/name="csrf" value="[^"]*"/g, ''),
})

/** Each is tried on every mount. */
export const attacks: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  'AC-59: takes no host or protocol from forwarded headers of a client': async ({ wire, stage, path }) => {
    for (const target of ['/.well-known/openid-configuration', '/mfa/setup', '/mfa/x', '/mfa/x/y/z'].map(
      (one) => path + one,
    )) {
      const plain = await wire.raw(stage.origin, target)
      assert.deepEqual(steady(await wire.raw(stage.origin, target, FORWARDED)), steady(plain), target)
    }
    const { url } = await stage.rp.request()
    const begun = await wire.raw(stage.origin, `${url.pathname}${url.search}`, FORWARDED)
    assert.equal(begun.status, 303)
    assert.match(begun.head, /^location: \/sign-in\//im)
    assert.ok(!begun.answer.includes('evil'))
    assert.equal(/;\s*secure/i.test(begun.head), stage.origin.startsWith('https:'))
  },

  'AC-59: takes no form of another origin for its own by a forwarded host': async ({ wire, stage, path }) => {
    const shown = await wire.raw(stage.origin, `${path}/mfa/setup`)
    const csrf = load(shown.body)('input[name=csrf]').attr('value') ?? ''
    assert.notEqual(csrf, '')
    const post = (headers: Readonly<Record<string, string>>) =>
      wire.raw(stage.origin, `${path}/mfa/setup`, headers, new URLSearchParams({ csrf, ticket: 'none' }).toString())
    assert.equal((await post({ origin: stage.origin })).status, 422)
    assert.equal((await post({ ...FORWARDED, origin: `https://${EVIL}` })).status, 403)
    assert.equal((await post({ 'sec-fetch-site': 'cross-site' })).status, 403)
  },

  'AC-59: writes no host of the Host header into its pages': async ({ wire, stage, path }) => {
    for (const target of ['/mfa/setup', '/mfa/x', '/mfa/x/cancel', '/mfa/x/y/z', '/mfa/setup/done']) {
      const answer = await wire.raw(stage.origin, `${path}${target}`, { host: EVIL })
      assertHarmless(answer, target)
      assert.ok(!answer.answer.includes('evil'), answer.answer)
    }
  },

  'AC-59: writes no host of an absolute request target into its pages': async ({ wire, stage, path }) => {
    for (const origin of [`http://${EVIL}`, `https://${EVIL}:1`, `HTTP://${EVIL}`, `http://user@${EVIL}`])
      for (const target of ['/mfa/setup', '/mfa/x', '/mfa/x/cancel', '/mfa/setup?next=/mfa/setup']) {
        const answer = await wire.raw(stage.origin, `${origin}${path}${target}`)
        assertHarmless(answer, `${origin}${target}`)
        assert.ok(!answer.answer.includes('evil'), answer.answer)
      }
  },

  'leads nowhere else by a path that is spelled otherwise': async ({ wire, stage, path }) => {
    const mount = path.slice(1)
    const spellings = [
      `/${mount.toUpperCase()}/mfa/setup`,
      `${path}/MFA/setup`,
      `${path}//mfa/setup`,
      `/${path}/mfa/setup`,
      `/%${mount.charCodeAt(0).toString(16)}${mount.slice(1)}/mfa/setup`,
      `${path}/%6dfa/setup`,
      `${path}/mfa//setup`,
      `${path}/mfa/setup/`,
      `//${EVIL}${path}/mfa/setup`,
      `/\\${EVIL}${path}/mfa/setup`,
      `${path}/mfa/setup//${EVIL}`,
      `${path};x=y/mfa/setup`,
      `${path}/mfa;x=y/setup`,
    ]
    for (const spelled of spellings) {
      const answer = await wire.raw(stage.origin, spelled)
      assertHarmless(answer, spelled)
      assert.ok(!/(?:href|src|action)="[^"]*evil/.test(answer.body), spelled)
    }
  },

  'leaves its own folder by no encoded path': async ({ wire, stage, path }) => {
    const targets = [
      '..%2f',
      '..%2fmfa%2fsetup',
      '%2e%2e/',
      '%2e%2e%2fauth',
      '..%5c',
      '..',
      '../auth',
      '%00',
      '%',
      '%ff',
      '%zz',
    ]
    for (const target of targets.flatMap((one) => [`/mfa/${one}`, `/mfa/assets/${one}`, `/mfa/x/${one}`])) {
      const answer = await wire.raw(stage.origin, `${path}${target}`)
      assertHarmless(answer, target)
      assert.ok([400, 404].includes(answer.status), `${target}: ${answer.status}`)
    }
  },
}
