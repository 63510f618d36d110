import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { createRenderer } from '../../src/http/render.ts'
import type {
  CeremonyScreen,
  ChooseScreen,
  ClosedScreen,
  ConsentScreen,
  ErrorScreen,
  LoginScreen,
  LogoutScreen,
  PlainScreen,
  Screen,
  UnreachableScreen,
} from '../../src/http/screens.ts'

const renderer = createRenderer()

const base = (locale: string): Screen => ({
  t: renderer.translate(locale),
  locale,
  stylesheet: '/step-up.css',
  script: '/step-up.js',
})

const CODES = Array.from({ length: 10 }, (_, index) => `7K2M-9QXD-H3PT-W8V${index}`)

const payloads = {
  plain: 'Maria',
  script: '<script>alert(1)</script>',
  attribute: '"><img src=x onerror=alert(1)>',
  quote: "' autofocus onfocus='alert(1)",
  place: '{t} {client} <%= it.t %>',
  'right-to-left': '\u202emoc.live\u202c שלום',
  long: 'a'.repeat(300),
}

/** Every screen with each text that somebody else chose set to `text`. */
const screens = (locale: string, text: string) => {
  const ways = { csrf: text, cancelAction: text, declineAction: text }
  const known = { ...base(locale), ...ways, accountLabel: text, clientName: text }
  const ceremony = { ...known, action: text, chooseHref: text, authenticators: [text, text] }
  const error = { id: 'code.throttled', values: { seconds: 30 } }
  const dead = { id: 'code.dead', values: { seconds: 30 } }
  const disabled = { ...known, notice: { id: 'code.disabled' } }
  const challenge = { digits: 6 }
  const enroll = { digits: 6, qr: `data:image/svg+xml,${text}`, secret: text, uri: `otpauth://totp/${text}` }
  const save = { codes: CODES.with(0, text), left: 2 }
  const options = [{ factor: 'totp', href: text, authenticators: [text] }]
  const login = { ...known, action: text, username: text }
  return {
    challenge: ['totp/challenge', { ...ceremony, view: challenge } satisfies CeremonyScreen],
    'challenge, invalid': ['totp/challenge', { ...ceremony, view: challenge, error: { id: 'code.invalid' } }],
    'challenge, throttled': ['totp/challenge', { ...ceremony, view: challenge, error }],
    'closed, dead': ['closed', { ...known, notice: dead, retryHref: text, chooseHref: text } satisfies ClosedScreen],
    'closed, disabled': ['closed', { ...disabled, chooseHref: text } satisfies ClosedScreen],
    'closed, alone': ['closed', disabled satisfies ClosedScreen],
    enroll: ['totp/enroll', { ...ceremony, view: enroll } satisfies CeremonyScreen],
    'enroll, invalid': ['totp/enroll', { ...ceremony, view: enroll, error: { id: 'code.invalid' } }],
    'recovery code': ['recovery-codes/challenge', { ...ceremony, view: {} } satisfies CeremonyScreen],
    'recovery code, invalid': ['recovery-codes/challenge', { ...ceremony, view: {}, error: { id: 'code.invalid' } }],
    save: ['recovery-codes/enroll', { ...ceremony, view: save } satisfies CeremonyScreen],
    'save, unconfirmed': ['recovery-codes/enroll', { ...ceremony, view: { ...save, left: 1, unconfirmed: true } }],
    'save, throttled': ['recovery-codes/enroll', { ...ceremony, view: { ...save, left: 0 }, error }],
    'save, unavailable': ['recovery-codes/enroll', { ...ceremony, view: save, error: { id: 'code.unavailable' } }],
    choose: ['choose', { ...known, purpose: 'challenge', options } satisfies ChooseScreen],
    'choose to set up': ['choose', { ...known, purpose: 'enroll', options } satisfies ChooseScreen],
    unreachable: ['unreachable', { ...known, reason: 'offered' } satisfies UnreachableScreen],
    expired: ['expired', { ...known, id: 'expired', retryHref: text } satisfies ErrorScreen],
    error: ['error', { ...known, id: 'error.unavailable', retryHref: text, reference: text } satisfies ErrorScreen],
    login: ['serve/login', login satisfies LoginScreen],
    'login, invalid': ['serve/login', { ...login, error: { id: 'serve.login.invalid' } } satisfies LoginScreen],
    consent: ['serve/consent', { ...known, action: text, scopes: [{ id: text, text }] } satisfies ConsentScreen],
    logout: ['serve/logout', { ...known, action: text, xsrf: text } satisfies LogoutScreen],
    'signed out': ['serve/signed-out', { ...known, demoHref: text } satisfies PlainScreen],
    home: ['serve/home', { ...known, demoHref: text } satisfies PlainScreen],
  } as const
}

/** The same with everything left out that may be. */
const minimal = () => {
  const known = { ...base('en'), csrf: 'c', cancelAction: '/cancel' }
  const ceremony = { ...known, action: '/a', authenticators: [] }
  return {
    challenge: ['totp/challenge', { ...ceremony, view: { digits: 6 } }],
    closed: ['closed', { ...known, notice: { id: 'code.disabled' } }],
    enroll: [
      'totp/enroll',
      { ...ceremony, view: { digits: 6, qr: 'data:,', secret: 'JBSW', uri: 'otpauth://totp/a' } },
    ],
    'recovery code': ['recovery-codes/challenge', { ...ceremony, view: {} }],
    save: ['recovery-codes/enroll', { ...ceremony, view: { codes: CODES } }],
    choose: ['choose', { ...known, purpose: 'challenge', options: [] }],
    unreachable: ['unreachable', { ...known, reason: 'absent' }],
    expired: ['expired', { ...base('en'), id: 'expired' }],
    error: ['error', { ...base('en'), id: 'error.unexpected' }],
    login: ['serve/login', { ...known, action: '/a' }],
    consent: ['serve/consent', { ...known, action: '/a', scopes: [], clientName: 'App', accountLabel: 'me' }],
    logout: ['serve/logout', { ...base('en'), action: '/a', xsrf: 'x' }],
    'signed out': ['serve/signed-out', base('en')],
    home: ['serve/home', base('en')],
  } as const
}

/** What holds for each page whatever it shows. */
const assertSound = (html: string, locale: string) => {
  const $ = load(html)
  assert.ok(html.startsWith('<!doctype html>'))
  assert.equal($('html').attr('lang'), locale)
  assert.equal($('main').length, 1)
  assert.equal($('h1').length, 1)
  assert.notEqual($('h1').text(), '')
  assert.ok($('title').text().endsWith($('h1').text()))
  assert.ok($('.primary').length <= 1)
  assert.equal($('style, [style], iframe, object, base, img:not([src^="data:"])').length, 0)
  assert.equal($('script').length, $('head script[type=module][src="/step-up.js"]').length)
  assert.equal($('script').text(), '')
  const ids = $('[id]')
    .map((_index, element) => $(element).attr('id'))
    .get()
  assert.equal(new Set(ids).size, ids.length, 'ids are unique')
  for (const element of $('*').toArray())
    for (const name of Object.keys($(element).attr() ?? {})) assert.doesNotMatch(name, /^on/, 'no handlers')
  for (const input of $('input:not([type=hidden])').toArray()) {
    assert.equal($(`label[for="${$(input).attr('id')}"]`).length, 1)
    assert.ok(ids.includes($(input).attr('aria-describedby') ?? ''))
  }
  for (const form of $('form').toArray()) {
    assert.equal($(form).attr('method'), 'post')
    assert.equal($(form).find('input[name=csrf], input[name=xsrf]').length, 1)
    // Enter presses the first submit button of the form, so a form has just one.
    assert.equal($(form).find('button').length, 1)
  }
  assert.ok($('[autofocus]').length <= 1)
}

const open = (view: string, screen: Screen) => load(renderer.render(view, screen))

describe('http/screens', () => {
  for (const [name, [view, screen]] of Object.entries(minimal()))
    it(`renders ${name} with the least there is`, () => {
      const html = renderer.render(view, screen)
      assertSound(html, 'en')
      assert.doesNotMatch(html, /undefined|null|\[object/)
    })

  for (const locale of renderer.locales)
    for (const [name, [view, screen]] of Object.entries(screens(locale, '/plain')))
      it(`renders ${name} in ${locale}`, () => {
        const html = renderer.render(view, screen)
        assertSound(html, locale)
        // AC-99: a page asks no other origin for anything.
        assert.doesNotMatch(html, /(?:src|href|action)="(?:https?:)?\/\//)
        assert.equal(open(view, screen)('.primary').length, view === 'choose' ? 0 : 1)
      })

  // AC-57: nobody else's text becomes markup.
  for (const [kind, text] of Object.entries(payloads))
    it(`shows ${kind} text as text on every screen`, () => {
      for (const [name, [view, screen]] of Object.entries(screens('en', text))) {
        const html = renderer.render(view, screen)
        assertSound(html, 'en')
        if (/[<>"]/.test(text)) assert.ok(!html.includes(text), name)
        const $ = load(html)
        const values = $('*')
          .toArray()
          .flatMap((element) => Object.values($(element).attr() ?? {}))
        assert.ok(
          [$('body').text(), ...values].some((value) => value.includes(text)),
          name,
        )
      }
    })

  it('shows no empty names', () => {
    const { challenge, choose } = screens('en', '/x')
    assert.equal(open(challenge[0], { ...challenge[1], ...{ authenticators: [''] } })('dl div').length, 2)
    const options = [{ factor: 'totp', href: '/x', authenticators: [''] }]
    assert.match(
      open(choose[0], { ...choose[1], ...{ options } })('.options').text(),
      /A code from an app on your phone/,
    )
  })

  it('isolates names that run the other way', () => {
    const [view, screen] = screens('en', payloads['right-to-left']).challenge
    assert.equal(open(view, screen)('bdi').length, 4)
  })

  describe('a code', () => {
    const { challenge, enroll, ...others } = screens('en', '/x')

    it('is typed in one field that suggests it and cuts nothing off', () => {
      const field = open(...challenge)('#code')
      assert.equal(field.attr('name'), 'code')
      assert.equal(field.attr('inputmode'), 'numeric')
      assert.equal(field.attr('autocomplete'), 'one-time-code')
      assert.notEqual(field.attr('autofocus'), undefined)
      for (const name of ['maxlength', 'pattern', 'value', 'aria-invalid']) assert.equal(field.attr(name), undefined)
    })

    it('that did not work is told in the title and at the field, which keeps the focus', () => {
      for (const name of ['challenge, invalid', 'enroll, invalid'] as const) {
        const $ = open(others[name][0], others[name][1])
        assert.match($('title').text(), /^Error: /)
        assert.equal($('#code').attr('aria-invalid'), 'true')
        assert.notEqual($('#code').attr('autofocus'), undefined)
        assert.match($('#notice').text(), /That code did not work\. Wait for your app to show a new one/)
      }
    })

    it('has an answer to every outcome', () => {
      const { t } = base('en')
      for (const id of ['invalid', 'dead', 'disabled', 'unavailable'])
        assert.notEqual(t(`code.${id}`, { seconds: 30 }), '')
    })

    it('has to wait after too many', () => {
      assert.match(open(...others['challenge, throttled'])('#notice').text(), /Wait 30 seconds/)
    })

    it('is not taken on a closed page, where the best way on is the primary', () => {
      assert.equal(open(...others['closed, dead'])('#code').length, 0)
      assert.equal(open(...others['closed, dead'])('a.primary').text(), 'Try again')
      assert.equal(open(...others['closed, disabled'])('a.primary').text(), 'Use another way')
      assert.equal(open(...others['closed, alone'])('form .primary').length, 1)
    })

    it('does not take the focus at set-up, where the picture comes first', () => {
      const $ = open(...enroll)
      assert.equal($('[autofocus]').length, 0)
      assert.equal($('ol.steps > li').length, 3)
      assert.equal($('img').attr('src')?.startsWith('data:image/svg+xml'), true)
      assert.equal($('.secret code').length, 1)
      assert.equal($('.secret a').attr('href'), 'otpauth://totp//x')
    })
  })

  it('runs no script where there is none', () => {
    const { script: _, ...screen } = screens('en', '/x').enroll[1]
    assert.equal(open('totp/enroll', screen)('script').length, 0)
  })

  describe('ways out', () => {
    it('are links and forms outside the form that Enter sends', () => {
      const $ = open(...screens('en', '/x').challenge)
      assert.deepEqual(
        $('nav.ways')
          .find('a, button')
          .map((_index, element) => $(element).text())
          .get(),
        ['Use another way', 'Continue without it', 'Cancel'],
      )
      assert.equal($('nav.ways').closest('form').length, 0)
      assert.equal($('nav.ways form input[name=csrf]').length, 2)
    })

    it('of a dead end are to go on or to go back', () => {
      const { declineAction: _, ...screen } = screens('en', '/x').unreachable[1]
      assert.equal(open('unreachable', screen)('.primary').text(), 'Go back to /x')
      assert.equal(open('unreachable', screen)('nav').length, 0)
      assert.equal(open(...screens('en', '/x').unreachable)('.primary').text(), 'Continue without it')
      assert.equal(open(...screens('en', '/x').unreachable)('nav button').text(), 'Cancel')
    })
  })

  describe('serve', () => {
    it('lets password managers fill in the login and never repeats the password', () => {
      const $ = open(...screens('en', 'maria')['login, invalid'])
      assert.equal($('#username').attr('autocomplete'), 'username')
      assert.equal($('#username').attr('value'), 'maria')
      assert.equal($('#password').attr('autocomplete'), 'current-password')
      assert.equal($('#password').attr('value'), undefined)
      assert.match($('title').text(), /^Error: /)
    })

    it('signs out only with the primary button', () => {
      const $ = open(...screens('en', 'x').logout)
      assert.equal($('button[name=logout][value=yes]').hasClass('primary'), true)
      assert.equal($('button:not([name])').text(), 'Stay signed in')
    })
  })
})
