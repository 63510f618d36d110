import assert from 'node:assert/strict'
import { memoryStore } from '../../src/store/memory.ts'
import { createPhone, ticketOn } from '../support/phone.ts'
import {
  ASKED,
  asked,
  atEnrollment,
  challenged,
  onward,
  phones,
  shownTo,
  usePhones,
  withPhone,
} from './push-support.ts'
import { passed } from './support.ts'

const post = (issuer: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${issuer}/mfa/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

/** A store whose methods fail from a moment on. */
const failing = () => {
  const state = { down: false, after: Number.POSITIVE_INFINITY, calls: 0 }
  const inner = memoryStore()
  const store = Object.fromEntries(
    Object.entries(inner).map(([name, method]) => [
      name,
      async (...given: unknown[]) => {
        state.calls += 1
        if (state.down || state.calls > state.after)
          throw new Error('connect ECONNREFUSED redis://user:hunter2@10.0.0.1')
        return (method as (...all: unknown[]) => Promise<unknown>)(...given)
      },
    ]),
  ) as unknown as typeof inner
  return { state, store }
}

describe('security: devices and a store out of reach', () => {
  let broken = failing()
  const bench = usePhones(
    () => {
      broken = failing()
      return phones({}, { stepUp: { store: broken.store } })
    },
    { faulty: true },
  )
  const assertLater = async (response: Response, what: string) => {
    const text = await response.text()
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5'], `${what}: ${text}`)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/, what)
    assert.equal((JSON.parse(text) as { error: string }).error, 'temporarily_unavailable')
    assert.doesNotMatch(text, /hunter2|redis/)
  }

  it('AC-96: are told as JSON to come again, whatever they accept', async () => {
    const phone = await withPhone(bench)
    const { page } = await atEnrollment(bench, 'alice')
    const at = await challenged(bench, phone)
    const { device } = phone
    const said: Readonly<Record<string, unknown>> = {
      pending: { statement: device.statement({ act: 'pending' }) },
      listen: { statement: device.statement({ act: 'listen' }) },
      answer: { statement: device.answer(at.shown, 'approve', { number: at.number }) },
      update: { statement: device.statement({ act: 'update', name: 'x' }) },
      enroll: createPhone(bench.host.issuer).device.enrollment(ticketOn(page)),
    }
    broken.state.down = true
    for (const [what, body] of Object.entries(said))
      for (const accept of ['*/*', 'application/json', 'text/html'])
        await assertLater(await post(bench.host.issuer, JSON.stringify(body), { accept }), `${what} ${accept}`)
    broken.state.down = false
    assert.deepEqual((await shownTo(phone)).reference, at.shown.reference)
  })

  /** Lets the first `count` operations of the store through, for one saying. */
  const brokenAfter = async (count: number, say: () => Promise<{ status: number }>) => {
    broken.state.after = broken.state.calls + count
    try {
      return (await say()).status
    } finally {
      broken.state.after = Number.POSITIVE_INFINITY
    }
  }

  it('AC-96: an answer that is cut off at any step is never taken half, and can be given again', async () => {
    const phone = await withPhone(bench)
    for (let count = 0; count < 20; count += 1) {
      const at = await challenged(bench, phone)
      const give = () => phone.answer(at.shown, 'approve', { number: at.number })
      const status = await brokenAfter(count, give)
      assert.ok([200, 503].includes(status), String(status))
      const again = await give()
      assert.deepEqual(again.body, { outcome: 'approved' }, `after ${count}`)
      assert.ok(passed(await onward(at)), `after ${count}`)
      await bench.host.mfa.accounts.unlock('bob')
      if (status === 200) return
      bench.clock.advance(601)
    }
    assert.fail('more operations than expected')
  })

  it('AC-96: “it was not me” that is cut off at any step can be said again until it counts', async () => {
    const phone = await withPhone(bench)
    for (let count = 0; count < 20; count += 1) {
      const at = await challenged(bench, phone)
      const status = await brokenAfter(count, () => phone.answer(at.shown, 'report'))
      await phone.answer(at.shown, 'report')
      assert.equal((await at.browser.get(at.page.url)).heading === ASKED, false, `after ${count}`)
      bench.clock.advance(3601)
      assert.notEqual((await asked(bench)).page.heading, ASKED, `asked again after ${count}`)
      await bench.host.mfa.accounts.unlock('bob')
      if (status === 200) return
    }
    assert.fail('more operations than expected')
  })
})
