import assert from 'node:assert/strict'
import type { Policy, StepUpOptions } from '../../src/index.ts'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import {
  all,
  always,
  client,
  country,
  daysSinceFactor,
  ipRange,
  known,
  not,
  type Rule,
  scope,
  timeOfDay,
  weekday,
  when,
} from '../../src/policy/index.ts'
import { codeAt } from '../support/host.ts'
import { createRelyingParty, isAnswer, secretOn, signIn } from '../support/relying-party.ts'
import { atlas, BERLIN, clientCalled, counting, listening, PYONGYANG, traveler, VIENNA } from './policy-stage.ts'
import { acrClaim, CHALLENGE, ENROLL, LOGIN, UNREACHABLE, useStage, visit } from './stage.ts'

const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const VOLUNTARY = { acr_values: MULTI_FACTOR }
const ASK = { floor: MULTI_FACTOR }
const at = (text: string) => Date.parse(text) / 1000

describe('journeys: rules', () => {
  const stage = useStage()
  const under = (policy: Policy, more: Partial<StepUpOptions> = {}) =>
    stage.host({
      clients: [clientCalled('app'), clientCalled('bank')],
      stepUp: { policy, geo: atlas(), trustedProxies: ['loopback'], ...more },
    })

  /** Signs in anew from a browser that was never here, at that time. */
  const enrolledUnder = async (policy: Policy, more: Partial<StepUpOptions> = {}) => {
    const host = await under(policy, more)
    const { secret } = await stage.enrolled(host)
    const fresh = async (address = BERLIN) => Object.assign(await traveler(host, 'bob', address), { secret })
    return { host, fresh }
  }

  describe('by the clock on the wall', () => {
    const NIGHT = timeOfDay({ from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' })
    const EARLY = timeOfDay({ from: '02:30', to: '03:30', timeZone: 'Europe/Berlin' })
    const SUNDAY = weekday(['sunday'], { timeZone: 'Europe/Berlin' })
    for (const [title, condition, rows] of [
      [
        'over midnight, in winter and in summer',
        NIGHT,
        [
          ['2027-01-14T20:59:58Z', false],
          ['2027-01-14T21:00:00Z', true],
          ['2027-01-14T23:30:00Z', true],
          ['2027-01-15T05:00:00Z', false],
          ['2027-07-14T20:00:00Z', true],
          ['2027-07-15T04:00:00Z', false],
        ],
      ],
      [
        'in an hour that does not exist, and in one that comes twice',
        EARLY,
        [
          // 01:59:59 is followed by 03:00:00 that day.
          ['2027-03-28T00:59:57Z', false],
          ['2027-03-28T01:00:00Z', true],
          ['2027-03-28T01:30:00Z', false],
          ['2027-10-31T00:30:00Z', true],
          ['2027-10-31T01:00:00Z', false],
          ['2027-10-31T01:30:00Z', true],
          ['2027-10-31T02:30:00Z', false],
        ],
      ],
      [
        'on a day that begins elsewhere at another time',
        SUNDAY,
        [
          ['2027-01-16T22:59:58Z', false],
          ['2027-01-16T23:00:00Z', true],
          ['2027-01-17T23:00:00Z', false],
        ],
      ],
    ] as const)
      it(title, async () => {
        const { fresh } = await enrolledUnder({ default: 'never', rules: [when(condition, ASK)] })
        for (const [time, asks] of rows) {
          stage.clock.set(at(time))
          assert.equal((await visit(await fresh())).seen.includes(CHALLENGE), asks, time)
        }
      })

    it('and by the days since something was proved', async () => {
      const { fresh } = await enrolledUnder({
        default: 'never',
        rules: [when(daysSinceFactor(1), { ...ASK, maxAgeSeconds: 86_400 })],
      })
      const bob = await fresh()
      assert.deepEqual((await visit(bob)).seen, [LOGIN, CHALLENGE])
      assert.deepEqual((await visit(bob)).seen, [])
      stage.clock.advance(2 * 86_400)
      assert.deepEqual((await visit(bob)).seen, [CHALLENGE])
    })
  })

  it('by client, scope and place, each to the end', async () => {
    const rules: readonly Rule[] = [
      when(client('bank'), ASK),
      when(scope('offline_access'), ASK),
      when(all(known('location'), country('KP')), { refuse: 'embargo' }),
    ]
    const { host, fresh } = await enrolledUnder({ default: 'never', rules })
    const bank = await createRelyingParty(host, clientCalled('bank'))
    assert.deepEqual((await visit(await fresh())).seen, [LOGIN])
    assert.deepEqual((await visit(await fresh(), {}, { rp: bank })).seen, [LOGIN, CHALLENGE])
    stage.clock.advance(60)
    const offline = { scope: 'openid offline_access', prompt: 'consent' }
    assert.deepEqual((await visit(await fresh(VIENNA), offline)).seen.slice(0, 2), [LOGIN, CHALLENGE])
    for (const parameters of [{}, ESSENTIAL, VOLUNTARY]) {
      const { seen, error } = await visit(await fresh(PYONGYANG), parameters)
      assert.deepEqual([seen, error], [[LOGIN], 'access_denied'])
    }
  })

  it('a session that is there already is judged anew by where it is now', async () => {
    const { fresh } = await enrolledUnder({ default: 'never', rules: [when(not(country('DE')), ASK)] })
    const bob = await fresh()
    assert.deepEqual((await visit(bob)).seen, [LOGIN])
    bob.from(VIENNA)
    assert.equal((await visit(bob, { prompt: 'none' })).error, 'interaction_required')
    assert.deepEqual((await visit(bob)).seen, [CHALLENGE])
    bob.from(PYONGYANG)
    assert.deepEqual((await visit(bob, { prompt: 'none' })).seen, [])
  })

  describe('an exemption', () => {
    const OFFICE = when(ipRange(`${BERLIN}/32`), { exempt: true })
    it('lifts the default, never tables nor what the relying party asks', async () => {
      const policy: Policy = { default: 'always', rules: [OFFICE], scopes: { offline_access: ASK } }
      const { host, fresh } = await enrolledUnder(policy)
      const heard = listening(host)
      assert.deepEqual((await visit(await fresh(VIENNA))).seen, [LOGIN, CHALLENGE])
      const exempt = await visit(await fresh())
      assert.deepEqual(exempt.seen, [LOGIN])
      const { acr, amr } = await exempt.redeem()
      assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
      assert.deepEqual(
        heard.at(-1)?.trace.policy?.rules.map(({ demand }) => demand),
        [{ exempt: true }],
      )
      for (const parameters of [VOLUNTARY, ESSENTIAL, { scope: 'openid offline_access', prompt: 'consent' }]) {
        stage.clock.advance(60)
        assert.deepEqual((await visit(await fresh(), parameters)).seen.slice(0, 2), [LOGIN, CHALLENGE])
      }
    })

    it('takes back only what stands before it, and no refusal', async () => {
      for (const [rules, seen, error] of [
        [[always(ASK), OFFICE], [LOGIN], undefined],
        [[OFFICE, always(ASK)], [LOGIN, CHALLENGE], undefined],
        [[always({ refuse: 'closed' }), OFFICE], [LOGIN], 'access_denied'],
      ] as const) {
        const on = { yes: false }
        const held = rules.map(
          (rule): Rule => ({
            ...(rule as Rule),
            demand: (facts) => (on.yes ? (rule as Rule).demand(facts) : undefined),
          }),
        )
        const { fresh } = await enrolledUnder({ default: 'never', rules: held })
        on.yes = true
        const came = await visit(await fresh())
        assert.deepEqual([came.seen, came.error], [seen, error])
      }
    })
  })

  it('what is on trial has no effect, and stands in the trace', async () => {
    const trial: Rule = always({ refuse: 'closed' }, { name: 'closed', reportOnly: true })
    const seen: Rule = when(known('now'), { floor: SINGLE_FACTOR }, { name: 'seen' })
    for (const policy of [
      { default: 'never', rules: [seen, trial] },
      {
        default: 'never',
        rules: [seen],
        reportOnly: { default: 'never', rules: [always({ refuse: 'closed' }, { name: 'closed' })] },
      },
    ] as const) {
      const host = await under(policy)
      const heard = listening(host)
      const bob = await traveler(host)
      const { error, redeem } = await visit(bob)
      assert.equal(error, undefined)
      assert.equal((await redeem()).acr, SINGLE_FACTOR)
      const [decision] = heard
      const { rules, reportOnly } = decision?.trace.policy ?? {}
      assert.equal(decision?.outcome, 'satisfied')
      assert.ok(reportOnly !== undefined && 'outcome' in reportOnly)
      assert.deepEqual(
        [reportOnly.outcome, reportOnly.error, reportOnly.reason],
        ['refuse', 'access_denied', 'refused-by-rule'],
      )
      assert.ok(rules?.some(({ rule }) => rule === 'seen'))
      assert.ok(reportOnly.rules.some(({ rule }) => rule === 'closed'))
      assert.equal((await visit(bob, { prompt: 'none' })).error, undefined)
    }
  })

  describe('enrollment by ticket', () => {
    const TICKET: Policy = { default: 'never', rules: [when(client('bank'), { ...ASK, enrollment: 'ticket' })] }
    it('closes every way to set something up on the password', async () => {
      const host = await under(TICKET, { offers: true })
      const bank = await createRelyingParty(host, clientCalled('bank'))
      const carol = await traveler(host, 'carol')
      for (const parameters of [{}, ESSENTIAL, VOLUNTARY]) {
        carol.browser.clear()
        const { url } = await bank.request(parameters)
        const page = await signIn(carol.browser, await carol.browser.get(url), 'carol')
        assert.equal(page.heading, UNREACHABLE)
        const here = page.url.pathname
        // An enrolment that is open in the same browser, at a client that asks for none.
        const other = await carol.go(ESSENTIAL)
        assert.equal(other.page.heading, ENROLL)
        const code = codeAt(secretOn(other.page))
        for (const csrf of [page.csrf, other.page.csrf])
          for (const action of [here, `${here}/totp`, `${here}/totp/enroll`])
            await carol.browser.send(action, { form: { csrf, code }, follow: false })
        assert.deepEqual((await host.mfa.accounts.list('carol')).authenticators, [])
        assert.equal((await carol.browser.get(`${here}/totp`)).heading, UNREACHABLE)
      }
    })

    it('and a refusal, or an exemption after it, opens none', async () => {
      const rules = [...(TICKET.rules ?? []), always({ exempt: true })]
      const host = await under({ default: 'never', rules })
      const bank = await createRelyingParty(host, clientCalled('bank'))
      const carol = await traveler(host, 'carol')
      assert.deepEqual((await visit(carol, {}, { rp: bank, login: 'carol' })).seen, [LOGIN])
      assert.deepEqual((await visit(carol, ESSENTIAL, { rp: bank })).seen, [UNREACHABLE])
    })
  })

  describe('facts', () => {
    const ORDINARY = [/neighbors/, /history/]
    it('are fetched where a rule reads them, and nowhere else', async () => {
      const called: string[] = []
      const geo = atlas()
      const { store, done } = counting()
      const facts = {
        payroll: () => void called.push('payroll'),
        location: () => void called.push('location'),
      } as never
      const host = await under({ default: 'never', facts, rules: [when(client('bank'), ASK)] }, { geo, store })
      const bank = await createRelyingParty(host, clientCalled('bank'))
      assert.deepEqual((await visit(await traveler(host), {}, { rp: bank })).seen, [LOGIN, ENROLL])
      assert.deepEqual([called, geo.asked], [[], []])
      const kinds = done()
      for (const kind of ORDINARY) assert.ok(!kinds.some((one) => kind.test(one)), kinds.join())
    })

    it('and each once in a request', async () => {
      const called: string[] = []
      const facts = { payroll: () => void called.push('payroll') } as never
      const reading: Rule = { reads: ['payroll' as never], demand: () => undefined }
      const host = await under({ default: 'never', facts, rules: [reading, reading, { ...reading, reportOnly: true }] })
      const bob = await traveler(host)
      await visit(bob)
      called.length = 0
      await visit(bob, { prompt: 'none' })
      assert.deepEqual(called, ['payroll'])
    })

    it('cost a silent sign-in nothing where there are no rules', async () => {
      const silent = async (policy: Policy) => {
        const { store, done } = counting()
        const host = await under(policy, { store })
        const bob = await traveler(host)
        await visit(bob)
        done()
        assert.ok(isAnswer((await visit(bob, { prompt: 'none' })).page))
        return done()
      }
      // As many as there were when no policy could read a fact: the ledger.
      const plain = await silent({ default: 'never' })
      assert.deepEqual(plain, ['get ledger'])
      assert.deepEqual(await silent({ default: 'never', rules: [when(client('bank'), ASK)] }), plain)
    })
  })
})
