import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Browser, Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { isAnswer, secretOn } from '../support/relying-party.ts'
import { CHALLENGE, listening } from './recovered.ts'
import { FLOOR, isLifted, later, markOf, onlyMark, REMEMBERED, remembered } from './remembered.ts'
import { challenged, elsewhere, enrolled, passed, postOnly, useBench } from './support.ts'

const random = (bytes: number) => randomBytes(bytes).toString('base64url')

describe('security: a cookie that nobody was given', () => {
  const bench = useBench(() => FLOOR)

  it('AC-70a: lifts nothing, whatever it looks like, and costs the true one nothing', async () => {
    const { named } = listening(bench.host.mfa)
    const known = await remembered(bench)
    const { value } = onlyMark(known.browser)
    const [id = '', family = '', secret = ''] = value.split('.')
    const { url } = await bench.host.mfa.accounts.issueTicket('bob')
    const session = known.browser.cookies().find(({ name }) => name === '_session')?.value ?? ''
    const forged: Readonly<Record<string, string>> = {
      'random in the same shape': `${random(16)}.${random(16)}.${random(32)}`,
      'the id with a guess': `${id}.${random(16)}.${random(32)}`,
      'the id and secret with another family': `${id}.${random(16)}.${secret}`,
      'parts swapped': `${family}.${id}.${secret}`,
      'the id only': id,
      'two parts': `${id}.${family}`,
      'cut short': value.slice(0, -1),
      longer: `${value}A`,
      'with a part more': `${value}.x`,
      'as a path': `../${value}`,
      nothing: '',
      'a word': 'yes',
      'an account': 'bob',
      'a JSON text': '%7B%22accountId%22%3A%22bob%22%7D',
      'an unsigned token': 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.',
      'very long': 'A'.repeat(3000),
      'a ticket': new URL(url).hash.slice(1),
      'a session': session,
    }
    for (const [name, text] of Object.entries(forged)) {
      const thief = await later(bench.host, known, 'bob', text)
      assert.equal((await thief.go()).page.heading, CHALLENGE, name)
    }
    assert.deepEqual([named('browser.recognized'), named('browser.reused')], [[], []])
    assert.ok(await isLifted(await later(bench.host, known)))
  })

  it('AC-70b: of another account lifts nothing, under either name', async () => {
    const bob = await remembered(bench)
    const carol = await remembered(bench, 'carol')
    const [his, hers] = [onlyMark(bob.browser), onlyMark(carol.browser)]
    assert.notEqual(his.name, hers.name)
    const crossed = await elsewhere(bench, carol, 'carol')
    crossed.browser.load([his, { ...hers, value: his.value }])
    assert.equal((await crossed.go()).page.heading, CHALLENGE)
    const plain = await elsewhere(bench, carol, 'carol')
    plain.browser.load([his])
    assert.equal((await plain.go()).page.heading, CHALLENGE)
    const both = await later(bench.host, bob)
    both.browser.load([hers])
    assert.ok(await isLifted(both), 'people who share a browser do not displace each other')
    assert.ok(await isLifted(await later(bench.host, carol, 'carol')))
  })

  it('AC-70b: a stranger who reads it signs in as nobody else and sees nothing of whose it is', async () => {
    const carol = await remembered(bench, 'carol')
    const alice = await later(bench.host, carol, 'alice')
    assert.equal((await alice.go()).page.heading, 'Set up your authenticator app')
    const { name, value } = onlyMark(carol.browser)
    const parts = value.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    for (const text of [name, value, ...parts]) assert.doesNotMatch(text, /carol|example|totp/i)
    assert.match(value, /^[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/)
  })
})

const setCookie = ({ headers }: Page) =>
  headers.getSetCookie().filter((line) => REMEMBERED.test(line.split('=')[0] ?? ''))

const attributesOf = (line: string) => {
  const [, ...attributes] = line.split('; ')
  const value = Object.fromEntries(attributes.map((one) => one.split('=') as [string, string?]))
  const { expires, ...rest } = value
  return { rest, lasts: Math.round((Date.parse(expires ?? '') - Date.now()) / 86_400_000) }
}

describe('security: the cookie of a remembered browser', () => {
  const bench = useBench(() => FLOOR)

  it('AC-70g: over HTTP it is for this host and all of its paths, out of reach of scripts, and ends in thirty days', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob, {})
    const answer = await postOnly(bob.browser, page, { code: codeAt(bob.secret), remember: 'yes' })
    const [line = '', ...more] = setCookie(answer)
    assert.match(line, /^step-up-browser-[\w-]{11}=/)
    assert.deepEqual(more, [])
    assert.deepEqual(attributesOf(line), { rest: { path: '/', samesite: 'lax', httponly: undefined }, lasts: 30 })
    await bob.browser.get(answer.headers.get('location') ?? '')
    bench.clock.advance(86_400)
    const again = await later(bench.host, bob)
    const { url } = await again.rp.request()
    const login = await again.browser.get(url)
    const resumed = await again.browser.send(login.action, { form: { login: 'bob' }, follow: false })
    const landed = await again.browser.send(resumed.headers.get('location') ?? '', { follow: false })
    const [renewed = ''] = setCookie(landed)
    assert.deepEqual(attributesOf(renewed), { rest: { path: '/', samesite: 'lax', httponly: undefined }, lasts: 29 })
  })
})

describe('security: the cookie of a remembered browser over TLS', () => {
  const bench = useBench(() => ({
    ...FLOOR,
    prepare: (provider) => {
      provider.proxy = true
    },
  }))
  const headers = { 'x-forwarded-proto': 'https' }

  /** Goes where it is sent, as behind a proxy that ends TLS. */
  const walk = async (browser: Browser, page: Page): Promise<Page> => {
    const location = page.headers.get('location')
    if (location === null) return page
    const next = new URL(location, page.url)
    if (next.port === '9') return { ...page, url: next }
    next.protocol = 'http:'
    return walk(browser, await browser.send(next, { headers, follow: false }))
  }
  const send = async (browser: Browser, target: string | URL, form?: Readonly<Record<string, string>>) =>
    walk(browser, await browser.send(target, { headers, follow: false, ...(form === undefined ? {} : { form }) }))

  const signIn = async (browser: Browser) => {
    const bob = await elsewhere(bench, await enrolledOnce)
    const login = await send(browser, (await bob.rp.request()).url)
    return send(browser, login.action, { login: 'bob' })
  }
  let enrolledOnce: ReturnType<typeof enrolled>

  it('AC-70g: it is bound to this host by its prefix, goes over TLS only, and no other name passes for it', async () => {
    enrolledOnce = enrolled(bench)
    const bob = await enrolledOnce
    const browser = bench.host.browser()
    const page = await signIn(browser)
    assert.equal(page.heading, CHALLENGE)
    const form = { csrf: page.csrf, code: codeAt(bob.secret), remember: 'yes' }
    const answer = await browser.send(page.action, { form, headers, follow: false })
    const [line = '', ...more] = setCookie(answer)
    assert.match(line, /^__Host-step-up-browser-[\w-]{11}=/)
    assert.deepEqual(more, [])
    const rest = { path: '/', samesite: 'lax', secure: undefined, httponly: undefined }
    assert.deepEqual(attributesOf(line), { rest, lasts: 30 })
    assert.ok(passed(await walk(browser, answer)))

    const mark = onlyMark(browser)
    const planted = bench.host.browser()
    planted.load([{ ...mark, name: mark.name.replace('__Host-', '') }])
    assert.equal((await signIn(planted)).heading, CHALLENGE, 'without the prefix it could be planted')
    const own = bench.host.browser()
    own.load([mark])
    assert.ok(isAnswer(await signIn(own)))
    assert.deepEqual(
      markOf(own).map(({ name }) => name),
      [mark.name],
    )
  })

  it('AC-70g: nor does the ticket page keep its secret in a lesser cookie', async () => {
    const browser = bench.host.browser()
    const { url } = await bench.host.mfa.accounts.issueTicket('alice')
    const page = await send(browser, '/mfa/setup')
    const form = { csrf: page.csrf, ticket: new URL(url).hash.slice(1) }
    const opened = await browser.send('/mfa/setup', { form, headers, follow: false })
    const [line = ''] = opened.headers.getSetCookie()
    assert.match(line, /^__Host-step-up-setup=/)
    assert.deepEqual(new Set(line.split('; ').slice(1)), new Set(['path=/', 'samesite=lax', 'secure', 'httponly']))
    assert.ok(secretOn(await walk(browser, opened)))
  })
})
