import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { EmailView } from '../../src/factors/email.ts'
import { createRenderer } from '../../src/http/render.ts'
import type { CeremonyScreen } from '../../src/http/screens.ts'

const renderer = createRenderer()
const MASK = 'b•••@e•••.com'
const TEXT = `"><img src=x onerror=alert(1)>{t}`

const html = (view: 'enroll' | 'challenge', own: Partial<EmailView>, more: Partial<CeremonyScreen> = {}) => {
  const screen: CeremonyScreen<EmailView> = {
    t: renderer.translate(more.locale ?? 'en'),
    locale: 'en',
    stylesheet: '/step-up.css',
    script: '/step-up.js',
    accountLabel: 'bob@example.com',
    clientName: 'Bank',
    csrf: 'x',
    action: '/answer',
    cancelAction: '/cancel',
    declineAction: '/decline',
    chooseHref: '/choose',
    authenticators: [MASK],
    ...more,
    view: { digits: 6, others: [], ...own },
  }
  return renderer.render(`email/${view}`, screen)
}

const others = [
  { id: 'a1', name: 'b•••@w•••.com' },
  { id: 'a2', name: TEXT },
]

const pages = {
  challenge: ['challenge', { to: MASK, others }],
  'the address': ['enroll', {}],
  'the address, typed before': ['enroll', { typed: TEXT }],
  'the code': ['enroll', { to: TEXT }],
} as const

const notices: readonly CeremonyScreen['error'][] = [
  undefined,
  { id: 'code.invalid' },
  { id: 'message.paused', values: { seconds: 30 } },
  { id: 'message.not-sent' },
  { id: 'email.address.invalid' },
]

const assertSound = (
  view: 'enroll' | 'challenge',
  own: Partial<EmailView>,
  locale: string,
  error: CeremonyScreen['error'],
) => {
  const source = html(view, own, { locale, ...(error === undefined ? {} : { error }) })
  const $ = load(source)
  assert.equal($('html').attr('lang'), locale)
  assert.deepEqual([$('h1').length, $('.primary').length, $('[autofocus]').length], [1, 1, 1])
  assert.equal($('title').text().includes(': '), error !== undefined)
  assert.equal($('.main [aria-describedby=notice]').attr('aria-invalid'), error && 'true')
  assert.equal($('style, [style], img, [onerror]').length, 0)
  assert.doesNotMatch(source, /undefined|\[object/)
  for (const form of $('form').toArray()) {
    assert.equal($(form).attr('method'), 'post')
    assert.deepEqual([$(form).find('button').length, $(form).find('[name=csrf]').length], [1, 1])
  }
  for (const input of $('input:not([type=hidden])').toArray())
    assert.equal($(`label[for="${$(input).attr('id')}"]`).length, 1)
}

describe('factors/email: screens', () => {
  for (const locale of renderer.locales)
    for (const [name, [view, own]] of Object.entries(pages))
      it(`${name} is one task with one primary button in ${locale}, whatever it has to say`, () => {
        for (const error of notices) assertSound(view, own, locale, error)
      })

  it('the code is one field that phones fill in, with small buttons for another mail beneath', () => {
    const $ = load(html('challenge', { to: MASK, others }))
    assert.equal($('#code').attr('autocomplete'), 'one-time-code')
    assert.match($('.lead').first().text(), /We send it to b•••@e•••\.com\./)
    const asks = $('.ways form')
      .toArray()
      .map((form) => [
        $(form).find('input').eq(1).attr('name'),
        $(form).find('input').eq(1).attr('value'),
        $(form).find('button').text(),
      ])
    assert.deepEqual(asks.slice(0, 3), [
      ['resend', 'yes', 'Send another code'],
      ['to', 'a1', 'Send a code to b•••@w•••.com'],
      ['to', 'a2', `Send a code to ${TEXT}`],
    ])
  })

  it('an address is asked for as such, and kept as it was typed', () => {
    const $ = load(html('enroll', { typed: 'bob@' }, { error: { id: 'email.address.invalid' } }))
    assert.deepEqual(
      ['type', 'autocomplete', 'value', 'aria-describedby'].map((name) => $('#address').attr(name)),
      ['email', 'email', 'bob@', 'notice'],
    )
  })

  it('an offer after a recovery code says why', () => {
    const page = html('enroll', {}, { offer: 'recovered', codesLeft: 1 })
    assert.match(page, /You came in with a recovery code/)
    assert.match(page, /One recovery code is left/)
  })
})

describe('factors/email: mails', () => {
  const values = { code: '049381', app: '<b>Bank</b>', host: 'login.example.com', seconds: '300' }
  for (const locale of renderer.locales)
    for (const name of ['challenge', 'enroll']) {
      const {
        subject = '',
        text,
        html: markup = '',
      } = renderer.compose({ to: 'bob@example.com', template: `email/${name}`, values, expiresAt: 0 }, locale)
      it(`${name} in ${locale} has the code once, on a line of its own, in text and HTML`, () => {
        assert.deepEqual(text.match(/^049381$/gm), ['049381'])
        assert.equal(load(markup)('p').eq(1).text(), '049381')
        assert.equal(markup.split('049381').length, 2)
        assert.ok(text.indexOf('049381') > 100, 'not among the first words, which lock screens show')
      })
      it(`${name} in ${locale} has a subject of one line without the code`, () => {
        assert.match(subject, /^[^\r\n\d]+$/)
        assert.ok(subject.includes('<b>Bank</b>'))
      })
      it(`${name} in ${locale} links and loads nothing, and says the same in both forms`, () => {
        const $ = load(markup)
        assert.equal($('html').attr('lang'), locale)
        assert.equal($('a, img, link, script, style, [src], [href], b').length, 0)
        assert.doesNotMatch(text + markup, /https?:|www\./)
        const plain = text.split('\n\n')
        assert.deepEqual(
          $('p')
            .toArray()
            .map((part) => $(part).text()),
          plain,
        )
        assert.equal(plain.length, 5)
      })
    }
})
