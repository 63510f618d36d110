import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Browser } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import { atEntry, codesOn, leave, listening, recover, recoverable, withCodes } from './recovered.ts'
import { isLifted, later, tick } from './remembered.ts'
import { challenged, elsewhere, passed, useBench, wrongCode } from './support.ts'

/** The parts of a cookie that are secret: the id of a remembered browser is none, what follows it is. */
const secretsIn = (browser: Browser) =>
  browser
    .cookies()
    .filter(({ name }) => /^_session|\.sig$|step-up/.test(name))
    .flatMap(({ name, value }) => (/step-up-browser/.test(name) ? value.split('.').slice(1) : [value]))

describe('security: events', () => {
  const bench = useBench(() => withCodes({ policy: { default: 'always' } }))

  it('AC-85: of everything that can happen no event tells a code, secret, cookie or ticket', async () => {
    const { told } = listening(bench.host.mfa)
    const secrets = new Set<string>()
    const digits = new Set<string>()
    const hide = (...texts: readonly string[]) => {
      for (const text of texts.filter((one) => one.length > 5)) secrets.add(text)
    }
    const { journey: bob, codes } = await recoverable(bench)
    hide(bob.secret, ...codes, ...codes.map((code) => code.replaceAll('-', '')))

    const { page } = await challenged(bob, {})
    hide(page.csrf)
    const wrong = wrongCode(bob.secret)
    for (const code of [wrong, codeAt(bob.secret)]) digits.add(code)
    await bob.answer(page, wrong)
    assert.ok(passed(await tick(bob, page)))
    hide(...secretsIn(bob.browser))
    bench.clock.advance(120)
    const again = await later(bench.host, bob)
    assert.ok(await isLifted(again))
    hide(...secretsIn(again.browser))
    bench.clock.advance(120)
    await (await later(bench.host, bob)).go()

    const other = await elsewhere(bench, bob)
    const { page: offer } = await recover(other, codes[0] ?? '', {})
    hide(secretOn(offer), offer.csrf)
    digits.add(codeAt(secretOn(offer)))
    assert.ok(passed(await other.enroll(offer)))
    hide(...secretsIn(other.browser))
    const third = await elsewhere(bench, other)
    const { page: entry } = await atEntry(third, {})
    for (let guess = 0; guess < 6; guess += 1) await third.browser.post(entry, { code: codes[0] ?? '' })
    const fourth = await elsewhere(bench, other)
    await fourth.browser.post((await atEntry(fourth, {})).page, { code: codes[1] ?? '' })

    const { accounts } = bench.host.mfa
    hide(...(await accounts.newRecoveryCodes('bob')))
    const { url } = await accounts.issueTicket('alice')
    const ticket = new URL(url).hash.slice(1)
    const browser = bench.host.browser()
    const setup = await browser.post(await browser.get('/mfa/setup'), { ticket })
    hide(ticket, secretOn(setup), setup.csrf, ...secretsIn(browser))
    const save = await browser.post(setup, { code: codeAt(secretOn(setup)) })
    hide(...codesOn(save))
    await browser.post(save, {}, '/mfa/setup/decline')
    const [first] = (await accounts.list('bob')).authenticators
    await accounts.remove('bob', first?.id ?? '')
    await accounts.forgetBrowsers('bob')
    await accounts.unlock('bob')
    await accounts.disable('bob')
    await accounts.enable('bob')
    await accounts.reset('bob')
    const { page: left } = await (await elsewhere(bench, other)).go()
    await leave(other, left, 'cancel')

    const names = new Set(told.map(({ name }) => name))
    assert.ok(names.size >= 17, `${[...names]}`)
    const text = inspect(told, { depth: 12, maxArrayLength: null, maxStringLength: null, breakLength: Infinity })
    assert.ok(secrets.size > 30)
    assert.deepEqual(
      [...secrets].filter((secret) => text.includes(secret)),
      [],
    )
    for (const code of digits) assert.doesNotMatch(text, new RegExp(`(?<!\\d)${code}(?!\\d)`))
    assert.doesNotMatch(text, /otpauth|salt|hash|csrf|secret|example\.com/)
  })
})
