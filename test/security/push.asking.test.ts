import assert from 'node:assert/strict'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import type { PushSender } from '../../src/factors/push.ts'
import type { EventCatalogue } from '../../src/index.ts'
import { codeAt } from '../support/host.ts'
import { noticeOn } from '../support/notices.ts'
import type { Phone } from '../support/phone.ts'
import {
  ASKED,
  asked,
  CLOSED,
  challenged,
  giveApp,
  leaveUnanswered,
  OVER,
  onward,
  phones,
  shownTo,
  usePhones,
  wayOf,
  withPhone,
} from './push-support.ts'
import { passed } from './support.ts'

const BUSY = /Your device was asked/

/** A sender of the tests' own, that counts what would ring. */
const createBell = () => {
  const rung: Pick<OutgoingMessage, 'reference' | 'text'>[] = []
  const sender: PushSender = {
    service: 'fcm',
    parse: (channel) => {
      const { token } = Object(channel) as { token?: unknown }
      return typeof token === 'string' ? ({ service: 'fcm', token } as never) : undefined
    },
    send: async ({ reference, text }) => {
      rung.push({ reference, text })
    },
  }
  return { rung, sender }
}

/** Keeps every challenge that the device has seen, by name. */
const watched = (phone: Phone) => {
  const seen = new Set<unknown>()
  const look = async () => {
    const shown = await phone.pending()
    if (shown !== undefined) seen.add(shown.reference)
    return shown
  }
  return { seen, look }
}

describe('security: how often somebody with a password can make devices ask', () => {
  let bell = createBell()
  const bench = usePhones(() => {
    bell = createBell()
    return phones({ senders: [bell.sender] })
  })

  /** Bob's phone, which can be rung. */
  const ringing = async (): Promise<Phone> => {
    const phone = await withPhone(bench)
    const { status } = await phone.say({ act: 'update', channel: { service: 'fcm', token: 'bob' } })
    assert.equal(status, 200)
    return phone
  }

  it('AC-20: of browsers that all ask at once one is answered, and the phone sees one challenge', async () => {
    const phone = await ringing()
    const pages = await Promise.all(Array.from({ length: 6 }, () => asked(bench)))
    assert.equal(pages.filter(({ page }) => page.heading === ASKED).length, 1)
    for (const { page } of pages.filter((one) => one.page.heading !== ASKED)) {
      assert.match(page.text, BUSY)
      assert.equal(page.status, 429)
      assert.ok(Number(page.headers.get('retry-after')) > 0)
      assert.doesNotMatch(page.text, /class="number"/)
    }
    assert.equal(bell.rung.length, 1)
    await shownTo(phone)
  })

  it('AC-20: one is open at a time, whichever browser asks next, until it has been answered or has expired', async () => {
    const phone = await ringing()
    const first = await challenged(bench, phone)
    bench.clock.advance(100)
    const second = await asked(bench)
    assert.match(second.page.text, BUSY)
    assert.equal((await shownTo(phone)).reference, first.shown.reference)
    bench.clock.advance(25)
    const third = await challenged(bench, phone)
    assert.notEqual(third.shown.reference, first.shown.reference)
    assert.equal(bell.rung.length, 2)
    assert.equal((await phone.answer(first.shown, 'approve', { number: first.number })).status, 404)
  })

  it('AC-20: no page that is loaded again asks again, whatever came of it', async () => {
    const phone = await ringing()
    const at = await challenged(bench, phone)
    const reload = async (heading: string) => {
      for (let time = 0; time < 3; time += 1) assert.equal((await at.browser.get(at.page.url)).heading, heading)
      assert.equal(bell.rung.length, 1)
    }
    await reload(ASKED)
    await phone.answer(at.shown, 'deny')
    await reload(CLOSED)
    bench.clock.advance(300)
    await reload(CLOSED)
  })

  it('AC-20: nor does one whose time has passed', async () => {
    const phone = await ringing()
    const at = await challenged(bench, phone)
    bench.clock.advance(121)
    for (let time = 0; time < 3; time += 1) {
      assert.equal((await at.browser.get(at.page.url)).heading, OVER)
      await at.browser.post(at.page)
    }
    assert.equal(bell.rung.length, 1)
    assert.equal(await phone.pending(), undefined)
  })

  it('AC-20: three in ten minutes, by whatever button or browser they are asked for', async () => {
    const phone = await ringing()
    const { seen, look } = watched(phone)
    const start = bench.clock.now()
    let at = await asked(bench)
    for (let turn = 0; turn < 40 && bench.clock.now() < start + 595; turn += 1) {
      await look()
      if (at.page.action.endsWith('/push')) await at.browser.post(at.page, { again: 'yes' })
      if (turn % 3 === 2) at = await asked(bench)
      bench.clock.advance(16)
    }
    assert.equal(bell.rung.length, 3)
    assert.ok(seen.size <= 3, `${seen.size} challenges`)
    assert.equal(await look(), undefined)
  })

  it('AC-20: asking while another browser’s is open uses nothing up', async () => {
    const phone = await ringing()
    await challenged(bench, phone)
    bench.clock.advance(31)
    for (let time = 0; time < 5; time += 1) {
      assert.match((await asked(bench)).page.text, BUSY)
      bench.clock.advance(5)
    }
    bench.clock.advance(120)
    assert.equal((await asked(bench)).page.heading, ASKED)
  })

  it('AC-20: ten that nobody answered in a row, then no more until something else was accepted', async () => {
    const phone = await ringing()
    const { seen, look } = watched(phone)
    await leaveUnanswered(bench.host, 6)
    for (let hour = 0; hour < 7; hour += 1) {
      bench.clock.advance(3601)
      await asked(bench)
      await look()
    }
    assert.deepEqual([bell.rung.length, seen.size], [4, 4])
    bench.clock.advance(86_400)
    assert.notEqual((await asked(bench)).page.heading, ASKED)
    assert.equal(bell.rung.length, 4)
    await bench.host.mfa.accounts.unlock('bob', 'push')
    await challenged(bench, phone)
  })

  it('AC-20: an approval begins the count anew', async () => {
    const phone = await ringing()
    await leaveUnanswered(bench.host, 9)
    const at = await challenged(bench, phone)
    await phone.answer(at.shown, 'approve', { number: at.number })
    assert.ok(passed(await onward(at)))
    for (let hour = 0; hour < 2; hour += 1) {
      bench.clock.advance(3601)
      await challenged(bench, phone)
    }
    assert.equal(bell.rung.length, 3)
  })

  it('AC-20: “it was not me” ends it at once, for every browser, until something else was accepted', async () => {
    const phone = await ringing()
    const told: EventCatalogue['challenge.refused'][] = []
    bench.host.mfa.events.on('challenge.refused', (event) => void told.push(event))
    const at = await challenged(bench, phone)
    assert.deepEqual((await phone.answer(at.shown, 'report', { reason: 'unknown-place' })).body, {
      outcome: 'reported',
    })
    const page = await at.browser.get(at.page.url)
    assert.match(noticeOn(page) || page.text, /was not theirs/)
    for (let day = 0; day < 3; day += 1) {
      const again = await at.browser.post(await at.browser.get(at.page.url), { again: 'yes' })
      assert.notEqual(again.heading, ASKED)
      assert.notEqual((await asked(bench)).page.heading, ASKED)
      bench.clock.advance(60)
    }
    bench.clock.advance(86_400)
    assert.notEqual((await asked(bench)).page.heading, ASKED)
    assert.equal(bell.rung.length, 1)
    assert.deepEqual(
      told.map(({ accountId, factor, reason }) => [accountId, factor, reason]),
      [['bob', 'push', 'reported']],
    )
  })

  it('AC-20: after a report the account can sign in by what else it has, and is asked again then', async () => {
    const phone = await ringing()
    const secret = await giveApp(bench.host)
    bench.clock.advance(60)
    const at = await challenged(bench, phone)
    await phone.answer(at.shown, 'report')
    const entry = await at.browser.get(wayOf(at.page, 'totp'))
    assert.ok(passed(await at.browser.post(entry, { code: codeAt(secret) })), entry.heading)
    bench.clock.advance(60)
    await challenged(bench, phone)
  })

  it('AC-20: a report keeps nobody from enrolling a device by ticket', async () => {
    const phone = await ringing()
    const at = await challenged(bench, phone)
    await phone.answer(at.shown, 'report')
    const { url } = await bench.host.mfa.accounts.issueTicket('bob', { factors: ['push'] })
    const browser = bench.host.browser()
    const page = await browser.post(await browser.get('/mfa/setup'), { ticket: new URL(url).hash.slice(1) })
    assert.ok(page.text.includes('#enroll='), page.text)
  })

  it('AC-20: other accounts are asked as ever', async () => {
    const bobs = await ringing()
    const alices = await withPhone(bench, 'alice')
    const at = await challenged(bench, bobs)
    await bobs.answer(at.shown, 'report')
    await challenged(bench, alices, 'alice')
  })
})
