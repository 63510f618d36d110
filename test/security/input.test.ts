import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { Account } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import {
  advanced,
  challenged,
  cookiesFor,
  enrolled,
  type Journey,
  passed,
  postOnly,
  rawStatus,
  sendRaw,
  useBench,
} from './support.ts'

const FORM = 'application/x-www-form-urlencoded'

/** Code points of other scripts' digits, which `Number()` and `\d` with the wrong flags may take for ours. */
const inScript = (zero: number) => (code: string) =>
  [...code].map((digit) => String.fromCodePoint(zero + Number(digit))).join('')

const encoded = (text: string) => encodeURIComponent(text)

/** Bodies after `csrf=…&`, made from the code that would be right. */
const notACode: Readonly<Record<string, (code: string) => string>> = {
  'no code': () => '',
  'an empty code': () => 'code=',
  zeros: () => 'code=000000',
  'an array': (code) => `code[]=${code}`,
  'an object': (code) => `code[a]=${code}`,
  'an object named as a field': (code) => `code[code]=${code}`,
  'the code twice': (code) => `code=${code}&code=${code}`,
  'the code among others': (code) => `code=000000&code=${code}`,
  'full-width digits': (code) => `code=${encoded(inScript(0xff10)(code))}`,
  'Arabic digits': (code) => `code=${encoded(inScript(0x660)(code))}`,
  'mathematical digits': (code) => `code=${encoded(inScript(0x1d7ce)(code))}`,
  'seven digits': (code) => `code=${code}0`,
  'seven digits, zero first': (code) => `code=0${code}`,
  'five digits': (code) => `code=${code.slice(0, 5)}`,
  'two codes': (code) => `code=${code}${code}`,
  'a list of codes': (code) => `code=${code},${code}`,
  'a null byte behind': (code) => `code=${code}%00`,
  'a null byte before': (code) => `code=%00${code}`,
  'a zero-width space': (code) => `code=${encoded(`${code}\u200b`)}`,
  'a line behind it': (code) => `code=${code}%0A0`,
  'a sign': (code) => `code=%2B${code}`,
  'a fraction': (code) => `code=${code}.0`,
  'an exponent': (code) => `code=${code}e0`,
  'a hexadecimal number': (code) => `code=0x${Number(code).toString(16)}`,
  'the word null': () => 'code=null',
  'the word true': () => 'code=true',
  JSON: (code) => `code=${encoded(JSON.stringify({ code }))}`,
  'a pattern': () => `code=${encoded('^[0-9]{6}$')}`,
  'ten thousand digits': (code) => `code=${code.repeat(1700)}`,
  'another name': (code) => `Code=${code}`,
}

const send = (journey: Journey, page: Page, body: string, type = FORM) =>
  journey.browser.send(page.action, { form: body, headers: { 'content-type': type }, follow: false })

const fields = ({ csrf }: Page, rest: string) => `csrf=${encoded(csrf)}&${rest}`

describe('security: what is not a code', () => {
  const names = Object.keys(notACode)
  const bench = useBench(() => ({
    accounts: new Map<string, Account>(names.map((id) => [id, { id, label: id }])),
  }))

  it('AC-19: passes in no shape, at a challenge', async () => {
    const got = []
    for (const name of names) {
      const journey = await enrolled(bench, name)
      const { page } = await challenged(journey)
      const answer = await send(journey, page, fields(page, notACode[name]?.(codeAt(journey.secret)) ?? ''))
      if (![400, 422].includes(answer.status) || advanced(answer)) got.push([name, answer.status])
      assert.ok(passed(await journey.answer(page)), `${name}: and took nothing from the right one`)
    }
    assert.deepEqual(got, [])
  })
})

describe('security: forms that are not ours', () => {
  const bench = useBench()

  it('AC-18: no made-up field passes, not even beside the right code', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const made: Readonly<Record<string, string>>[] = [
      { bypass: '1' },
      { bypass_otp: '1' },
      { otpRequired: 'false' },
      { outcome: 'accepted' },
      { state: '{}' },
      { 'state[secret]': 'A'.repeat(32) },
      { result: '{"mfa":{}}' },
      { mfa: '1' },
      { declined: 'true' },
      { failures: '0' },
      { authenticatorId: 'x' },
      { accountId: 'bob' },
      { uid: 'x' },
      { acr: 'phrh' },
      { status: '200' },
    ]
    for (const form of made)
      for (const code of [{}, { code: codeAt(bob.secret) }]) {
        const answer = await postOnly(bob.browser, page, { ...form, ...code })
        assert.deepEqual([answer.status, advanced(answer)], [400, false], JSON.stringify(form))
      }
    for (const form of made)
      for (const way of ['cancel', 'decline'])
        assert.equal((await postOnly(bob.browser, page, form, {}, `${page.url.pathname}/${way}`)).status, 400)
    const query = await postOnly(bob.browser, page, { code: '000000' }, {}, `${page.action}?bypass=1&outcome=accepted`)
    assert.deepEqual([query.status, advanced(query)], [422, false])
    assert.ok(passed(await bob.answer(page)))
  })

  it('AC-83: no body reaches a prototype', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    for (const rest of [
      '__proto__[polluted]=1',
      '__proto__=1',
      '__proto__.polluted=1',
      'constructor[prototype][polluted]=1',
      'constructor.prototype.polluted=1',
      'code[__proto__][polluted]=1',
      'code[constructor][prototype][polluted]=1',
      '__proto__[csrf]=x&__proto__[code]=000000',
      'hasOwnProperty=1&toString=1&valueOf=1',
    ]) {
      const answer = await send(bob, page, fields(page, rest))
      assert.ok([400, 422, 429].includes(answer.status), `${rest}: ${answer.status}`)
      assert.equal(advanced(answer), false)
    }
    await send(bob, page, '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}', 'application/json')
    await bob.browser.get(`${page.url.pathname}?__proto__[polluted]=1&constructor[prototype][polluted]=1`)
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
    assert.equal(([] as unknown as Record<string, unknown>).polluted, undefined)
  })

  it('AC-84: bodies too large, too deep, cut short or of another kind get a page that says so', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const good = fields(page, `code=${codeAt(bob.secret)}`)
    const types: Readonly<Record<string, number>> = {
      'application/json': 415,
      'text/plain': 415,
      'text/html': 415,
      'application/octet-stream': 415,
      'multipart/form-data; boundary=x': 415,
      'application/xml': 415,
    }
    for (const [type, status] of Object.entries(types)) {
      const answer = await send(bob, page, good, type)
      assert.deepEqual([answer.status, advanced(answer)], [status, false], type)
    }
    const bodies: readonly (readonly [string, string, number])[] = [
      ['17 kB', `${good}&pad=${'x'.repeat(17_000)}`, 413],
      ['1 MB', `${good}&pad=${'x'.repeat(1_000_000)}`, 413],
      ['a thousand levels', `${good}&a${'[a]'.repeat(1000)}=1`, 400],
      ['four thousand fields', `${good}${'&a=1'.repeat(3900)}`, 400],
      ['a thousand names', `${good}${Array.from({ length: 1500 }, (_none, index) => `&a${index}=`).join('')}`, 400],
      ['nothing', '', 403],
      ['broken escapes', `${good}&%E0%A4%A=%`, 400],
    ]
    for (const [name, body, status] of bodies) {
      const answer = await send(bob, page, body)
      assert.deepEqual([answer.status, advanced(answer)], [status, false], name)
      assert.match(answer.text, /<h1>/)
    }
    assert.ok(passed(await bob.answer(page)))
  })

  it('AC-84: nor do chunks, compression or a broken stream get past the limit', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const cookie = cookiesFor(bob.browser, page)
    const good = fields(page, `code=${codeAt(bob.secret)}`)
    const head = `POST ${page.action} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nContent-Type: ${FORM}\r\nConnection: close\r\n`
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
    const chunked = await sendRaw(bench.host, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`)
    assert.equal(rawStatus(chunked), 413)
    const post = (body: Uint8Array<ArrayBuffer>) =>
      fetch(new URL(page.action, bench.host.issuer), {
        method: 'POST',
        body,
        redirect: 'manual',
        headers: { cookie, 'content-type': FORM, 'content-encoding': 'gzip' },
      })
    assert.equal((await post(Uint8Array.from(gzipSync(`${good}&pad=${'x'.repeat(10_000_000)}`)))).status, 413)
    assert.equal((await post(Uint8Array.from(Buffer.from('not gzip at all')))).status, 400)
    bench.host.provider.silent = true
    for (const framing of ['Content-Length: 500', 'Transfer-Encoding: chunked']) {
      const cut = await sendRaw(bench.host, `${head}${framing}\r\n\r\n${good}`)
      assert.doesNotMatch(cut, /HTTP\/1\.1 [35]\d\d/, framing)
    }
    assert.ok(passed(await bob.answer(page)))
  })
})
