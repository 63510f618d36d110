import assert from 'node:assert/strict'
import { memoryStore } from '../../src/store/memory.ts'
import { createBrowser } from '../support/browser.ts'
import { type Host, startHost } from '../support/host.ts'
import { numberOn } from '../support/phone.ts'
import { createJourney, createRelyingParty, signIn } from '../support/relying-party.ts'
import { stopwatch } from '../support/until.ts'
import {
  ANSWERED,
  ASKED,
  atEnrollment,
  confirm,
  leaveUnanswered,
  phones,
  recordsOf,
  shownTo,
  usePhones,
  versionOn,
  withPhone,
} from './push-support.ts'
import { cookiesFor, passed, TWO_KINDS } from './support.ts'

describe('security: how often two processes on one store make devices ask', () => {
  let store = memoryStore()
  let other: Host
  const bench = usePhones(() => {
    store = memoryStore()
    return phones({}, { stepUp: { store } })
  })
  beforeEach(async () => {
    // Behind a balancer both have one issuer.
    const { issuer } = bench.host
    other = await startHost(
      phones({}, { stepUp: { store }, prepare: (one) => void Object.defineProperty(one, 'issuer', { value: issuer }) }),
    )
  })
  afterEach(async () => {
    await other.close()
  })

  /** What `asked` does, at either of the two; both say of themselves that they are the first. */
  const askedAt = async (host: Host) => {
    const { url } = await (await createRelyingParty(bench.host)).request(TWO_KINDS)
    const browser = createBrowser(host.issuer)
    const login = await browser.get(`${host.issuer}${url.pathname}${url.search}`)
    return { browser, page: await signIn(browser, login, 'bob') }
  }

  it('AC-21, AC-55: an approval that reaches one is seen in the page of the other within three seconds', async () => {
    const phone = await withPhone(bench)
    const { browser, page } = await askedAt(other)
    const shown = await shownTo(phone)
    const events = await fetch(`${other.issuer}${page.action}/events?version=${versionOn(page)}`, {
      headers: { cookie: cookiesFor(browser, page) },
    })
    const elapsed = stopwatch()
    await phone.answer(shown, 'approve', { number: numberOn(page) })
    assert.match(await events.text(), /event: changed/)
    assert.ok(elapsed() < 3000, `${elapsed()} ms`)
    assert.equal((await browser.get(page.url)).heading, ANSWERED)
    assert.ok(passed(await browser.post(page)))
  })

  it('AC-20: counts are shared, and one challenge is open for both', async () => {
    const phone = await withPhone(bench)
    const pages = await Promise.all([0, 1, 2, 3, 4, 5].map((index) => askedAt(index % 2 === 0 ? bench.host : other)))
    assert.equal(pages.filter(({ page }) => page.heading === ASKED).length, 1)
    await shownTo(phone)
    await leaveUnanswered({ store }, 8)
    for (let hour = 0; hour < 4; hour += 1) {
      bench.clock.advance(3601)
      await askedAt(hour % 2 === 0 ? other : bench.host)
    }
    const { record } = await recordsOf({ store }).load('bob')
    assert.equal(record.unanswered?.push, 10)
  })
})

/** Only what is tested here is imported: an enrolment at a browser of its own. */
describe('security: an account that has nothing', () => {
  const bench = usePhones()

  it('AC-20: is asked on no device, and its password makes no device ask', async () => {
    const phone = await withPhone(bench)
    const { journey, page } = await atEnrollment(bench, 'alice')
    assert.equal(await phone.pending(), undefined)
    const stranger = await withPhone(bench, 'carol')
    assert.equal(await stranger.pending(), undefined)
    assert.equal(passed(await confirm(journey, page, stranger)), false)
    const again = await createJourney(bench.host, 'alice')
    await again.go()
    assert.equal(await phone.pending(), undefined)
  })
})
