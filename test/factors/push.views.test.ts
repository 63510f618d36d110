import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { PushChallengeView, PushDeviceView, PushTicketView } from '../../src/factors/push.ts'
import { createRenderer } from '../../src/http/render.ts'
import type { CeremonyScreen } from '../../src/http/screens.ts'

const renderer = createRenderer()
const TEXT = `"><img src=x onerror=alert(1)>{t}`
const LINK = 'https://login.example.com/authenticator#enroll=abcdefghijklmnopqrstuv'

const html = (name: string, view: object, more: Partial<CeremonyScreen> = {}) => {
  const screen: CeremonyScreen = {
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
    authenticators: ['Blue phone', TEXT],
    waiting: { eventsHref: '/events?version=v1', stateHref: '/state', version: 'v1' },
    answered: false,
    ...more,
    view,
  }
  return renderer.render(`push/${name}`, screen)
}

const lasting = { expiresAt: 1_700_000_120, isExpired: false }
const late = { ...lasting, isExpired: true }
const ticket: PushTicketView = {
  step: 'ticket',
  digits: 6,
  link: LINK,
  qr: 'data:image/svg+xml;base64,AA==',
  ...lasting,
}
const device: PushDeviceView = { step: 'device', digits: 6, name: TEXT, ...lasting }
const waiting: PushChallengeView = { step: 'challenge', number: '47', seconds: 120, ...lasting }

const pages: Readonly<Record<string, readonly ['challenge' | 'enroll', object]>> = {
  'the number': ['challenge', waiting],
  'the number, too late': ['challenge', { step: 'challenge', seconds: 0, ...late }],
  'a message to compare': ['challenge', { step: 'challenge', seconds: 9, ...lasting }],
  'the picture': ['enroll', ticket],
  'the picture, too late': ['enroll', { step: 'ticket', digits: 6, ...late }],
  'the code': ['enroll', device],
  'the code, too late': ['enroll', { ...device, ...late }],
}

const notices: readonly CeremonyScreen['error'][] = [
  undefined,
  { id: 'code.invalid' },
  { id: 'code.throttled', values: { seconds: 30 } },
  { id: 'code.unavailable' },
  { id: 'message.paused', values: { seconds: 30 } },
  { id: 'message.exhausted' },
  { id: 'message.not-sent' },
  { id: 'message.unreachable' },
  { id: 'push.waiting' },
]

const assertSound = (source: string, locale: string) => {
  const $ = load(source)
  assert.equal($('html').attr('lang'), locale)
  assert.deepEqual([$('h1').length, $('.primary').length], [1, 1])
  assert.ok($('[autofocus]').length <= 1)
  assert.equal($('style, [style], img:not([src^="data:"]), [onerror]').length, 0)
  assert.doesNotMatch(source, /undefined|\[object/)
  assert.doesNotMatch($('main').text(), /\b(?:MFA|OTP|acr|factor|push)\b/i)
  for (const form of $('form').toArray()) {
    assert.equal($(form).attr('method'), 'post')
    assert.deepEqual([$(form).find('button').length, $(form).find('[name=csrf]').length], [1, 1])
  }
  const ids = $('[id]')
    .toArray()
    .map((one) => $(one).attr('id'))
  assert.equal(new Set(ids).size, ids.length)
}

describe('factors/push: screens', () => {
  for (const locale of renderer.locales)
    for (const [name, [view, own]] of Object.entries(pages))
      it(`${name} is one task with one primary button in ${locale}, whatever it has to say`, () => {
        for (const error of notices)
          for (const answered of [false, true])
            assertSound(html(view, own, { locale, answered, ...(error === undefined ? {} : { error }) }), locale)
        assertSound(
          html(view, own, { locale, authenticators: [], remember: { seconds: 86_400, checked: true } }),
          locale,
        )
      })

  it('AC-21: the number stands large on the page, with the devices to type it on and how long that works', () => {
    const $ = load(html('challenge', waiting))
    assert.equal($('.number').text(), '47')
    assert.deepEqual(
      $('.lead bdi')
        .toArray()
        .map((one) => $(one).text()),
      ['Blue phone', TEXT],
    )
    assert.match($('#notice').text(), /You have 2 minutes\./)
    assert.match($('noscript').text(), /press Continue here/)
  })

  it('goes on by itself where scripts run, on the one form that waits', () => {
    const $ = load(html('challenge', waiting))
    const form = $('form[data-waits]')
    assert.deepEqual(
      ['events', 'state', 'version', 'expires-at', 'answered'].map((name) => form.attr(`data-${name}`)),
      ['/events?version=v1', '/state', 'v1', '1700000120', undefined],
    )
    assert.equal(form.find('[name=again]').length, 0)
    for (const view of [ticket, device]) assert.equal(load(html('enroll', view))('form[data-waits]').length, 1)
  })

  it('once it is too late shows no number, waits for nothing, and asks again only where that is wished', () => {
    const $ = load(html('challenge', { step: 'challenge', seconds: 0, ...late }))
    assert.equal($('.number').length, 0)
    assert.equal($('h1').text(), 'The time to confirm has passed')
    assert.deepEqual([$('.primary').attr('name'), $('.primary').attr('value')], ['again', 'yes'])
    assert.equal($('[name=again]').length, 1)
    assert.equal($('form[data-expires-at]').length, 0)
  })

  it('once a device has answered has only its form to send', () => {
    const $ = load(html('challenge', waiting, { answered: true }))
    assert.deepEqual([$('.number').length, $('[name=again]').length], [0, 0])
    assert.equal($('form[data-answered]').length, 1)
  })

  it('a number typed wrong on the device is told, without a word about codes', () => {
    const $ = load(html('challenge', waiting, { error: { id: 'code.invalid' } }))
    assert.match($('#notice .fault').text(), /number typed on your device/)
    assert.match($('title').text(), /^Error: /)
  })

  it('AC-24: the link opens in a tab of its own that knows nothing of this one', () => {
    const $ = load(html('enroll', ticket))
    const link = $(`a[href="${LINK}"]`)
    assert.deepEqual([link.attr('target'), link.attr('rel')], ['_blank', 'noopener'])
    assert.equal($('.secret img').attr('src'), ticket.qr)
    assert.equal(html('enroll', device).includes('#enroll='), false)
  })

  it('AC-24: the page says which device came before its code is typed', () => {
    const $ = load(html('enroll', device))
    assert.equal($('.lead bdi').text(), TEXT)
    assert.match($('#notice').text(), /not your device/)
    assert.equal($('[name=another]').attr('value'), 'yes')
  })

  it('an offer after a recovery code says why', () => {
    assert.match(html('enroll', ticket, { offer: 'recovered', codesLeft: 1 }), /You came in with a recovery code/)
  })

  for (const locale of renderer.locales)
    it(`has words of its own for every end in ${locale}, which need no values`, () => {
      const t = renderer.translate(locale)
      for (const end of [
        'closed.heading',
        'denied',
        'reported',
        'expired',
        'dead',
        'disabled',
        'unavailable',
        'exhausted',
      ])
        assert.match(t(`push.${end}`), /\S/)
    })

  for (const locale of renderer.locales)
    it(`the notification in ${locale} is one sentence or two, and says nothing of anybody`, () => {
      const message = { to: '[]', template: 'push/challenge', values: {}, expiresAt: 0 }
      const { text, subject } = renderer.compose(message, locale)
      assert.equal(subject, undefined)
      assert.match(text, /^[^\n\d@]{10,80}$/)
    })
})
