import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRenderer } from '../../src/http/render.ts'

const renderer = createRenderer()
const root = new URL('../../views/', import.meta.url)
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
const templates = files.filter((file) => file.endsWith('.ejs'))
const words = (locale: string): Record<string, string> =>
  Object.assign({}, ...files.filter((file) => file.endsWith(`/${locale}.json`)).map((file) => JSON.parse(read(file))))

describe('http/render', () => {
  describe('views', () => {
    it('knows the views by name and no partial among them', () => {
      for (const view of [
        'choose',
        'unreachable',
        'expired',
        'error',
        'totp/enroll',
        'totp/challenge',
        'recovery-codes/enroll',
        'serve/login',
      ])
        assert.equal(renderer.hasView(view), true, view)
      for (const view of ['partials/head', 'demo/partials/head', 'messages/en', 'nothing', ''])
        assert.equal(renderer.hasView(view), false, view)
    })

    // AC-95: a template name never becomes a path.
    for (const name of [
      '../package',
      '/etc/passwd',
      'choose.ejs',
      './choose',
      'totp\\enroll',
      '__proto__',
      'constructor',
    ])
      it(`refuses the view name ${name}`, () => {
        assert.equal(renderer.hasView(name), false)
        const screen = { t: renderer.translate('en'), locale: 'en', stylesheet: '/s.css' }
        assert.throws(() => renderer.render(name, screen), TypeError)
      })

    // AC-57: `partial` is the only raw output, but for messages in plain text, where nothing can be escaped.
    it('writes nothing unescaped', () => {
      for (const file of templates.filter((name) => !/\/messages\/[a-z-]+\.text\.ejs$/.test(name)))
        for (const [tag] of read(file).matchAll(/<%-[\s\S]*?%>/g))
          assert.match(tag, /^<%- it\.partial\('(?:[a-z-]+\/)?[a-z-]+'(, [^<]*)?\) -?%>$/, `${file}: ${tag}`)
    })
  })

  describe('messages', () => {
    it('has the same ids and places in every language', () => {
      const places = (text: string) => [...text.matchAll(/\{[^}]*\}/g)].map(([place]) => place).sort()
      const english = words('en')
      for (const locale of renderer.locales) {
        const other = words(locale)
        assert.deepEqual(Object.keys(other).sort(), Object.keys(english).sort(), locale)
        for (const [id, text] of Object.entries(other)) {
          assert.deepEqual(places(text), places(english[id] ?? ''), `${locale}: ${id}`)
          assert.notEqual(text.trim(), '', `${locale}: ${id}`)
        }
      }
    })

    it('has every id that a template names', () => {
      const known = words('en')
      for (const file of templates) {
        const source = read(file)
        const direct = [...source.matchAll(/it\.t\(\s*'([^']+)'/g)].map(([, id]) => id)
        const chosen = [...source.matchAll(/\? '([a-z.-]+\.[a-z.-]+)' : '([a-z.-]+\.[a-z.-]+)'/g)].flatMap(
          ([, ...ids]) => ids,
        )
        const passed = [...source.matchAll(/(?:id|hint|submit|choose|decline|cancel|retry): '([a-z-]+\.[a-z.-]+)'/g)]
        for (const id of [...direct, ...chosen, ...passed.map(([, id]) => id)])
          assert.ok(id !== undefined && id in known, `${file}: ${id}`)
      }
    })

    it('names and explains each factor that has views', () => {
      const known = words('en')
      for (const file of templates.filter((name) => /^(?!serve\/).*\/challenge\.ejs$/.test(name)))
        for (const word of ['name', 'about']) assert.ok(`${file.split('/')[0]}.${word}` in known, `${file}: ${word}`)
    })

    it('has a heading and a text for each page that only tells', () => {
      const known = words('en')
      for (const id of Object.keys(known).filter((id) => /^(error|expired)\b.*\.heading$/.test(id)))
        assert.ok(id.replace(/heading$/, 'text') in known, id)
    })

    it('never uses our own jargon', () => {
      for (const locale of renderer.locales)
        for (const [id, text] of Object.entries(words(locale)))
          assert.doesNotMatch(
            text,
            /\b(MFA|2FA|T?OTP|acr|amr|factors?|Faktor(en)?|authenticators?(?! app|\u2011App))\b/i,
            id,
          )
    })

    it('fills in places once and leaves braces in values alone', () => {
      const t = renderer.translate('en')
      assert.equal(t('out.back', { client: '{client} {t}' }), 'Go back to {client} {t}')
      assert.equal(t('out.back', { client: '$& <b>' }), 'Go back to $& <b>')
    })

    it('writes durations in the words of the language', () => {
      const throttled = (locale: string, seconds: number) => renderer.translate(locale)('code.throttled', { seconds })
      assert.match(throttled('en', 1), /Wait 1 second,/)
      assert.match(throttled('en', 30), /Wait 30 seconds,/)
      assert.match(throttled('en', 121), /Wait 3 minutes,/)
      assert.match(throttled('de', 3600), / in 60 Minuten /)
    })

    it('throws for an unknown id, a missing value and an unknown language', () => {
      const t = renderer.translate('en')
      for (const id of ['nothing', '__proto__', 'constructor']) assert.throws(() => t(id), TypeError)
      assert.throws(() => t('out.back'), TypeError)
      assert.throws(() => t('out.back', Object.create({ client: 'inherited' })), TypeError)
      for (const locale of ['fr', '../en', '', '__proto__']) assert.throws(() => renderer.translate(locale), TypeError)
    })
  })

  describe('negotiate', () => {
    const cases: readonly (readonly [string | undefined, string | undefined, string])[] = [
      [undefined, undefined, 'en'],
      ['', '', 'en'],
      ['de', undefined, 'de'],
      ['de-CH-1996', undefined, 'de'],
      ['fr de en', undefined, 'de'],
      ['DE-at', 'en', 'de'],
      ['fr', 'de', 'de'],
      [undefined, 'fr;q=1, de;q=0.5, en;q=0.8', 'en'],
      [undefined, 'en;q=0.1,de', 'de'],
      [undefined, 'de;q=0, fr', 'en'],
      [undefined, 'de;q=nonsense', 'en'],
      [undefined, '*', 'en'],
      ['../../etc/passwd', '__proto__', 'en'],
      [`${'x'.repeat(1_000)} de`, undefined, 'en'],
      [undefined, `${'fr,'.repeat(100_000)}de`, 'en'],
    ]
    for (const [uiLocales, acceptLanguage, expected] of cases)
      it(`answers ${expected} to ${uiLocales?.slice(0, 20)} and ${acceptLanguage?.slice(0, 30)}`, () => {
        assert.equal(renderer.negotiate(uiLocales, acceptLanguage), expected)
      })
  })

  describe('script', () => {
    const { path, body, etag } = renderer.script

    it('is one file under 4 kB, named by its content', () => {
      assert.ok(Buffer.byteLength(body) < 4_000)
      assert.match(path, /^step-up\.[0-9a-f]{8}\.js$/)
      assert.equal(etag, `"${path.split('.')[1]}"`)
    })

    it('loads nothing, asks nobody and writes no markup', () => {
      assert.doesNotMatch(
        body,
        /\bimport\b|fetch|XMLHttp|WebSocket|sendBeacon|innerHTML|insertAdjacent|document\.write|eval/,
      )
    })
  })

  describe('stylesheet', () => {
    const { path, body, etag } = renderer.stylesheet

    it('is one file under 10 kB, named by its content', () => {
      assert.ok(Buffer.byteLength(body) < 10_000)
      assert.match(path, /^step-up\.[0-9a-f]{8}\.css$/)
      assert.equal(etag, `"${path.split('.')[1]}"`)
    })

    it('fetches nothing', () => {
      assert.doesNotMatch(body, /url\(|@import/i)
    })

    it('cares for dark rooms, still screens and forced colors', () => {
      for (const feature of [
        'prefers-color-scheme: dark',
        'prefers-reduced-motion: no-preference',
        'forced-colors: active',
      ])
        assert.ok(body.includes(feature), feature)
    })

    // WCAG 2.2 success criteria 1.4.3 (text 4.5:1) and 1.4.11 (edges of controls, focus rings 3:1).
    const pairs: readonly (readonly [string, string, number])[] = [
      ['--text', '--card', 4.5],
      ['--text', '--quiet', 4.5],
      ['--muted', '--card', 4.5],
      ['--muted', '--quiet', 4.5],
      ['--fault', '--card', 4.5],
      ['--brand-accent', '--card', 4.5],
      ['--brand-on-accent', '--brand-accent', 4.5],
      ['--brand-on-accent', '--brand-accent-strong', 4.5],
      ['--edge', '--card', 3],
    ]
    const dark = body.indexOf('prefers-color-scheme: dark')
    for (const [scheme, source] of [
      ['light', body.slice(0, dark)],
      ['dark', body.slice(dark)],
    ] as const)
      for (const [front, back, least] of pairs)
        it(`shows ${front} on ${back} at ${least}:1 or more in ${scheme}`, () => {
          assert.ok(contrast(color(source, front), color(source, back)) >= least)
        })
  })
})

const color = (source: string, property: string): string => {
  const hex = new RegExp(`${property}: #([0-9a-f]{6});`).exec(source)?.[1]
  assert.ok(hex, `${property} is a plain color`)
  return hex
}

/** WCAG 2.2, definitions of contrast ratio and relative luminance. */
const contrast = (one: string, other: string): number => {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (bright + 0.05) / (dim + 0.05)
}

const luminance = (hex: string): number => {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
