import assert from 'node:assert/strict'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { APP, CODES, type Desk, desk, email, furnish, KEY, storedOf } from './desk.ts'
import { codeFactor, PHONE } from './scene.ts'
import { enrolled, give, placeOf, START, wordOf } from './tools.ts'

const isDeeplyFrozen = (value: unknown): boolean =>
  Object(value) !== value || (Object.isFrozen(value) && Object.values(value as object).every(isDeeplyFrozen))

describe('flow/administration', () => {
  describe('list', () => {
    it('shows what the account has, frozen, and no secret', async () => {
      const factors = [totp({ issuer: 'Test' }), recoveryCodes(), codeFactor().factor, email]
      const at = desk({ factors })
      at.accounts.set('alice', { id: 'alice', label: 'alice', email: 'alice@example.com', emailVerified: true })
      await furnish(at)
      const GONE = enrolled('retired', { data: KEY, status: 'suspect' })
      await give(at, 'alice', APP, CODES, PHONE, GONE)
      await at.records.update('alice', (record) => ({ ...record, enrollment: 'ticket' }))

      const overview = await at.mfa.list('alice')
      const { authenticators, browsers, ...rest } = overview
      const common = { status: 'active', createdAt: START - 1000 }
      const { describe: nameOf } = totp({ issuer: 'Test' })
      assert.deepEqual(authenticators, [
        { id: 'totp-1', factor: 'totp', ...common, lastUsedAt: START - 10, name: nameOf(APP as never) },
        { id: 'recovery-codes-1', factor: 'recovery-codes', ...common, name: '', usesLeft: 1 },
        { id: 'code-1', factor: 'code', ...common, nickname: 'My phone', name: 'My phone' },
        { id: 'retired-1', factor: 'retired', ...common, status: 'suspect', name: '' },
        { id: 'implied', factor: 'email', ...common, name: 'a…@implied', implied: true },
      ])
      assert.deepEqual(
        browsers.map(({ id: _id, ...browser }) => browser),
        [{ createdAt: START, usedAt: START, until: START + 86_400 }],
      )
      assert.deepEqual(rest, {
        accountId: 'alice',
        pausedFactors: [{ factor: 'totp', pausedUntilAt: START + 30 }],
        disabledFactors: [{ factor: 'totp', disabledAt: START - 5 }],
        disabled: false,
        enrollment: 'ticket',
      })
      assert.ok(isDeeplyFrozen(overview))
      assert.ok(!JSON.stringify(overview).includes(KEY))
    })

    it('is empty for an account that has nothing', async () => {
      assert.deepEqual(await desk().mfa.list('alice'), {
        accountId: 'alice',
        authenticators: [],
        pausedFactors: [],
        disabledFactors: [],
        browsers: [],
        disabled: false,
      })
    })

    it('tells a disabled account, by the host or here', async () => {
      const at = desk()
      at.accounts.set('bob', { id: 'bob', label: 'bob', disabled: true })
      await at.mfa.disable('alice')
      const [{ disabled, disabledAt }, { disabled: byHost, disabledAt: never }] = await Promise.all([
        at.mfa.list('alice'),
        at.mfa.list('bob'),
      ])
      assert.deepEqual([disabled, disabledAt, byHost, never], [true, START, true, undefined])
    })
  })

  describe('issueTicket', () => {
    it('makes a day-long ticket for all that can be enrolled but recovery codes', async () => {
      const at = desk({ factors: [totp({ issuer: 'Test' }), email, recoveryCodes(), codeFactor().factor] })
      const { id, url, expiresAt } = await at.mfa.issueTicket('alice')
      assert.equal(expiresAt, START + 86_400)
      assert.ok(url.startsWith('https://login.example.com/setup#'))
      const opened = await at.tickets.open(at.ticketIn(url))
      assert.deepEqual((await at.tickets.find(opened?.setup ?? ''))?.factors, ['totp', 'code'])
      assert.deepEqual(at.told, [
        { name: 'ticket.issued', event: { accountId: 'alice', ticketId: id, expiresAt, at: START } },
      ])
    })

    it('makes one for chosen factors and a chosen time', async () => {
      const at = desk({ factors: [totp({ issuer: 'Test' }), codeFactor().factor] })
      const { url, expiresAt } = await at.mfa.issueTicket('alice', { factors: ['code', 'code'], ttlSeconds: 604_800 })
      assert.equal(expiresAt, START + 604_800)
      const opened = await at.tickets.open(at.ticketIn(url))
      assert.deepEqual((await at.tickets.find(opened?.setup ?? ''))?.factors, ['code'])
    })
  })

  describe('remove', () => {
    it('takes one authenticator and all remembered browsers, and leaves the recovery codes', async () => {
      const at = desk()
      await furnish(at)
      const before = await at.recordOf()
      await at.mfa.remove('alice', APP.id)
      const { authenticators, factorsVersion, ...rest } = await at.recordOf()
      const { authenticators: _had, factorsVersion: oldVersion, ...kept } = before
      assert.deepEqual(authenticators, [CODES])
      assert.notEqual(factorsVersion, oldVersion)
      assert.deepEqual(rest, kept)
      assert.deepEqual(await storedOf(at), { ticket: 1, setup: 1, 'setup-permit': 1, throttle: 1 })
      const event = { accountId: 'alice', factor: 'totp', authenticatorId: APP.id, by: 'operator', at: START }
      assert.deepEqual(at.told, [{ name: 'authenticator.removed', event }])
    })
  })

  describe('newRecoveryCodes', () => {
    it('replaces the set and answers the new codes', async () => {
      const at = desk()
      await furnish(at)
      const before = await at.recordOf()
      const codes = await at.mfa.newRecoveryCodes('alice')
      assert.deepEqual([codes.length, new Set(codes).size, Object.isFrozen(codes)], [10, 10, true])
      const { authenticators, factorsVersion, ...rest } = await at.recordOf()
      const { authenticators: _had, factorsVersion: oldVersion, ...kept } = before
      const added = authenticators.at(-1)
      assert.deepEqual(authenticators.slice(0, -1), [APP])
      assert.notEqual(factorsVersion, oldVersion)
      assert.deepEqual(rest, kept)
      const { id, data: _data, ...shape } = added ?? APP
      assert.deepEqual(shape, { factor: 'recovery-codes', status: 'active', createdAt: START })
      const event = { accountId: 'alice', factor: 'recovery-codes', at: START }
      assert.deepEqual(at.told, [
        { name: 'authenticator.removed', event: { ...event, authenticatorId: CODES.id, by: 'replacement' } },
        { name: 'authenticator.enrolled', event: { ...event, authenticatorId: id, by: 'operator' } },
      ])
      for (const code of codes) assert.ok(!JSON.stringify([at.told, added]).includes(code))

      await at.mfa.unlock('alice')
      const challenge = placeOf(recoveryCodes(), 'challenge')
      await at.ceremonies.show(challenge)
      assert.equal(wordOf(await at.ceremonies.answer(challenge, { code: codes[0] ?? '' })), 'accepted')
    })

    it('is refused where the codes would stand alone, or there are none', async () => {
      const error = { name: 'StepUpError', code: 'ERR_ACCOUNT' }
      const suspect = enrolled('totp', { status: 'suspect' })
      for (const has of [[], [CODES], [suspect], [enrolled('retired')]]) {
        const { mfa, told, recordOf, ...bench } = desk()
        await give(bench as Desk, 'alice', ...has)
        await assert.rejects(mfa.newRecoveryCodes('alice'), error)
        assert.deepEqual([told, (await recordOf()).authenticators], [[], has])
      }
      const without = desk({ factors: [totp({ issuer: 'Test' })] })
      await give(without, 'alice', APP)
      await assert.rejects(without.mfa.newRecoveryCodes('alice'), error)
    })
  })

  it('forgetBrowsers ends all of them and touches no authenticator', async () => {
    const at = desk()
    await furnish(at)
    const before = await at.recordOf()
    await at.mfa.forgetBrowsers('alice')
    const { factorsVersion } = await at.recordOf()
    assert.notEqual(factorsVersion, before.factorsVersion)
    assert.deepEqual(await at.recordOf(), { ...before, factorsVersion })
    assert.equal((await storedOf(at)).browser, undefined)
    assert.deepEqual(at.told, [{ name: 'browsers.forgotten', event: { accountId: 'alice', at: START } }])
  })

  for (const factor of ['totp', undefined])
    it(`unlock opens ${factor ?? 'all factors'} and touches nothing else`, async () => {
      const at = desk()
      await furnish(at)
      for (let count = 0; count < 6; count += 1) await at.throttle.reserve('alice', 'recovery-codes', count)
      const locked = { failures: { totp: 7, 'recovery-codes': 6 }, disabledFactors: { totp: 1, 'recovery-codes': 2 } }
      await at.records.update('alice', (record) => ({ ...record, ...locked }))
      const before = await at.recordOf()
      await at.mfa.unlock('alice', factor)
      const left = factor === undefined ? [{}, {}] : [{ 'recovery-codes': 6 }, { 'recovery-codes': 2 }]
      assert.deepEqual(await at.recordOf(), { ...before, failures: left[0], disabledFactors: left[1] })
      const pauses = ['totp', 'recovery-codes'].map((id) => at.throttle.pauseLeft('alice', id))
      assert.deepEqual(await Promise.all(pauses), [0, factor === undefined ? 0 : 30])
      assert.deepEqual(at.told, [{ name: 'account.unlocked', event: { accountId: 'alice', at: START } }])
    })
})
