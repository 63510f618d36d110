import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { MULTI_FACTOR } from '../../../src/assurance/presets.ts'
import { standsAt } from '../../support/chromium.ts'
import { AT, answer, confirm, follow, keepCodes, openStage, press, type Stage, secretOn, wordsOf } from './stage.ts'

/** What Bank says about one claim, in words and raw. */
const fact = async (page: Page, claim: string) => {
  const row = `.facts dl > div:has(dt :text-is("${claim}"))`
  return { words: await wordsOf(page, `${row} .words`), raw: await wordsOf(page, `${row} dd code`) }
}

const sentence = (page: Page) => wordsOf(page, '.said')

describe('the demo in a browser: proof by degrees', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  it('lets alice in with a password, and helps her set up an app when she transfers money', async () => {
    const page = await stage.visitor()
    await page.goto(stage.bank)
    await follow(page, 'Sign in')
    await standsAt(page, AT.signIn)
    await stage.logIn(page, 'alice')
    await standsAt(page, AT.consent)
    await press(page, 'Allow')
    await standsAt(page, 'Welcome, Alice')
    await follow(page, 'View statement')
    await standsAt(page, 'Statement')
    assert.match(await sentence(page), /^You proved one thing: a password, (just now|\d+ seconds? ago)\.$/)
    assert.deepEqual(await fact(page, 'amr'), { words: 'What you showed: a password', raw: '["pwd"]' })

    await follow(page, 'Back to overview')
    await follow(page, 'Transfer money')
    await stage.choose(page)
    await standsAt(page, AT.enroll)
    await answer(page, stage.code(await secretOn(page)), 'Confirm and continue')
    await keepCodes(page)
    await standsAt(page, AT.transfer)
    assert.match(
      await sentence(page),
      /^You proved different things: a password, a code from a mail and a code from your phone, (just now|\d+ seconds? ago)\.$/,
    )
    assert.deepEqual(await fact(page, 'acr'), {
      words: 'How strong: you proved two different things',
      raw: MULTI_FACTOR,
    })
    assert.deepEqual(await fact(page, 'amr'), {
      words: 'What you showed: a password, a code from a mail and a code from your phone',
      raw: '["pwd","email","otp","mfa"]',
    })
    const when = await fact(page, 'auth_time')
    assert.ok(stage.clock.now() - Number(when.raw) < 10, when.raw)
    const [day, time] = new Date(Number(when.raw) * 1000).toISOString().slice(0, 19).split('T')
    assert.match(when.words, new RegExp(`^When: (just now|\\d+ seconds? ago), on ${day} at ${time} UTC$`))

    await press(page, 'Transfer')
    await standsAt(page, AT.done)
  })

  it('asks bob for nothing within five minutes of a code, and for a new code after', async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'bob')
    await follow(page, 'Transfer money')
    await standsAt(page, AT.challenge)
    await confirm(page, stage.code(stage.secret()))
    await standsAt(page, AT.transfer)
    const first = await fact(page, 'auth_time')

    stage.clock.advance(240)
    await page.goto(stage.bank)
    await follow(page, 'Transfer money')
    await standsAt(page, AT.transfer)
    assert.match(await sentence(page), /, 4 minutes ago\.$/)
    assert.equal((await fact(page, 'auth_time')).raw, first.raw)

    // The form stands open while its proof grows too old.
    stage.clock.advance(61)
    await press(page, 'Transfer')
    await standsAt(page, AT.challenge)
    await answer(page, stage.code(stage.secret()))
    await standsAt(page, AT.transfer)
    assert.ok(Number((await fact(page, 'auth_time')).raw) >= Number(first.raw) + 301)
    await press(page, 'Transfer')
    await standsAt(page, AT.done)
  })
})
