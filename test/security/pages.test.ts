import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { Account } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Browser, Page } from '../support/browser.ts'
import { CLIENT, codeAt, REDIRECT_URI } from '../support/host.ts'
import { createJourney, signIn } from '../support/relying-party.ts'
import { challenged, enrolled, essential, postOnly, TWO_KINDS, useBench, wrongCodes } from './support.ts'

/** The address that an enrolment page gives to an app. */
const appUri = ({ text }: Page) => new URL(load(text)('a[href^="otpauth:"]').attr('href') ?? '')

/** Elements and attribute names in order: what a page is made of, without its words. */
const skeleton = ({ text }: Page): string => {
  const $ = load(text)
  return $('*')
    .get()
    .map((element) => `${$(element).prop('tagName')}[${Object.keys($(element).attr() ?? {}).sort()}]`)
    .join(' ')
}

const assertOurs = ({ text, headers }: Page, name: string) => {
  const $ = load(text)
  assert.equal($('script:not([src]), iframe, object, embed, base, svg, math, style').length, 0, name)
  assert.equal($('script').text(), '', name)
  for (const [attribute, value] of $('*')
    .get()
    .flatMap((element) => Object.entries($(element).attr() ?? {}))) {
    assert.doesNotMatch(attribute, /^on|^style$/, name)
    if (['href', 'src', 'action', 'formaction', 'srcset', 'data', 'poster'].includes(attribute))
      assert.match(
        value,
        /^(\/(?![/\\])|data:,$|data:image\/svg\+xml;base64,|otpauth:)/,
        `${name}: ${attribute}=${value}`,
      )
  }
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.doesNotMatch(headers.get('content-security-policy') ?? '', /unsafe|\*/)
}

const corpus = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus=alert(1) x='",
  '</title></head><body onload=alert(1)>',
  '<svg/onload=alert(1)>',
  'javascript:alert(1)',
  '<%= process.env.PATH %><%- 1 %>',
  '{{7*7}}#{7*7}{client}{seconds:duration}',
  '&lt;script&gt;&quot;&#39;',
  '\u2028<!--<script>-->\u202e<a href=//evil.example>',
  '</dd></dl><form action=//evil.example><input name=code>',
  '`;alert(1)//',
  'a:b?secret=EVIL&issuer=Evil#x/../%2e%2e',
]

describe('security: words from outside stay words', () => {
  const bench = useBench(() => ({
    accounts: new Map<string, Account>(
      ['plain', ...corpus].map((label, index) => [`user${index}`, { id: `user${index}`, label }]),
    ),
    clients: ['Plain', ...corpus].map((client_name, index) => ({
      ...CLIENT,
      client_id: `app${index}`,
      client_name,
      redirect_uris: [...CLIENT.redirect_uris],
      grant_types: [...CLIENT.grant_types],
      response_types: ['code' as const],
    })),
  }))

  const ask = async (browser: Browser, index: number, more: Readonly<Record<string, string>>) => {
    const query = new URLSearchParams({
      client_id: `app${index}`,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid',
      ...more,
    })
    const page = await browser.get(`/auth?${query}`)
    return page.heading === 'host login' ? signIn(browser, page, `user${index}`) : page
  }

  const pagesOf = async (index: number, word: string) => {
    const hints = {
      login_hint: word,
      ui_locales: word,
      acr_values: `${MULTI_FACTOR} ${word}`,
      state: word,
      nonce: word,
    }
    const browser = bench.host.browser()
    const enroll = await ask(browser, index, hints)
    const wrong = await browser.post(enroll, { code: word })
    const extra = await browser.post(enroll, { [word]: word })
    const query = await browser.get(`${enroll.url.pathname}?${new URLSearchParams({ [word]: word, code: word })}`)
    const unknown = await browser.get(`/mfa/${encodeURIComponent(word)}`)
    const segment = await browser.get(`/mfa/x/${encodeURIComponent(word)}`)
    await browser.post(enroll, { code: codeAt(appUri(enroll).searchParams.get('secret') ?? '') })
    const challenge = await ask(browser, index, { ...hints, prompt: 'login' })
    const phr = await ask(browser, index, { ...hints, ...essential('phr', word) })
    return { enroll, wrong, extra, query, unknown, segment, challenge, phr }
  }

  it('AC-57: no label, name, hint, language, level, address or field changes what a page is made of', async () => {
    const plain = await pagesOf(0, 'plain')
    for (const [index, word] of corpus.entries()) {
      const pages = await pagesOf(index + 1, word)
      for (const [name, page] of Object.entries(pages)) {
        assertOurs(page, `${name} with ${word}`)
        const model = plain[name as keyof typeof plain]
        assert.ok(page.status < 500, `${name} with ${word}: ${page.status}`)
        if (page.heading === model.heading) assert.equal(skeleton(page), skeleton(model), `${name} with ${word}`)
        else assert.equal(page.status, 404, `${name} with ${word}: ${page.heading}`)
      }
      const $ = load(pages.enroll.text)
      const shown = $('dd')
        .map((_index, dd) => $(dd).text())
        .get()
      assert.ok(shown.length === 2 && shown.every((text) => text.trim() === word.trim()), `${word}: ${shown}`)
    }
  })

  it('AC-57: nor does an account label write into the address that apps read', async () => {
    const index = corpus.length
    const { enroll } = await pagesOf(index, corpus[index - 1] ?? '')
    const uri = appUri(enroll)
    assert.deepEqual(uri.searchParams.getAll('issuer'), ['Test'])
    assert.equal(uri.searchParams.getAll('secret').length, 1)
    assert.equal(uri.hash, '')
  })
})

describe('security: every page', () => {
  const bench = useBench()

  const everyPage = async (): Promise<Readonly<Record<string, Page>>> => {
    const bob = await enrolled(bench)
    const carol = await createJourney(bench.host, 'carol')
    const { page: enroll } = await carol.go(TWO_KINDS)
    const { page: challenge } = await challenged(bob)
    const base = challenge.url.pathname
    const wrong = []
    for (const code of wrongCodes(bob.secret, 6)) wrong.push(await bob.answer(challenge, code))
    return {
      enroll,
      challenge,
      unreachable: (await bob.go(essential('phr'))).page,
      invalid: wrong[0] as Page,
      dead: wrong[4] as Page,
      throttled: wrong[5] as Page,
      'shown dead': await bob.browser.get(challenge.url),
      'bad token': await postOnly(bob.browser, { ...challenge, csrf: 'x' }, {}),
      'bad field': await postOnly(bob.browser, challenge, { bad: '1' }),
      'bad type': await postOnly(bob.browser, challenge, {}, { 'content-type': 'text/plain' }),
      'too large': await postOnly(bob.browser, challenge, { code: 'x'.repeat(20_000) }),
      'not declinable': await postOnly(bob.browser, challenge, {}, {}, `${base}/decline`),
      expired: await bob.browser.get('/mfa/unknown'),
      'no page': await bob.browser.get('/mfa/a/b/c/d'),
      'no asset': await bob.browser.get('/mfa/assets/other.css'),
      'no method': await bob.browser.send(base, { method: 'DELETE' }),
      'no posting': await bob.browser.send(`${base}/choose`, { method: 'POST' }),
      root: await bob.browser.get('/mfa'),
      redirect: await bob.browser.send(`${base}/other`, { follow: false }),
      leaving: await postOnly(bob.browser, challenge, {}, {}, `${base}/cancel`),
    }
  }

  it('AC-56, AC-69: may stand in no frame, in no cache, and tells nobody where it stood', async () => {
    for (const [name, { headers }] of Object.entries(await everyPage())) {
      assert.match(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/, name)
      assert.equal(headers.get('x-frame-options'), 'DENY', name)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', name)
      assert.equal(headers.get('referrer-policy'), 'no-referrer', name)
      assert.equal(headers.get('cache-control'), 'no-store', name)
      assert.equal(headers.get('access-control-allow-origin'), null, name)
    }
  })

  it('AC-99: draws all it shows by itself, from no address outside', async () => {
    for (const [name, page] of Object.entries(await everyPage())) {
      if (page.status !== 303) assertOurs(page, name)
      assert.doesNotMatch(page.text.replaceAll(bench.host.issuer, ''), /https?:\/\/|src=["']?\/\/|url\(/, name)
    }
    const { page } = await (await createJourney(bench.host, 'alice')).go(TWO_KINDS)
    const sheet = await bench.host.browser().get(load(page.text)('link[rel=stylesheet]').attr('href') ?? '')
    assert.equal(sheet.status, 200)
    assert.doesNotMatch(sheet.text, /@import|url\((?!["']?data:)/)
    const script = await bench.host.browser().get(load(page.text)('script').attr('src') ?? '')
    assert.equal(script.status, 200)
    assert.doesNotMatch(script.text, /\bimport\b|fetch|https?:|innerHTML/)
    const picture = load(page.text)('img').attr('src') ?? ''
    const svg = Buffer.from(picture.slice(picture.indexOf(',') + 1), 'base64').toString()
    assert.doesNotMatch(svg.replaceAll('http://www.w3.org/2000/svg', ''), /https?:|<script|href/)
  })

  it('AC-95: comes in one of our languages, whatever language is asked for', async () => {
    const bob = await enrolled(bench)
    const wanted = [
      '../../etc/passwd',
      '../messages/en',
      '/etc/passwd',
      'en/../../package',
      '__proto__',
      'constructor',
      'en.json',
      'en\u0000',
      'C:\\windows\\win.ini',
      'x-'.repeat(3000),
      '%2e%2e%2f',
      'de-../..',
    ]
    for (const language of wanted) {
      bob.browser.clear()
      const { page } = await bob.go({ ...TWO_KINDS, ui_locales: language })
      assert.deepEqual([page.status, page.action], [200, `${page.url.pathname}/totp`], language)
      assert.equal(load(page.text)('html').attr('lang'), language.startsWith('de') ? 'de' : 'en', language)
      assert.doesNotMatch(page.text, /root:|oidc-provider/)
    }
    for (const language of wanted.filter((text) => !text.includes('\u0000'))) {
      const page = await bench.host.browser().send('/mfa/unknown', { headers: { 'accept-language': language } })
      assert.equal(page.status, 400, language)
    }
    for (const name of [
      '../../package.json',
      '..%2f..%2fpackage.json',
      '%2e%2e/messages/en.json',
      '__proto__',
      'step-up.css',
    ])
      assert.equal((await bench.host.browser().get(`/mfa/assets/${encodeURIComponent(name)}`)).status, 404, name)
  })
})
