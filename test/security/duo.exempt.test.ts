import assert from 'node:assert/strict'
import { type Decision, MULTI_FACTOR } from '../../src/index.ts'
import { type DuoDesk, type DuoWishes, openDuo } from '../support/duo-desk.ts'
import { isAnswer } from '../support/relying-party.ts'

describe('AC-87: Duo out of reach, where the policy exempts a client', () => {
  let desk: DuoDesk
  const open = async (wishes: DuoWishes) => {
    desk = await openDuo(wishes)
  }
  afterEach(() => desk.close())

  const EXEMPT = { default: 'always', clients: { app: { whenUnavailable: 'exempt' } } } as const
  const told = (reason: string) => {
    const decisions: Decision[] = []
    desk.host.mfa.events.on('authorization.decided', ({ decision }) => void decisions.push(decision))
    return () => decisions.filter((one) => one.trace.reason === reason).at(-1)
  }

  it('goes on without, claims the login and no more, and every decision tells so', async () => {
    await open({ options: { timeoutSeconds: 0.3 }, stepUp: { policy: EXEMPT } })
    desk.peer.script.faults = { health_check: 'hang' }
    const last = told('nothing-owed')
    const bob = await desk.person()
    const { page, redeem } = await bob.go()
    const { acr, amr } = await redeem(page.url)
    assert.notEqual(acr, MULTI_FACTOR)
    assert.deepEqual(amr, ['pwd'])
    const decision = last()
    assert.equal(decision?.outcome === 'satisfied' && decision.lifted, 'exempt')
    assert.deepEqual(decision?.trace.exempted, { factor: 'duo', floors: [MULTI_FACTOR] })
    desk.peer.script.faults = {}
    assert.ok(desk.isAtDuo((await bob.go()).page), 'only that sign-in is exempt')
  })

  it('insists on what the relying party asks for, and at every other client', async () => {
    await open({ options: { timeoutSeconds: 0.3 }, stepUp: { policy: EXEMPT } })
    desk.peer.script.faults = { health_check: 'hang' }
    const bob = await desk.person()
    const essential = { claims: JSON.stringify({ id_token: { acr: { essential: true, values: [MULTI_FACTOR] } } }) }
    const { page } = await bob.go(essential)
    assert.ok(!isAnswer(page), page.url.href)
    await desk.close()
    const other = { default: 'always', clients: { other: { whenUnavailable: 'exempt' } } } as const
    await open({ options: { timeoutSeconds: 0.3 }, stepUp: { policy: other } })
    desk.peer.script.faults = { health_check: 'hang' }
    assert.ok(!isAnswer((await (await desk.person()).go()).page))
  })
})
