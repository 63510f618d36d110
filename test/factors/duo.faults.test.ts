import assert from 'node:assert/strict'
import { duo as duoFactor } from '../../src/factors/duo.ts'
import type { Fault } from '../support/duo.ts'
import { by, refused, withDuo } from './duo-support.ts'

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['hangs', 'hang'],
  ['answers byte by byte', 'drip'],
  ['answers at great length', 'flood'],
  ['cuts the line', 'drop'],
  ['answers with 500', { status: 500, body: '{"stat":"OK"}' }],
  ['answers with 429', { status: 429, body: '{"stat":"FAIL","code":42901}' }],
  ['answers with a page', { status: 200, body: '<h1>Maintenance</h1>' }],
  ['answers with null', { status: 200, body: 'null' }],
  ['answers with no text', { status: 200, body: '{"stat":1,"id_token":1,"token_type":"Bearer"}' }],
  ['sends elsewhere', { status: 307, body: '{}', headers: { location: '/oauth/v1/health_check?again' } }],
]

/** What the process is warned of meanwhile. */
const warnedOf = async (work: () => Promise<unknown>): Promise<readonly Error[]> => {
  const told: Error[] = []
  const listen = (warning: Error) => told.push(warning)
  process.on('warning', listen)
  try {
    await work()
    // Warnings are told a tick later.
    await new Promise(setImmediate)
  } finally {
    process.off('warning', listen)
  }
  return told
}

/** What Duo says by itself of being out of order, or does not say at all; an answer that makes no sense is neither. */
const isOutage = (fault: Fault) => typeof fault !== 'object' || fault.status >= 500

describe('factors/duo: faults', () => {
  const duo = withDuo()

  for (const [name, fault] of FAULTS)
    it(`lets nobody in where Duo ${name}, and does not wait longer than it may`, async () => {
      const factor = duo.made({ timeoutSeconds: 0.3 })
      const out = { ...refused('unavailable'), ...(isOutage(fault) ? { outage: true } : {}) }
      const { state, input } = await duo.returning(factor)
      duo.peer.script.faults = { health_check: fault, token: fault }
      const startedAt = performance.now()
      const warnings = await warnedOf(async () => {
        assert.deepEqual(await factor.challenge.begin(duo.contextOf(factor)), out)
        assert.deepEqual(await duo.submitted(factor, state, input), refused('unavailable'))
        assert.deepEqual(await duo.submitted(factor, state, { again: 'yes' }), out)
      })
      assert.ok(performance.now() - startedAt < 2500)
      assert.ok(warnings.length > 0)
      for (const { name: type, message } of warnings) {
        assert.equal(type, 'StepUpWarning')
        assert.match(message, /^Duo /)
        for (const secret of [duo.peer.options.clientSecret, input.duo_code ?? '', 'eyJ'])
          assert.ok(!message.includes(secret))
      }
    })

  it('takes the same answer once Duo is back', async () => {
    const factor = duo.made()
    const { state, input } = await duo.returning(factor)
    duo.peer.script.faults = { token: { status: 503, body: '' } }
    assert.deepEqual(await duo.submitted(factor, state, input), refused('unavailable'))
    duo.peer.script.faults = {}
    assert.equal((await duo.submitted(factor, state, input)).outcome, 'accepted')
  })

  it('lets nobody in where the clocks are apart, Duo shows another certificate or is down', async () => {
    const factor = duo.made()
    const begun = async () => (await factor.challenge.begin(duo.contextOf(factor))).outcome
    duo.peer.script.skewSeconds = 600
    assert.equal(await begun(), 'refused')
    duo.peer.script.skewSeconds = 0
    assert.equal(await begun(), 'continue')
    duo.peer.changeCertificate()
    assert.equal(await begun(), 'refused')
    await duo.peer.close()
    assert.equal(await begun(), 'refused')
  })

  it('trusts no certificate but those it was told of, else those that Node.js trusts, whatever the environment says', async () => {
    const { ca: _ca, ...options } = duo.peer.options
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      assert.deepEqual(await duoFactor(options).challenge.begin(duo.contextOf()), {
        ...refused('unavailable'),
        outage: true,
      })
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
    }
  })

  it('tells why, once for as long as the reason is the same', async () => {
    const factor = duo.made()
    const told = await warnedOf(async () => {
      for (const status of [500, 500, 503, undefined, 503]) {
        duo.peer.script.faults = status === undefined ? {} : { health_check: { status, body: '{}' } }
        await (status === undefined ? duo.answered({}, factor) : factor.challenge.begin(duo.contextOf(factor)))
      }
      duo.peer.script.faults = {}
      await duo.answered({ person: by('remembered_device', 'remembered_device') }, factor)
      await duo.answered({ person: by('trusted_network', 'trusted_network') }, factor)
    })
    const words = (status: number) => `Duo answered the health check with status ${status}`
    const [first, second, third, last, ...more] = told.map(({ message }) => message)
    assert.deepEqual([first, second, third], [words(500), words(503), words(503)])
    assert.match(last ?? '', /without asking/)
    assert.deepEqual(more, [])
  })
})
