import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Assessment, Confidence, Facts } from '../../src/policy/facts.ts'
import { createRiskSource } from '../../src/risk/assess.ts'
import { type Assessor, lowestConfidence, newDevice, type Risk, untrustedIp } from '../../src/risk/index.ts'

const UNAVAILABLE: Assessment = { confidence: 'low', code: 'assessment_not_available' }

const requestOf = (facts: Partial<Facts> = {}, signal = new AbortController().signal) => {
  const read: string[] = []
  const fact = async (name: keyof Facts) => {
    read.push(name)
    return facts[name] as never
  }
  return { read, signal, header: () => undefined, fact }
}

const assessor = (name: string, assess: Assessor['assess'], reads: Assessor['reads'] = []): Assessor => ({
  name,
  reads,
  assess,
})

const answering = (name: string, answer: unknown) => assessor(name, () => answer as never)

const run = async (risk: Risk, request = requestOf()) => createRiskSource(risk)(request)

/** Runs while every timer rings at once; answers how long they were set to. */
const hastily = async (work: () => Promise<void>) => {
  const real = globalThis.setTimeout
  const set: unknown[] = []
  globalThis.setTimeout = ((ring: () => void, milliseconds: number) => {
    set.push(milliseconds)
    return real(ring, 1)
  }) as typeof setTimeout
  try {
    await work()
  } finally {
    globalThis.setTimeout = real
  }
  return set
}

describe('risk/assess', () => {
  it('asks all and tells each, frozen, in the shape of a risk assessment', async () => {
    const risk = await run({
      assessors: [
        answering('One', { confidence: 'high', code: 'fine', details: { seen: 3 }, more: 'left out' }),
        assessor('Two', async () => ({ confidence: 'medium', code: 'so_so' })),
      ],
    })
    assert.deepEqual(risk, {
      confidence: 'medium',
      version: '1',
      assessments: {
        One: { confidence: 'high', code: 'fine', details: { seen: 3 } },
        Two: { confidence: 'medium', code: 'so_so' },
      },
    })
    const { assessments } = risk
    for (const part of [risk, assessments, assessments.One, assessments.One?.details]) assert.ok(Object.isFrozen(part))
  })

  it('gives each the facts it reads and no others', async () => {
    const given: unknown[] = []
    const look = assessor('Look', (facts) => void given.push(facts) as never, ['now', 'address'])
    const request = requestOf({ now: 5, address: '192.0.2.1', userAgent: 'x' })
    await run({ assessors: [look] }, request)
    assert.deepEqual(given, [{ now: 5, address: '192.0.2.1' }])
    assert.deepEqual(request.read, ['now', 'address'])
  })

  it('AC-37, F-19: what throws, rejects or answers nonsense counts as low', async () => {
    const loop: Record<string, unknown> = { confidence: 'high', code: 'loop' }
    loop.details = { loop }
    const nonsense = [
      undefined,
      null,
      'high',
      3,
      {},
      [],
      { confidence: 'highest', code: 'x' },
      { confidence: 'high' },
      { confidence: 'high', code: '' },
      { confidence: 'high', code: 'x', details: 'text' },
      { confidence: 'high', code: 'x', details: { big: 1n } },
      loop,
    ]
    const throwing = assessor('Throws', () => {
      throw new Error('no')
    })
    const rejecting = assessor('Rejects', () => Promise.reject(new Error('no')))
    const { confidence, assessments } = await run({
      assessors: [throwing, rejecting, ...nonsense.map((answer, index) => answering(`Nonsense${index}`, answer))],
      overall: () => 'high',
    })
    assert.equal(confidence, 'high')
    for (const [name, one] of Object.entries(assessments)) assert.deepEqual(one, UNAVAILABLE, name)
  })

  it('AC-37: a fact that cannot be read counts as low', async () => {
    const request = { ...requestOf(), fact: () => Promise.reject(new Error('no')) }
    const { assessments } = await run({ assessors: [newDevice()] }, request)
    assert.deepEqual(assessments, { NewDevice: UNAVAILABLE })
  })

  it('F-19: whoever is silent for two seconds counts as low and is told to stop, while others are heard', async () => {
    let stopped = false
    const hanging = assessor('Hangs', (_facts, { signal }) => {
      signal.addEventListener('abort', () => {
        stopped = true
      })
      return new Promise(() => undefined)
    })
    const late = assessor('Late', (_facts, { signal }) => {
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('late'))))
    })
    const set = await hastily(async () => {
      const { assessments } = await run({
        assessors: [hanging, late, answering('Fine', { confidence: 'high', code: 'x' })],
      })
      assert.deepEqual(assessments.Hangs, UNAVAILABLE)
      assert.deepEqual(assessments.Late, UNAVAILABLE)
      assert.equal(assessments.Fine?.confidence, 'high')
    })
    assert.deepEqual(set, [2000, 2000, 2000])
    assert.ok(stopped)
  })

  it('stops with the request, even one that has ended before', async () => {
    const ending = new AbortController()
    const hanging = assessor('Hangs', () => new Promise(() => undefined))
    const first = run({ assessors: [hanging] }, requestOf({}, ending.signal))
    ending.abort()
    for (const { assessments } of [await first, await run({ assessors: [hanging] }, requestOf({}, ending.signal))])
      assert.deepEqual(assessments, { Hangs: UNAVAILABLE })
  })

  it('AC-37, F-19: an overall rule that throws or answers nonsense is low', async () => {
    const fine = [answering('Fine', { confidence: 'high', code: 'fine' })]
    const overall = (answer: unknown) => run({ assessors: fine, overall: () => answer as never })
    for (const answer of [
      undefined,
      null,
      'unknown',
      'HIGH',
      1,
      Promise.resolve('high'),
      Promise.reject(new Error('no')),
    ])
      assert.equal((await overall(answer)).confidence, 'low')
    const throwing = () => {
      throw new Error('no')
    }
    assert.equal((await run({ assessors: fine, overall: throwing })).confidence, 'low')
    assert.equal((await overall('high')).confidence, 'high')
  })

  it('AC-37: where nothing is known at all, confidence is low', async () => {
    assert.equal((await run({ assessors: [] })).confidence, 'low')
    const { confidence, assessments } = await run({ assessors: [newDevice(), untrustedIp()] })
    assert.equal(confidence, 'low')
    assert.equal(assessments.UntrustedIP?.code, 'invalid_ip_address')
    assert.equal((await run({ assessors: [newDevice()] })).confidence, 'low')
  })

  it('AC-37: no user agent makes confidence higher than none does', async () => {
    const confidence = async (userAgent: 'known' | 'unknown') => {
      const facts: Partial<Facts> = { device: { cookie: 'unknown', userAgent, known: 3 }, lastLogin: { at: 1 } }
      return (await run({ assessors: [newDevice()] }, requestOf(facts))).confidence
    }
    assert.deepEqual([await confidence('known'), await confidence('unknown')], ['low', 'low'])
  })

  it('refuses what is no assessor, a name twice, and one that reads what it makes', () => {
    const one = answering('One', {})
    const risks: readonly (readonly [unknown, RegExp])[] = [
      [{ assessors: [one, one] }, /risk\.assessors\[1\]\.name: found One again; allowed: each name once/],
      [{ assessors: [{ ...one, reads: ['risk'] }] }, /risk\.assessors\[0\]\.reads: found risk/],
      [{ assessors: [{ ...one, reads: 'now' }] }, /risk\.assessors\[0\]\.reads: found no list/],
      [{ assessors: [{ ...one, name: '' }] }, /risk\.assessors\[0\]\.name/],
      [{ assessors: [{ ...one, assess: 'x' }] }, /risk\.assessors\[0\]\.assess/],
      [{ assessors: [undefined] }, /risk\.assessors\[0\]\.name/],
      [{ assessors: one }, /risk\.assessors: found no list/],
      [{ assessors: [one], overall: 'lowest' }, /risk\.overall/],
    ]
    for (const [risk, message] of risks)
      assert.throws(() => createRiskSource(risk as Risk), { code: 'ERR_CONFIG', message })
  })

  describe('the lowest confidence', () => {
    const ORDER: readonly Confidence[] = ['low', 'medium', 'high']
    const someConfidence = fc.constantFrom<Assessment['confidence']>('low', 'medium', 'high', 'unknown')
    const overall = (confidences: readonly Assessment['confidence'][]) =>
      ORDER.indexOf(
        lowestConfidence(Object.fromEntries(confidences.map((confidence, n) => [`A${n}`, { confidence, code: 'x' }]))),
      )

    it('is never raised by one more assessor, once anything is known', () => {
      fc.assert(
        fc.property(fc.array(someConfidence, { maxLength: 6 }), someConfidence, (before, added) => {
          fc.pre(before.some((confidence) => confidence !== 'unknown'))
          assert.ok(overall([...before, added]) <= overall(before))
        }),
      )
    })

    it('is never raised by what is not known, and never above medium with it', () => {
      fc.assert(
        fc.property(fc.array(someConfidence, { maxLength: 6 }), (before) => {
          assert.ok(overall([...before, 'unknown']) <= Math.max(1, overall(before)))
          if (before.includes('low')) assert.equal(overall([...before, 'unknown']), 0)
          assert.ok(overall([...before, 'unknown']) <= 1)
        }),
      )
    })
  })
})
