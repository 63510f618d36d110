import assert from 'node:assert/strict'
import {
  type AccountRecord,
  applyAcceptance,
  applyRefusal,
  createAccountRecords,
  usableAuthenticators,
} from '../../src/flow/account-record.ts'
import type { Accounts } from '../../src/store/accounts.ts'
import { createBench, enrolled, hoardingStore, race, START } from './tools.ts'

const EMPTY: AccountRecord = { authenticators: [], failures: {}, disabledFactors: {}, factorsVersion: '0' }
const APP = enrolled('totp', { data: { secret: 'JBSWY3DP', lastStep: 5 } })
const PHONE = enrolled('sms', { data: { to: '+49301' } })
const BOTH: AccountRecord = { ...EMPTY, authenticators: [APP, PHONE], failures: { totp: 3, sms: 2 } }

const refusedTimes = (count: number, factor = 'totp') =>
  Array.from({ length: count }).reduce<AccountRecord>(
    (record, _, index) => applyRefusal(record, factor, START + index),
    BOTH,
  )

describe('flow/account-record', () => {
  describe('at rest', () => {
    it('begins empty', async () => {
      assert.deepEqual(await createBench().records.load('alice'), { record: EMPTY, version: null })
    })

    it('is given back as it was saved, and leaves nothing readable', async () => {
      const { records, store } = createBench()
      assert.equal(await records.save('alice', await records.load('alice'), BOTH), true)
      const entry = await store.load('alice')
      assert.deepEqual(await records.load('alice'), { record: BOTH, version: entry?.version })
      assert.match(entry?.record ?? '', /^v1\.[\w-]{8}\.[\w-]+$/)
      assert.ok(!Buffer.from(entry?.record.slice(12) ?? '', 'base64url').includes('JBSWY3DP'))
    })

    it('is saved over what was loaded and over nothing else', async () => {
      const { records } = createBench()
      const before = await records.load('alice')
      assert.equal(await records.save('alice', before, BOTH), true)
      assert.equal(await records.save('alice', before, EMPTY), false)
      assert.deepEqual((await records.load('alice')).record, BOTH)
    })

    it('AC-75: altered, moved or foreign, it fails and is never taken for an empty one', async () => {
      const { records, store, vault } = createBench()
      await records.save('alice', { record: EMPTY, version: null }, BOTH)
      const text = (await store.load('alice'))?.record ?? ''
      const key = { kind: 'account', accountId: 'mallory', id: 'x' }
      await vault.write(key, { version: null }, BOTH, START + 60)
      const shortLived = (await store.get(key))?.value ?? ''
      const broken = ['', '{}', JSON.stringify(EMPTY), text, `${text.slice(0, -4)}AAAA`, shortLived]
      for (const [index, record] of broken.entries()) {
        const accountId = `mallory-${index}`
        await store.save(accountId, record, null)
        await assert.rejects(records.load(accountId), { name: 'StepUpError', code: 'ERR_SEAL' }, record)
        await assert.rejects(
          records.update(accountId, () => EMPTY),
          { code: 'ERR_SEAL' },
        )
        assert.equal((await store.load(accountId))?.record, record)
      }
    })
  })

  describe('updating', () => {
    it('loses no change of ten at once', async () => {
      const { records } = createBench()
      await race(10, () => records.update('alice', (record) => applyRefusal(record, 'totp', START)))
      assert.deepEqual((await records.load('alice')).record.failures, { totp: 10 })
    })

    it('gives up after fifty lost races', async () => {
      let tries = 0
      const save: Accounts['save'] = async () => {
        tries += 1
        return false
      }
      const { records } = createBench({ store: { ...hoardingStore(), save } })
      const update = records.update('alice', (record) => record)
      await assert.rejects(update, { name: 'StepUpError', code: 'ERR_CONTENTION' })
      assert.equal(tries, 50)
    })

    it('fails with its cause where the accounts do not answer', async () => {
      const cause = new Error('connection lost')
      const down = () => Promise.reject(cause)
      const { sealer } = createBench()
      const ours = hoardingStore()
      const expected = { name: 'StepUpError', code: 'ERR_STORE', cause }
      await assert.rejects(createAccountRecords({ ...ours, load: down }, sealer).load('alice'), expected)
      const records = createAccountRecords({ ...ours, save: down }, sealer)
      await assert.rejects(records.save('alice', { record: EMPTY, version: null }, EMPTY), expected)
    })
  })

  describe('what can be used', () => {
    it('is active and of no factor that is switched off', () => {
      const lost = enrolled('totp', { id: 'lost', status: 'disabled' })
      const odd = enrolled('totp', { id: 'odd', status: 'suspect' })
      const record: AccountRecord = { ...BOTH, authenticators: [lost, APP, odd, PHONE] }
      assert.deepEqual(usableAuthenticators(record), [APP, PHONE])
      assert.deepEqual(usableAuthenticators(record, 'totp'), [APP])
      const off: AccountRecord = { ...record, disabledFactors: { totp: START } }
      assert.deepEqual(usableAuthenticators(off), [PHONE])
      assert.deepEqual(usableAuthenticators(off, 'totp'), [])
    })
  })

  describe('an acceptance', () => {
    it('adds an authenticator, active and used now, under an id nobody can guess', () => {
      const accept = () => applyAcceptance(BOTH, 'totp', { change: { add: { secret: 'NEW' } } }, START)
      const { record, authenticatorId } = accept()
      assert.match(authenticatorId ?? '', /^[\w-]{22}$/)
      assert.notEqual(accept().authenticatorId, authenticatorId)
      const added = { id: authenticatorId, factor: 'totp', status: 'active', createdAt: START, lastUsedAt: START }
      assert.deepEqual(record.authenticators, [APP, PHONE, { ...added, data: { secret: 'NEW' } }])
    })

    it('keeps the name that its owner gave it', () => {
      const { record } = applyAcceptance(EMPTY, 'totp', { change: { add: {}, nickname: 'My phone' } }, START)
      assert.equal(record.authenticators[0]?.nickname, 'My phone')
    })

    it('updates the one that was used and no other', () => {
      const change = { update: { authenticatorId: APP.id, data: { secret: 'JBSWY3DP', lastStep: 6 } } }
      const { record, authenticatorId } = applyAcceptance(BOTH, 'totp', { authenticatorId: APP.id, change }, START)
      assert.equal(authenticatorId, APP.id)
      assert.deepEqual(record.authenticators, [{ ...APP, lastUsedAt: START, data: change.update.data }, PHONE])
    })

    it('notes the use where nothing changes', () => {
      const { record } = applyAcceptance(BOTH, 'sms', { authenticatorId: PHONE.id }, START)
      assert.deepEqual(record.authenticators, [APP, { ...PHONE, lastUsedAt: START }])
    })

    it('touches no authenticator of another factor, and none but the one used', () => {
      const change = { update: { authenticatorId: PHONE.id, data: 'taken over' } }
      for (const authenticatorId of [PHONE.id, APP.id, undefined]) {
        const { record } = applyAcceptance(BOTH, 'totp', { authenticatorId, change }, START)
        const used = authenticatorId === APP.id ? { ...APP, lastUsedAt: START } : APP
        assert.deepEqual(record.authenticators, [used, PHONE])
      }
    })

    it('ends the count of its own factor, which is offered first from now on', () => {
      const { record } = applyAcceptance(BOTH, 'sms', { authenticatorId: PHONE.id }, START)
      assert.deepEqual(record.failures, { totp: 3 })
      assert.equal(record.lastFactor, 'sms')
    })

    it('changes the version of what the account has only where it adds', () => {
      const used = applyAcceptance(BOTH, 'totp', { authenticatorId: APP.id }, START)
      assert.equal(used.record.factorsVersion, BOTH.factorsVersion)
      const versions = [1, 2].map(() => applyAcceptance(BOTH, 'totp', { change: { add: {} } }, START))
      const seen = new Set([BOTH.factorsVersion, ...versions.map(({ record }) => record.factorsVersion)])
      assert.equal(seen.size, 3)
    })
  })

  describe('a refusal', () => {
    it('counts for its own factor', () => {
      assert.deepEqual(applyRefusal(BOTH, 'totp', START), { ...BOTH, failures: { totp: 4, sms: 2 } })
      assert.deepEqual(applyRefusal(EMPTY, 'sms', START).failures, { sms: 1 })
    })

    it('AC-01: switches the factor off at a hundred in a row, and it alone', () => {
      assert.deepEqual(refusedTimes(96).disabledFactors, {})
      assert.deepEqual(refusedTimes(97).disabledFactors, { totp: START + 96 })
      assert.equal(refusedTimes(97).failures.totp, 100)
    })

    it('AC-01: a hundred in a row are counted from the last acceptance', () => {
      const { record } = applyAcceptance(refusedTimes(96), 'totp', { authenticatorId: APP.id }, START)
      assert.deepEqual(applyRefusal(record, 'totp', START).disabledFactors, {})
    })

    it('leaves the authenticators and their version as they are', () => {
      const { failures, disabledFactors, ...rest } = refusedTimes(100)
      assert.deepEqual([failures.totp, disabledFactors.totp], [103, START + 99])
      assert.deepEqual({ ...rest, failures: BOTH.failures, disabledFactors: {} }, BOTH)
    })
  })
})
