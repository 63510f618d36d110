import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { createRenderer } from '../../src/http/render.ts'
import type { CeremonyScreen } from '../../src/http/screens.ts'

const renderer = createRenderer()
const CODES = Array.from({ length: 10 }, (_, index) => `7K2M-9QXD-H3PT-W8V${index}`)

const open = (view: 'enroll' | 'challenge', fields: Partial<CeremonyScreen> = {}) => {
  const screen: CeremonyScreen = {
    t: renderer.translate('en'),
    locale: 'en',
    stylesheet: '/step-up.css',
    script: '/step-up.js',
    accountLabel: 'maria@example.com',
    clientName: 'Bank',
    csrf: 'x',
    action: '/answer',
    cancelAction: '/cancel',
    declineAction: '/decline',
    authenticators: [],
    view: view === 'enroll' ? { codes: CODES } : {},
    ...fields,
  }
  return load(renderer.render(`recovery-codes/${view}`, screen))
}

describe('http/screens: recovery codes', () => {
  const throttled = { id: 'code.throttled', values: { seconds: 30 } }
  const notices: readonly (readonly [string, Partial<CeremonyScreen>])[] = [
    ['They are shown only now.', {}],
    ['Save the codes, then tick this box.', { view: { codes: CODES, unconfirmed: true } }],
    ['Wait 30 seconds, then tick this box again.', { error: throttled }],
    ['That did not work just now.', { error: { id: 'code.unavailable' }, view: { codes: CODES, unconfirmed: true } }],
  ]
  for (const [words, fields] of notices)
    it(`say "${words}"`, () => {
      const $ = open('enroll', fields)
      const isFault = Object.keys(fields).length > 0
      assert.ok($('#notice').text().trim().startsWith(words))
      assert.equal($('title').text().startsWith('Error: '), isFault)
      assert.equal($('#kept').attr('autofocus') !== undefined, isFault)
      assert.equal($('#kept').attr('checked'), undefined)
    })

  const replaced: readonly (readonly [number, string])[] = [
    [0, 'None of your earlier recovery codes is left.'],
    [1, 'One of your earlier recovery codes is left.'],
    [2, '2 of your earlier recovery codes are left.'],
  ]
  for (const [left, words] of replaced)
    it(`tell of a set with ${left} left that they replace`, () => {
      const leads = open('enroll', { view: { codes: CODES, left } })('.lead')
      assert.equal(leads.length, 2)
      assert.ok(leads.last().text().startsWith(words))
    })

  it('tell of no set before them where there is none', () => {
    assert.equal(open('enroll')('.lead').length, 1)
  })

  it('stand whole in the page, one to a line', () => {
    const $ = open('enroll')
    assert.deepEqual(
      $('#codes')
        .text()
        .trim()
        .split(/\s*\n\s*/),
      CODES,
    )
  })

  it('come with the account and the app on paper and in the file', () => {
    const $ = open('enroll')
    assert.match($('#sheet .paper').text(), /Recovery codes.*Bank.*maria@example\.com.*Each code works once/)
    const bare = open('enroll', { clientName: undefined, accountLabel: undefined } as never)
    assert.equal(bare('#sheet .paper').length, 3)
  })

  it('are copied, saved and printed only where the script runs, and by nothing that sends the form', () => {
    const $ = open('enroll')
    assert.equal($('[data-scripted][hidden] button[type=button]').length, 3)
    assert.equal($('form [data-copy], form [data-download], form [data-print]').length, 0)
    for (const name of ['data-copy', 'data-download']) assert.equal($($(`[${name}]`).attr(name) ?? '').length, 1, name)
    assert.equal($('[data-download]').attr('data-filename'), 'recovery-codes.txt')
  })

  it('are typed as text, with nothing that changes, suggests or keeps them', () => {
    const field = open('challenge', { error: { id: 'code.invalid' } })('#code')
    const wanted = { type: 'text', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false' }
    for (const [name, value] of Object.entries(wanted)) assert.equal(field.attr(name), value)
    for (const name of ['inputmode', 'maxlength', 'pattern', 'value']) assert.equal(field.attr(name), undefined)
  })

  it('tell what to do about one that did not work, and no more', () => {
    const $ = open('challenge', { error: { id: 'code.invalid' } })
    assert.match($('title').text(), /^Error: /)
    assert.match($('#notice').text(), /That code did not work\. Check it/)
    assert.equal($('#code').attr('aria-invalid'), 'true')
    assert.notEqual($('#code').attr('autofocus'), undefined)
  })

  it('can be put off', () => {
    assert.match(open('enroll')('nav.ways').text(), /Not now/)
  })
})
