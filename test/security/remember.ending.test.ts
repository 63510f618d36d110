import assert from 'node:assert/strict'
import { codeAt, type Host } from '../support/host.ts'
import { errorOf, secretOn } from '../support/relying-party.ts'
import { CHALLENGE, ENROLL, listening } from './recovered.ts'
import { FLOOR, isLifted, later, markOf, onlyMark, remembered, tick } from './remembered.ts'
import { challenged, type Journey, passed, useBench } from './support.ts'

const DAY = 86_400

const byTicket = async (host: Host) => {
  const { url } = await host.mfa.accounts.issueTicket('bob')
  const browser = host.browser()
  const opening = await browser.get('/mfa/setup')
  const page = await browser.post(opening, { ticket: new URL(url).hash.slice(1) })
  await browser.post(page, { code: codeAt(secretOn(page)) })
}

const removeFirst = async ({ mfa }: Host) => {
  const [first] = (await mfa.accounts.list('bob')).authenticators
  await mfa.accounts.remove('bob', first?.id ?? '')
}

/** What ends all of an account's remembered browsers; what a silent and a new sign-in come to then. */
const ENDINGS: Readonly<Record<string, readonly [(host: Host) => unknown, string, string]>> = {
  'a new password': [
    ({ accounts }) => accounts.set('bob', { id: 'bob', label: 'bob', securityStamp: 'changed' }),
    'login_required',
    CHALLENGE,
  ],
  'a new authenticator': [byTicket, 'interaction_required', CHALLENGE],
  'a removed authenticator': [removeFirst, 'interaction_required', ENROLL],
  'a reset': [({ mfa }) => mfa.accounts.reset('bob'), 'login_required', ENROLL],
  'a lock, undone later': [
    async ({ mfa }) => {
      await mfa.accounts.disable('bob')
      await mfa.accounts.enable('bob')
    },
    'login_required',
    CHALLENGE,
  ],
  'being forgotten': [({ mfa }) => mfa.accounts.forgetBrowsers('bob'), 'interaction_required', CHALLENGE],
}

const silent = async (journey: Journey) => {
  const { url } = await journey.rp.request({ prompt: 'none' })
  return errorOf(await journey.browser.get(url))
}

describe('security: a remembered browser ends with the account as it was', () => {
  const bench = useBench(() => FLOOR)

  for (const [name, [end, error, heading]] of Object.entries(ENDINGS))
    it(`AC-70c: by ${name}, for its cookie and for every session that relies on it`, async () => {
      const known = await remembered(bench)
      const relying = await later(bench.host, known)
      assert.ok(await isLifted(relying))
      assert.equal(await silent(relying), undefined)
      const thief = await later(bench.host, relying)
      bench.clock.advance(1)
      await end(bench.host)
      assert.equal(await silent(relying), error)
      assert.equal((await relying.go()).page.heading, heading)
      assert.equal((await thief.go()).page.heading, heading)
      assert.deepEqual((await bench.host.mfa.accounts.list('bob')).browsers, [])
    })

  it('AC-70c: while an account is disabled nothing passes', async () => {
    const known = await remembered(bench)
    const relying = await later(bench.host, known)
    assert.ok(await isLifted(relying))
    bench.host.accounts.set('bob', { id: 'bob', label: 'bob', disabled: true })
    assert.equal(await silent(relying), 'access_denied')
    assert.equal(errorOf((await (await later(bench.host, relying)).go()).page), 'access_denied')
  })

  it("AC-70c: another account's stay", async () => {
    const carol = await remembered(bench, 'carol')
    await remembered(bench)
    for (const [end] of Object.values(ENDINGS)) await end(bench.host)
    assert.ok(await isLifted(await later(bench.host, carol, 'carol')))
  })
})

describe('security: a remembered browser ends in time', () => {
  const bench = useBench(() => FLOOR)

  it('AC-70d: after thirty days, however often it is used, with the sessions that rely on it', async () => {
    let last = await remembered(bench)
    for (const days of [13, 13, 3.9]) {
      bench.clock.advance(days * DAY)
      last = await later(bench.host, last)
      assert.ok(await isLifted(last), `after ${days} more days`)
    }
    const thief = await later(bench.host, last)
    assert.equal(await silent(last), undefined)
    bench.clock.advance(0.1 * DAY)
    assert.equal(await silent(last), 'interaction_required')
    assert.equal((await thief.go()).page.heading, CHALLENGE)
  })

  it('AC-70d: after fourteen days without a use', async () => {
    const known = await remembered(bench)
    bench.clock.advance(14 * DAY - 120)
    const used = await later(bench.host, known)
    assert.ok(await isLifted(used))
    bench.clock.advance(14 * DAY)
    assert.equal((await (await later(bench.host, used)).go()).page.heading, CHALLENGE)
  })

  it('AC-70d: a clock put back revives nothing that was forgotten', async () => {
    const known = await remembered(bench)
    await bench.host.mfa.accounts.forgetBrowsers('bob')
    bench.clock.advance(-30)
    assert.equal((await (await later(bench.host, known)).go()).page.heading, CHALLENGE)
  })
})

describe('security: a remembered browser is one browser', () => {
  const bench = useBench(() => FLOOR)

  it('AC-70d: each new session renews the cookie; the one before it counts once more for a minute', async () => {
    const known = await remembered(bench)
    const first = await later(bench.host, known)
    assert.ok(await isLifted(first))
    assert.notEqual(onlyMark(first.browser).value, onlyMark(known.browser).value)
    const renewed = onlyMark(first.browser).value
    assert.ok(await isLifted(first))
    assert.equal(onlyMark(first.browser).value, renewed, 'a session uses it once')
    const tab = await later(bench.host, known)
    assert.ok(await isLifted(tab), 'a tab that was under way with it')
    assert.equal(onlyMark(tab.browser).value, onlyMark(known.browser).value)
    assert.equal((await (await later(bench.host, known)).go()).page.heading, CHALLENGE, 'no third one')
    assert.ok(await isLifted(await later(bench.host, first)), 'and nothing is revoked by it')
  })

  it('AC-70d: of ten that come at once with one cookie no more than two are let through', async () => {
    const known = await remembered(bench)
    const tabs = await Promise.all(Array.from({ length: 10 }, () => later(bench.host, known)))
    const lifted = await Promise.all(tabs.map((tab) => isLifted(tab)))
    const count = lifted.filter(Boolean).length
    assert.ok(count >= 1 && count <= 2, String(count))
  })

  it('AC-70d: the one before it, later than that, ends all of them and is told, once', async () => {
    const { named } = listening(bench.host.mfa)
    const known = await remembered(bench)
    const owner = await later(bench.host, known)
    assert.ok(await isLifted(owner))
    bench.clock.advance(61)
    const thief = await later(bench.host, known)
    assert.equal((await thief.go()).page.heading, CHALLENGE)
    const [browser] = named('browser.remembered')
    assert.deepEqual(
      named('browser.reused').map(({ accountId, browserId }) => [accountId, browserId]),
      [['bob', browser?.browserId]],
    )
    assert.equal(await silent(owner), 'interaction_required', 'a session that relied on it')
    assert.equal((await (await later(bench.host, owner)).go()).page.heading, CHALLENGE, 'and the newest value')
    assert.equal((await (await later(bench.host, known)).go()).page.heading, CHALLENGE)
    assert.equal(named('browser.reused').length, 1)
  })

  it('AC-70d: a thief who used it first ends with the owner who comes back', async () => {
    const { named } = listening(bench.host.mfa)
    const known = await remembered(bench)
    let thief = await later(bench.host, known)
    for (let use = 0; use < 3; use += 1) {
      assert.ok(await isLifted(thief))
      bench.clock.advance(100)
      if (use < 2) thief = await later(bench.host, thief)
    }
    assert.equal((await (await later(bench.host, known)).go()).page.heading, CHALLENGE)
    assert.equal(named('browser.reused').length, 1)
    assert.equal(await silent(thief), 'interaction_required')
    assert.equal(await isLifted(await later(bench.host, thief)), false)
  })

  it('AC-70d: remembering anew ends the cookie that was there, and its copies', async () => {
    const known = await remembered(bench)
    const copy = await later(bench.host, known)
    const { page } = await challenged(known, { prompt: 'login' })
    assert.ok(passed(await tick(known, page)))
    assert.equal(markOf(known.browser).length, 1)
    assert.equal((await copy.go()).page.heading, CHALLENGE)
    assert.ok(await isLifted(await later(bench.host, known)))
  })
})
