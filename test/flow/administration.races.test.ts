import assert from 'node:assert/strict'
import { setupPermitKey } from '../../src/flow/permit.ts'
import { APP, CODES, desk, furnish, namesOf } from './desk.ts'
import { codeFactor, PHONE } from './scene.ts'
import { give, hoardingStore, placeOf, race, START, signal, wordOf } from './tools.ts'

describe('flow/administration, races', () => {
  describe('removals', () => {
    it('of two for the same authenticator lets one have it', async () => {
      const at = desk()
      await give(at, 'alice', APP, CODES)
      const results = await Promise.allSettled(['', ''].map(() => at.mfa.remove('alice', APP.id)))
      const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
      assert.deepEqual(failed, ['ERR_ACCOUNT'])
      assert.deepEqual(namesOf(at), ['authenticator.removed'])
    })

    it('of two for different ones lets both', async () => {
      const at = desk()
      await give(at, 'alice', APP, CODES, PHONE)
      await Promise.all([at.mfa.remove('alice', APP.id), at.mfa.remove('alice', PHONE.id)])
      assert.deepEqual((await at.recordOf()).authenticators, [CODES])
      assert.deepEqual(namesOf(at), ['authenticator.removed', 'authenticator.removed'])
    })
  })

  describe('beside an enrolment by ticket', () => {
    /** An enrolment by ticket that is held at the moment it writes the account's record. */
    const enrolling = async (more: readonly (typeof APP)[]) => {
      const [reached, released] = [signal(), signal()]
      const real = hoardingStore()
      let armed = false
      const save: typeof real.save = async (...args) => {
        if (!armed) return real.save(...args)
        armed = false
        reached.send()
        await released.sent
        return real.save(...args)
      }
      const code = codeFactor()
      const at = desk({ store: { ...real, save }, factors: [code.factor] })
      await give(at, 'alice', ...more)
      const opened = await at.tickets.open(at.ticketIn((await at.mfa.issueTicket('alice')).url))
      const setup = await at.tickets.find(opened?.setup ?? '')
      assert.ok(setup)
      const {
        cid: _none,
        client: _app,
        ...place
      } = placeOf(code.factor, 'enroll', {
        id: setup.id,
        permitKey: setupPermitKey('alice', setup.id),
        openEnrollment: false,
      })
      await at.ceremonies.show(place)
      armed = true
      const answer = at.ceremonies.answer(place, { code: code.latest() })
      await reached.sent
      const finish = async () => {
        released.send()
        return wordOf(await answer)
      }
      return { at, finish }
    }

    it('a removal stands, whatever becomes of the enrolment', async () => {
      const { at, finish } = await enrolling([APP])
      await at.mfa.remove('alice', APP.id)
      const word = await finish()
      const ids = (await at.recordOf()).authenticators.map(({ factor }) => factor)
      assert.deepEqual(ids, word === 'accepted' ? ['code'] : [])
    })

    it('a reset ends it: nothing is enrolled by a ticket from before', async () => {
      const { at, finish } = await enrolling([APP])
      await at.mfa.reset('alice', { enrollment: 'ticket' })
      assert.equal(await finish(), 'gone')
      const { authenticators, enrollment } = await at.recordOf()
      assert.deepEqual([authenticators, enrollment], [[], 'ticket'])
    })

    it('disabling ends it', async () => {
      const { at, finish } = await enrolling([APP])
      await at.mfa.disable('alice')
      assert.equal(await finish(), 'gone')
      assert.deepEqual((await at.recordOf()).authenticators, [APP])
    })
  })

  it('of many operations at once loses none', async () => {
    const at = desk()
    await furnish(at)
    await race(20, (index) => (index % 2 === 0 ? at.mfa.forgetBrowsers('alice') : at.mfa.unlock('alice')))
    await Promise.all([at.mfa.disable('alice'), at.mfa.remove('alice', APP.id), at.mfa.unlock('alice')])
    const { authenticators, disabledAt, failures } = await at.recordOf()
    assert.deepEqual([authenticators, disabledAt, failures], [[CODES], START, {}])
  })
})
