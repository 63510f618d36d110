import assert from 'node:assert/strict'
import { carriage } from '../../src/assurance/levels.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { MULTI_FACTOR, nist, SINGLE_FACTOR } from '../../src/index.ts'
import { codesOn } from '../journeys/help.ts'
import {
  CHALLENGE,
  ENROLL,
  LOGIN,
  open,
  outcomeOf,
  type Person,
  UNREACHABLE,
  useStage,
  visit,
} from '../journeys/stage.ts'
import { did, type Method, NOW, PROOFS, signedIn } from '../policy/makers.ts'
import { codeAt } from '../support/host.ts'
import { AAL1, AAL2, AAL3, insist, KEY, methodThatShows, VERIFIED_KEY, withNist } from './nist.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const UNMET = 'unmet_authentication_requirements'

/** The level that a request is told which asks for none, or for this one, without a page. */
const standing = async (person: Person, acr = '') =>
  outcomeOf(await visit(person, { prompt: 'none', ...(acr === '' ? {} : { acr_values: acr }) }))

describe('security: levels of NIST SP 800-63B-4', () => {
  const stage = useStage()

  describe('NIST-2.2.1: what two proofs are worth together', () => {
    const METHODS: readonly Method[] = [
      'password',
      'pin',
      'totp',
      'sms',
      'email',
      'recovery',
      'key',
      'passkey',
      'token',
    ]
    /** The number of the level, by row and column in this order; a row begins at its own method. */
    const TABLE: Readonly<Record<string, string>> = {
      password: '112212322',
      pin: '12212322',
      totp: '1111121',
      sms: '111121',
      email: '11121',
      recovery: '1121',
      key: '131',
      passkey: '22',
      token: '1',
    }
    const moment = { now: NOW, cid: undefined, flowSeconds: 600 }
    const levelOf = (one: Method, other: Method) =>
      nist.filter((level) => carriage(level, [signedIn(20, {}, one), did(other, 10)], moment) !== undefined).length

    for (const [row, one] of METHODS.entries())
      it(`NIST-2.2.1: ${one}, beside ${METHODS.slice(row).join(', ')}`, () => {
        const levels = METHODS.slice(row).map((other) => levelOf(one, other))
        assert.equal(levels.join(''), TABLE[one])
        const swapped = METHODS.slice(row).map((other) => levelOf(other, one))
        assert.deepEqual(swapped, levels, 'whichever came first')
      })
  })

  for (const [method, expected] of [
    ['totp', AAL2],
    ['sms', AAL2],
    ['token', AAL2],
    ['passkey', AAL2],
    ['key', AAL2],
    ['pin', UNMET],
    ['email', UNMET],
  ] as const)
    it(`NIST-2.2.1: a password and ${method} are ${expected === AAL2 ? '' : 'not '}AAL2`, async () => {
      const host = await stage.host(withNist({ factors: [methodThatShows(PROOFS[method])] }))
      const bob = await stage.person(host)
      const done = await visit(bob, insist(AAL2))
      const outcome =
        done.page.heading === UNREACHABLE
          ? (await visit(bob, { ...insist(AAL2), prompt: 'none' })).error
          : await outcomeOf(done)
      assert.equal(outcome, expected)
    })

  it('NIST-2.1.3: AAL1 ends after thirty days, and the login is asked anew', async () => {
    const bob = await stage.person(await stage.host(withNist({}, { ttl: { Session: 90 * DAY } })))
    assert.equal(await outcomeOf(await visit(bob)), AAL1)
    stage.clock.advance(30 * DAY - 60)
    assert.equal(await standing(bob), AAL1)
    stage.clock.advance(61)
    assert.equal(await standing(bob), undefined)
    assert.equal((await visit(bob, { ...insist(AAL1), prompt: 'none' })).error, 'login_required')
    const again = await visit(bob, insist(AAL1))
    assert.deepEqual([again.seen, await outcomeOf(again)], [[LOGIN], AAL1])
  })

  it('NIST-2.2.2a: both methods for AAL2 resist replay: what was used once opens nothing again', async () => {
    const factors = [totp({ issuer: 'Test' }), recoveryCodes()]
    for (const { traits } of factors) assert.ok(traits.includes('replay-resistant'))
    const bob = await stage.person(await stage.host(withNist({ factors })))
    // At the beginning of a time step, so that the same one lasts until the code is tried again.
    stage.clock.advance(30 - (Math.floor(Date.now() / 1000) % 30))
    const { page: save } = await visit(bob, insist(AAL2))
    const [code = ''] = codesOn(save)
    await bob.browser.post(save, { kept: 'yes' })
    const asked = { ...insist(AAL2), prompt: 'login' }

    const { page } = await bob.go(asked)
    assert.equal((await bob.answer(page, codeAt(bob.secret))).status, 422, 'the code that confirmed the app')
    const entry = await bob.browser.get(`${page.url.pathname}/recovery-codes`)
    assert.equal((await bob.browser.post(entry, { code })).heading, ENROLL)
    const { page: later } = await bob.go(asked)
    const again = await bob.browser.get(`${later.url.pathname}/recovery-codes`)
    assert.equal((await bob.browser.post(again, { code })).status, 422, 'the recovery code')
  })

  /** Each level with its overall time-out and its inactivity, for the same method. */
  for (const [row, name, acr, overall, idle] of [
    ['NIST-2.2.3', 'AAL2', AAL2, DAY, HOUR],
    ['NIST-2.3.3', 'AAL3', AAL3, DAY / 2, 15 * 60],
  ] as const) {
    const bobAt = async (sessionSeconds: number) => {
      const bob = await stage.person(
        await stage.host(withNist({ factors: [KEY] }, { ttl: { Session: sessionSeconds } })),
      )
      const first = await visit(bob, insist(acr))
      assert.deepEqual([first.seen, await outcomeOf(first)], [[LOGIN, ENROLL], acr])
      return bob
    }

    it(`${row}: ${name} stands for ${overall} s and not a second longer; then both proofs are asked`, async () => {
      const bob = await bobAt(14 * DAY)
      stage.clock.advance(overall - 60)
      assert.deepEqual((await visit(bob, insist(acr))).seen, [])
      stage.clock.advance(61)
      assert.notEqual(await standing(bob), acr)
      assert.equal((await visit(bob, { ...insist(acr), prompt: 'none' })).error, 'interaction_required')
      const again = await visit(bob, insist(acr))
      assert.deepEqual([again.seen, await outcomeOf(again)], [[LOGIN, CHALLENGE], acr])
    })

    it(`${row}: a fresh password alone, or a fresh key alone, does not prolong it`, async () => {
      const bob = await bobAt(14 * DAY)
      const { authTime = 0 } = await (await visit(bob, insist(acr))).redeem()
      stage.clock.advance(overall - 60)
      assert.deepEqual((await visit(bob, { prompt: 'login' })).seen, [LOGIN])
      assert.equal((await (await visit(bob, insist(acr))).redeem()).authTime, authTime)
      stage.clock.advance(61)
      const half = await visit(bob, insist(acr))
      assert.deepEqual(half.seen, [CHALLENGE])
      stage.clock.advance(overall - 30)
      assert.deepEqual((await visit(bob, insist(acr))).seen, [LOGIN])
    })

    it(`${row}: with ttl.Session at ${idle} s, whoever was idle for longer signs in anew`, async () => {
      const bob = await bobAt(idle)
      for (let visits = 0; visits < 3; visits += 1) {
        stage.clock.advance(idle - 30)
        assert.equal(await standing(bob, acr), acr, 'a request in time keeps the session')
      }
      stage.clock.advance(idle + 60)
      assert.equal((await visit(bob, { prompt: 'none' })).error, 'login_required')
      assert.deepEqual((await visit(bob, insist(acr))).seen, [LOGIN, CHALLENGE])
    })
  }

  for (const [name, login, method, acr] of [
    ['a password and a hardware key are', PROOFS.password, PROOFS.key, AAL3],
    ['a hardware key with a fingerprint is, alone,', VERIFIED_KEY, PROOFS.totp, AAL3],
    ['a synced passkey and an app are no', PROOFS.passkey, PROOFS.totp, undefined],
    ['a synced passkey and a code from a hardware token are no', PROOFS.passkey, PROOFS.token, undefined],
    ['a key alone and another are no', PROOFS.key, PROOFS.key, undefined],
    ['a password and a synced passkey are no', PROOFS.password, PROOFS.passkey, undefined],
  ] as const)
    it(`NIST-2.3.1, NIST-2.3.2: ${name} AAL3`, async () => {
      const host = await stage.host(withNist({ factors: [methodThatShows(method)], login: () => login }))
      const bob = await stage.person(host)
      await visit(bob, { acr_values: `${AAL3} ${AAL2}` })
      const done = await visit(bob, insist(AAL3))
      assert.equal(await outcomeOf(done), acr ?? (done.error === undefined ? UNREACHABLE : UNMET))
    })

  it('NIST-2.x-pre: a browser that is trusted skips a page, never raises what is reported, and proves nothing', async () => {
    const bob = await stage.enrolled(await stage.host({ stepUp: { policy: { default: 'always' } } }))
    const { page } = await bob.go()
    await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })
    const kept = bob.browser.cookies().filter(({ name }) => name.startsWith('step-up-browser'))
    assert.equal(kept.length, 1)
    bob.browser.clear()
    bob.browser.load(kept)
    stage.clock.advance(60)
    const lifted = await visit(bob)
    assert.deepEqual(lifted.seen, [LOGIN])
    const { acr, amr } = await lifted.redeem()
    assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
    assert.equal((await open(bob, { acr_values: MULTI_FACTOR })).page.heading, CHALLENGE)
  })
})
