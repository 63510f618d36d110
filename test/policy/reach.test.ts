import assert from 'node:assert/strict'
import type { Needs } from '../../src/assurance/levels.ts'
import { isWithinReach, needsInWords, type Reaching } from '../../src/policy/reach.ts'

const app: Reaching = { id: 'app', kinds: ['possession'], traits: ['replay-resistant'], amr: ['otp'] }
const key: Reaching = { id: 'key', kinds: ['possession', 'inherence'], traits: ['phishing-resistant'], amr: ['hwk'] }

describe('policy/reach', () => {
  const cases: readonly (readonly [needs: Needs, words: string, byApp: boolean, byBoth: boolean])[] = [
    [{}, '', true, true],
    [{ kinds: 1 }, '1 kind', true, true],
    [{ kinds: 2 }, '2 kinds', true, true],
    [{ traits: ['phishing-resistant'] }, 'phishing-resistant', false, true],
    [{ kinds: 2, without: ['replay-resistant'] }, '2 kinds, without replay-resistant', false, true],
    [{ factors: ['app', 'key'] }, 'one of app, key', true, true],
    [{ traits: ['phishing-resistant'], factors: ['app'] }, 'phishing-resistant, one of app', false, false],
  ]
  for (const [needs, words, byApp, byBoth] of cases)
    it(`tells whether anybody can meet ${words || 'a level that needs nothing'}`, () => {
      const level = { acr: 'x', needs, maxAgeSeconds: 1 }
      assert.equal(needsInWords(needs), words)
      assert.deepEqual([isWithinReach([app], level), isWithinReach([app, key], level)], [byApp, byBoth])
    })
})
