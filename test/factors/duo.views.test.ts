import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { createRenderer } from '../../src/http/render.ts'
import type { CeremonyScreen } from '../../src/http/screens.ts'

const renderer = createRenderer()

const html = (more: Partial<CeremonyScreen> = {}) => {
  const locale = more.locale ?? 'en'
  const screen: CeremonyScreen = {
    t: renderer.translate(locale),
    locale,
    stylesheet: '/step-up.css',
    script: '/step-up.js',
    accountLabel: 'bob@example.com',
    clientName: `"><img src=x onerror=alert(1)>`,
    csrf: 'x',
    action: '/mfa/uid/duo',
    cancelAction: '/cancel',
    authenticators: [],
    ...more,
    view: {},
  }
  return renderer.render('duo/challenge', screen)
}

const NOTICES: readonly (readonly [string | undefined, string])[] = [
  [undefined, 'duo.challenge.hint'],
  ['code.invalid', 'duo.invalid'],
  ['code.unavailable', 'duo.unavailable'],
  ['code.throttled', 'duo.throttled'],
]
/** Shown on the page that takes no more, in place of words about codes. */
const CLOSED = ['closed.heading', 'unavailable', 'denied', 'reported', 'expired', 'dead', 'disabled']

describe('factors/duo: screens', () => {
  for (const locale of renderer.locales)
    for (const [id, words] of NOTICES)
      it(`is one button that leads to Duo, in ${locale}, and says ${words}`, () => {
        const values = { seconds: 30 }
        const source = html({ locale, ...(id === undefined ? {} : { error: { id, values } }) })
        const $ = load(source)
        assert.equal($('html').attr('lang'), locale)
        assert.deepEqual([$('h1').length, $('.primary').length, $('[autofocus]').length], [1, 1, 1])
        assert.deepEqual($('form.main').serializeArray(), [{ name: 'csrf', value: 'x' }])
        const button = $('form.main button')
        assert.deepEqual(
          [button.attr('name'), button.attr('value'), button.attr('aria-describedby')],
          ['again', 'yes', 'notice'],
        )
        assert.equal($('#notice').text().trim(), renderer.translate(locale)(words, values))
        assert.equal($('title').text().includes(': '), id !== undefined)
        assert.equal($('style, [style], img, [onerror]').length, 0)
        assert.doesNotMatch(source, /undefined|\[object/)
      })

  it('has words of its own for everything that can end it, none of them about codes', () => {
    for (const locale of renderer.locales) {
      const t = renderer.translate(locale)
      for (const name of CLOSED) {
        assert.ok(t.knows(`duo.${name}`), `${locale} duo.${name}`)
        assert.doesNotMatch(t(`duo.${name}`, { seconds: 30 }), /code/i)
      }
    }
  })
})
