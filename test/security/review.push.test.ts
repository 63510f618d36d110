import assert from 'node:assert/strict'
import type { Level } from '../../src/assurance/levels.ts'
import { standard } from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { account, did, here, needs, signedIn, situation } from '../policy/makers.ts'
import { CLOSED_PAGE, type DuoDesk, type DuoWishes, openDuo } from '../support/duo-desk.ts'
import { isAnswer } from '../support/relying-party.ts'

const [, mfa, phr] = standard as [Level, Level, Level]

describe('AC-87: an exemption lifts no more than what could not be asked', () => {
  const out = { ...account({ implied: ['totp'] }), unavailable: 'totp' }

  it('leaves max_age as it is: a stale login is asked anew', () => {
    const requirement = { ...needs({ floors: [mfa], maxAgeSeconds: 60 }), exemptible: true }
    const decision = decide(situation({ ...out, requirement, evidence: [signedIn(900)] }))
    assert.equal(decision.outcome, 'login')
  })

  it('leaves a floor that the missing one could never have met', () => {
    const requirement = { ...needs({ floors: [mfa, phr] }), exemptible: true }
    const { unavailable: _out, ...there } = out
    const proved = [signedIn(100), did('totp', 5, here)]
    assert.notEqual(
      decide(situation({ ...there, requirement, ticketOnly: true, evidence: proved })).outcome,
      'satisfied',
    )
    const decision = decide(situation({ ...out, requirement, ticketOnly: true }))
    assert.notEqual(decision.outcome, 'satisfied')
  })
})

describe('AC-87: an exemption that whoever has the password can bring about', () => {
  const EXEMPT = { default: 'always', clients: { app: { whenUnavailable: 'exempt' } } } as const
  let desk: DuoDesk
  let clock: VirtualClock | undefined
  const open = async (wishes: DuoWishes = {}) => {
    desk = await openDuo({ options: { timeoutSeconds: 0.5 }, stepUp: { policy: EXEMPT }, ...wishes })
  }
  afterEach(async () => {
    clock?.restore()
    clock = undefined
    await desk.close()
  })

  it('max_age still holds over HTTP', async () => {
    await open()
    clock = virtualClock()
    const bob = await desk.person()
    desk.peer.script.faults = { health_check: 'hang' }
    assert.ok(isAnswer((await bob.go()).page))
    clock.advance(900)
    const { rp, browser } = bob
    const { url } = await rp.request({ max_age: '60' })
    const page = await browser.get(url)
    assert.equal(page.heading, 'host login', page.url.href)
  })

  it('one question of two at once goes unanswered: the ceremony that is open stands', async () => {
    await open()
    const bob = await desk.person()
    desk.peer.script.faults = { health_check: 'hang' }
    assert.ok(isAnswer((await bob.go()).page))
    let asked = 0
    desk.peer.script.faults = {
      get health_check() {
        asked += 1
        return asked === 1 ? 'hang' : undefined
      },
    } as never
    const { url } = await bob.rp.request({})
    const first = await bob.browser.send(url, { follow: false })
    const at = new URL(first.headers.get('location') ?? '', first.url)
    const slow = bob.browser.send(at)
    const fast = await bob.browser.send(at)
    assert.ok(desk.isAtDuo(fast), 'Duo is there, and asks')
    assert.ok(!isAnswer(await slow), 'and nobody passes beside it')
  })

  it('what was reported as fraud in this authorization is not lifted by an outage right after', async () => {
    await open()
    const bob = await desk.person()
    const context = { factor: 'duo_push', reason: 'user_marked_fraud', result: 'fraud', event_type: 'authentication' }
    desk.peer.script.person = { result: 'deny', status: 'deny', context }
    const closed = await desk.through(bob.browser, (await bob.go()).page)
    assert.equal(closed.heading, CLOSED_PAGE)
    desk.peer.script.faults = { health_check: 'hang' }
    assert.ok(!isAnswer(await bob.browser.post(closed, { again: 'yes' })))
  })

  for (const [name, status, code] of [
    ['too many questions, which who has the password can ask', 429, 42901],
    ['a secret or an application that Duo does not take', 400, 40002],
  ] as const)
    it(`is no outage: ${name}`, async () => {
      await open()
      desk.peer.script.faults = { health_check: { status, body: JSON.stringify({ stat: 'FAIL', code }) } }
      assert.ok(!isAnswer((await (await desk.person()).go()).page))
    })
})
