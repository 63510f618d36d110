import assert from 'node:assert/strict'
import type { Evidence } from '../../src/assurance/evidence.ts'
import {
  acrValues,
  carriage,
  findLevel,
  isFresh,
  kindsOf,
  type Level,
  type Moment,
} from '../../src/assurance/levels.ts'
import { did, EARLIER, here, NOW, OWN, signedIn } from '../policy/makers.ts'

const moment: Moment = { now: NOW, cid: OWN, flowSeconds: 600 }
const level = (more: Partial<Level>): Level => ({ acr: 'level', needs: { kinds: 2 }, ...more })

describe('assurance/levels', () => {
  describe('isFresh', () => {
    const cases: readonly [string, Evidence, number | undefined, Partial<Moment>, boolean][] = [
      ['has no limit unless there is one', signedIn(1e9), undefined, {}, true],
      ['includes the limit itself', signedIn(60), 60, {}, true],
      ['ends after it', signedIn(61), 60, {}, false],
      ['counts an own event for the length of a flow', signedIn(600, here), 1, {}, true],
      ['and no longer', signedIn(601, here), 1, {}, false],
      ['but a longer limit still holds', signedIn(601, here), 900, {}, true],
      ['judges other authorizations by their time alone', signedIn(2, { cid: EARLIER }), 1, {}, false],
      ['takes no authorization for none', signedIn(2, { cid: '' }), 1, { cid: undefined }, false],
    ]
    for (const [name, event, limit, more, fresh] of cases)
      it(name, () => assert.equal(isFresh(event, limit, { ...moment, ...more }), fresh))
  })

  describe('carriage', () => {
    const cases: readonly [string, Partial<Level>, readonly Evidence[], Partial<Moment>, number | undefined, string][] =
      [
        ['no evidence meets nothing', { needs: {} }, [], {}, undefined, ''],
        ['needs nothing but an event', { needs: {} }, [signedIn(9)], {}, 9, 'login'],
        ['an event alone carries', { needs: {} }, [signedIn(9), did('totp', 5)], {}, 5, 'login totp'],
        ['the login never carries in twos', {}, [did('totp', 50), signedIn(5)], {}, 50, 'totp login'],
        ['even if it came last', {}, [signedIn(90), did('totp', 50), signedIn(5)], {}, 50, 'login totp login'],
        ['two logins carry nothing together', {}, [signedIn(9), signedIn(5, {}, 'key')], {}, undefined, ''],
        ['two factors both carry', {}, [did('pin', 50), did('totp', 5)], {}, 5, 'pin totp'],
        ['and both must be fresh', { maxAgeSeconds: 9 }, [did('pin', 50), did('totp', 5)], {}, undefined, ''],
        ['the login need not be', { maxAgeSeconds: 9 }, [signedIn(50), did('totp', 5)], {}, 5, 'login totp'],
        ['unless all must', { overallMaxAgeSeconds: 9 }, [signedIn(50), did('totp', 5)], {}, undefined, ''],
        ['all are', { overallMaxAgeSeconds: 50 }, [signedIn(50), did('totp', 5)], {}, 5, 'login totp'],
        [
          'max_age tightens',
          { maxAgeSeconds: 90 },
          [signedIn(5), did('totp', 50)],
          { maxAgeSeconds: 9 },
          undefined,
          '',
        ],
        [
          'max_age never loosens',
          { maxAgeSeconds: 9 },
          [signedIn(5), did('totp', 50)],
          { maxAgeSeconds: 90 },
          undefined,
          '',
        ],
        [
          'stale events are not counted',
          {},
          [signedIn(50), did('sms', 40), did('totp', 5)],
          { maxAgeSeconds: 9 },
          5,
          'login totp',
        ],
        ['a strong login carries alone', {}, [signedIn(9, {}, 'passkey')], {}, 9, 'login'],
        [
          'no code refreshes a strong login',
          { maxAgeSeconds: 9 },
          [signedIn(50, {}, 'passkey'), did('totp', 5)],
          {},
          undefined,
          '',
        ],
        [
          'a fresh pair beside it does',
          { maxAgeSeconds: 9 },
          [signedIn(50, {}, 'passkey'), signedIn(8), did('totp', 5)],
          {},
          5,
          'login login totp',
        ],
        [
          'without: the event does not count',
          { needs: { kinds: 2, without: ['address'] } },
          [signedIn(9), did('email', 5)],
          {},
          undefined,
          '',
        ],
        ['without: another does', { needs: { without: ['address'] } }, [signedIn(9), did('email', 5)], {}, 9, 'login'],
        [
          'factors: another does not do',
          { needs: { factors: ['totp'] } },
          [signedIn(9), did('sms', 5)],
          {},
          undefined,
          '',
        ],
        [
          'factors: one of them does',
          { needs: { factors: ['totp', 'sms'] } },
          [signedIn(9), did('sms', 5)],
          {},
          5,
          'login sms',
        ],
        [
          'factors may name the login',
          { needs: { factors: ['login'] } },
          [signedIn(9), did('sms', 5)],
          {},
          9,
          'login sms',
        ],
        [
          'factors and traits in one event',
          { needs: { factors: ['totp'], traits: ['hardware'] } },
          [did('totp', 9), did('key', 5)],
          {},
          undefined,
          '',
        ],
        [
          'traits in one event',
          { needs: { traits: ['hardware', 'user-verified'] } },
          [did('passkey', 9), did('token', 5)],
          {},
          undefined,
          '',
        ],
        [
          'kinds of others join the anchor',
          { needs: { kinds: 2, traits: ['hardware'] } },
          [signedIn(9), did('key', 5)],
          {},
          5,
          'login key',
        ],
      ]
    for (const [name, more, events, when, secondsAgo, counted] of cases)
      it(name, () => {
        const how = carriage(level(more), events, { ...moment, ...when })
        assert.equal(how?.authTime, secondsAgo === undefined ? undefined : NOW - secondsAgo)
        assert.equal(how?.counted.map(({ factor }) => factor).join(' ') ?? '', counted)
      })
  })

  it('finds a level by its acr or an alias', () => {
    const levels = [level({ acr: 'low' }), level({ acr: 'high', aliases: ['top', 'best'] })]
    assert.equal(findLevel(levels, 'low'), levels[0])
    assert.equal(findLevel(levels, 'best'), levels[1])
    assert.equal(findLevel(levels, 'Low'), undefined)
    assert.deepEqual(acrValues(levels), ['low', 'high', 'top', 'best'])
  })

  it('unites kinds', () => {
    assert.deepEqual([...kindsOf([did('totp', 1), did('passkey', 1)])], ['possession', 'inherence'])
  })
})
