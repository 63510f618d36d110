import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { load } from 'cheerio'
import fc from 'fast-check'
import type { Message } from '../../src/factors/factor.ts'
import { createRenderer } from '../../src/http/render.ts'

const { compose, locales, translate } = createRenderer()
const root = new URL('../../views/', import.meta.url)

/** Every message that there is a text for. */
const TEMPLATES = readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
  const [, factor, name] = /^([a-z-]+)\/messages\/([a-z-]+)\.text\.ejs$/.exec(file) ?? []
  return factor === undefined ? [] : [`${factor}/${name}`]
})

/** All values that any of them asks for; what is a name is this text. */
const valuesOf = (name: string): Message['values'] => ({
  app: name,
  host: name,
  code: '271828',
  minutes: '5',
  seconds: '300',
})

const messageOf = (template: string, values = valuesOf('Acme'), more: Partial<Message> = {}): Message => ({
  to: '+4915112345678',
  template,
  values,
  expiresAt: 1_800_000_300,
  ...more,
})

describe('http/render: messages', () => {
  it('finds templates to test', () => {
    assert.ok(TEMPLATES.length >= 4, TEMPLATES.join())
  })

  for (const template of TEMPLATES)
    for (const locale of locales)
      it(`writes ${template} in ${locale}, with nothing left to fill in`, () => {
        const { text, subject, html, ...rest } = compose(messageOf(template), locale)
        assert.deepEqual(rest, { to: '+4915112345678', channel: 'text', locale, expiresAt: 1_800_000_300 })
        assert.equal(text, text.trim())
        assert.notEqual(text, '')
        assert.doesNotMatch(text, /<%|%>|undefined|\{\w+\}|\[object/)
        const knows = translate(locale).knows(`${template.replace('/', '.messages.')}.subject`)
        assert.equal(subject !== undefined, knows)
        if (subject !== undefined) assert.doesNotMatch(subject, /271828|[\r\n]/)
        if (html !== undefined) assert.match(html, new RegExp(`<html[^>]* lang="${locale}"`))
      })

  const mailed = TEMPLATES.filter((template) => template.startsWith('email/'))

  it('AC-71: a subject is one line, whatever it names', () =>
    fc.assert(
      fc.property(fc.constantFrom(...mailed), fc.string({ unit: 'binary', maxLength: 60 }), (template, name) => {
        const evil = `${name}\r\nBcc: eve@evil.example\u2028\u0000x`
        const { subject = '' } = compose(messageOf(template, valuesOf(evil)), 'en')
        assert.doesNotMatch(subject, /[\p{Cc}\u2028\u2029]/u)
        assert.equal(subject, subject.trim())
      }),
      { numRuns: 200, seed: 3 },
    ))

  it('AC-57: HTML escapes what it is given, and plain text does not', () => {
    const evil = '<img src=x onerror=alert(1)>&"\''
    for (const template of mailed) {
      const { html = '', text } = compose(messageOf(template, valuesOf(evil)), 'en')
      assert.equal(load(html)('img, script').length, 0, template)
      assert.ok(!html.includes('<img') && text.includes(evil), template)
    }
  })

  it('AC-57: braces and template marks in a value stay what they are', () => {
    for (const template of TEMPLATES)
      for (const value of ['{code}', '<%= it.values.code %>', '{client:duration}', '$&']) {
        const { text } = compose(messageOf(template, valuesOf(value)), 'en')
        assert.equal(
          text.split('271828').length,
          compose(messageOf(template, valuesOf('x')), 'en').text.split('271828').length,
        )
      }
  })

  it('passes on how it is to be said, and when it ends', () => {
    const [template = ''] = TEMPLATES
    const { channel, expiresAt } = compose(messageOf(template, valuesOf('x'), { channel: 'voice', expiresAt: 7 }), 'de')
    assert.deepEqual([channel, expiresAt], ['voice', 7])
  })

  for (const template of [
    'sms/nothing',
    'nothing/challenge',
    '../email/challenge',
    'sms',
    '',
    'sms/../sms/challenge',
    '__proto__/x',
  ])
    it(`AC-95: refuses the template ${JSON.stringify(template)}`, () =>
      assert.throws(() => compose(messageOf(template), 'en'), TypeError))

  it('refuses a language that there is none of', () => {
    const [template = ''] = TEMPLATES
    assert.throws(() => compose(messageOf(template), 'tlh'), TypeError)
  })
})
