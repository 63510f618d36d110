import assert from 'node:assert/strict'
import type { Question } from '../src/explain/question.ts'
import { totp } from '../src/factors/totp.ts'
import { webauthn } from '../src/factors/webauthn.ts'
import { MULTI_FACTOR, type StepUpOptions, stepUp } from '../src/index.ts'
import { all, always, type Rule, timeOfDay, weekday, when } from '../src/policy/index.ts'
import { memoryStore } from '../src/store/memory.ts'
import { acrClaim, ENROLL, useStage } from './journeys/stage.ts'
import { createJourney, isAnswer } from './support/relying-party.ts'

const KEY = Buffer.alloc(32, 7).toString('base64url')
const ALICE = { accountId: 'alice', clientId: 'app' }

/** A rule that reads what nobody has declared, as one in JavaScript may. */
const reading = (name: string, demand: (facts: Readonly<Record<string, unknown>>) => ReturnType<Rule['demand']>) =>
  ({ name, reads: [name], demand }) as unknown as Rule

describe('explain, question by question', () => {
  const stage = useStage()

  const PLAIN = {
    factors: [totp({ issuer: 'Test' }), webauthn({ relyingPartyName: 'Test' })],
    policy: { default: 'always' as const, facts: { payroll: () => 'open' } as object },
    sealingKeys: [KEY],
  }
  const plain = (options: Partial<StepUpOptions> = {}) => {
    const account = (id: string) => (id === 'alice' ? { id, label: 'SECRET', email: 'SECRET@example.com' } : undefined)
    return stepUp({ ...PLAIN, account, store: memoryStore(), ...options })
  }

  it('names what each level lacks, who owes it, and what could meet it', async () => {
    const { levels, account, decision, request } = await plain().explain({
      ...ALICE,
      acrValues: 'phr',
      essential: true,
    })
    assert.deepEqual(decision.outcome, 'enroll')
    assert.deepEqual(
      levels.map(({ acr, asked, floor, met, missing, closedBy }) => ({ acr, asked, floor, met, missing, closedBy })),
      [
        {
          acr: 'phr',
          asked: 'essential',
          floor: undefined,
          met: false,
          missing: { traits: ['phishing-resistant'] },
          closedBy: { has: [], toSetUp: ['webauthn'] },
        },
        {
          acr: MULTI_FACTOR,
          asked: undefined,
          floor: true,
          met: false,
          missing: { kinds: 1 },
          closedBy: { has: [], toSetUp: ['webauthn', 'totp'] },
        },
      ],
    )
    assert.deepEqual(account.factors[1], { factor: 'totp', enrolled: 0, implied: 0, usable: false })
    assert.deepEqual(request.scopes, ['openid'])
  })

  it('tells nothing of the account but what it has', async () => {
    const rules = [reading('account', () => ({ floor: MULTI_FACTOR }))]
    const explanation = await plain({ policy: { rules } }).explain(ALICE)
    assert.deepEqual(explanation.facts, { account: { tenant: null } })
    assert.doesNotMatch(JSON.stringify(explanation), /SECRET/)
    assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation)
  })

  it('takes facts, headers and the moment from the question', async () => {
    const timeZone = 'Europe/Berlin'
    const night = all(weekday(['sunday'], { timeZone }), timeOfDay({ from: '23:00', to: '00:00', timeZone }))
    const rules = [
      when(night, { floor: 'phr' }, { name: 'night' }),
      reading('payroll', ({ payroll }) => (payroll === 'closed' ? { refuse: 'closed' } : undefined)),
    ]
    const payroll = ({ header }: { header(name: string): string | undefined }) => header('X-Payroll')
    const { explain } = plain({ policy: { default: 'never', rules, facts: { payroll } as object } })
    const spoken = async (more: Partial<Question>) =>
      (await explain({ ...ALICE, ...more })).rules.map(({ rule }) => rule)
    const sundayNight = Date.parse('2026-11-22T23:30+01:00') / 1000
    assert.deepEqual(await spoken({ at: sundayNight }), ['night'])
    assert.deepEqual(await spoken({ at: sundayNight + 3600 }), [])
    assert.deepEqual(await spoken({ at: 0, headers: { 'x-payroll': 'closed' } }), ['payroll'])
    assert.deepEqual(await spoken({ at: 0, facts: { payroll: 'closed' } as object }), ['payroll'])
  })

  it('fails as a sign-in would where a rule fails', async () => {
    const rules = [{ reads: [], demand: () => assert.fail('broken') }]
    await assert.rejects(plain({ policy: { rules } }).explain(ALICE), { code: 'ERR_POLICY' })
  })

  const lifting = async (question: Partial<Question>) => {
    const host = await stage.host({ stepUp: { policy: { default: 'always' } } })
    const { go, enroll } = await createJourney(host, 'alice')
    const { page } = await go({ claims: acrClaim({ essential: true, value: MULTI_FACTOR }) })
    assert.equal(page.heading, ENROLL)
    assert.ok(isAnswer(await enroll(page)))
    return host.mfa.explain({ ...ALICE, ...question })
  }

  it('knows what a remembered browser lifts', async () => {
    const { decision, levels } = await lifting({ remembered: true })
    assert.deepEqual([decision.outcome, levels[0]?.met, levels[0]?.lifted], ['satisfied', false, 'remembered-browser'])
    assert.equal((await lifting({ remembered: true, prompt: 'login' })).decision.outcome, 'challenge')
  })

  const wrong: readonly (readonly [question: unknown, message: RegExp])[] = [
    [undefined, /^explain\(question\): .*allowed: an object/],
    [{ accountId: 'alice' }, /clientId: found nothing; allowed: a text/],
    [{ ...ALICE, acr: 'phr' }, /acr: found an unknown setting; allowed: only accountId, /],
    [{ ...ALICE, address: '1.2.3' }, /address: found "1\.2\.3"; allowed: an IP address/],
    [{ ...ALICE, at: 1.5 }, /at: found 1\.5; allowed: epoch seconds/],
    [{ ...ALICE, essential: true }, /essential: found true; allowed: that beside acrValues/],
    [{ ...ALICE, facts: { wages: 1 } }, /facts\.wages: found a fact that nobody knows; allowed: client, .*payroll/],
    [
      { ...ALICE, evidence: [{ factor: 'totp', secondsAgo: 1 }] },
      /evidence\[0\]\.factor: found "totp"; allowed: .*: login$/,
    ],
    [
      { ...ALICE, evidence: [{ factor: 'login' }] },
      /evidence\[0\]\.secondsAgo: found nothing; allowed: a whole number/,
    ],
    [{ ...ALICE, remembered: true }, /remembered: found true; allowed: that of an account that a factor can ask/],
    [{ ...ALICE, prompt: 'none', maxAgeSeconds: 0 }, /maxAgeSeconds: found 0 beside prompt "none"/],
  ]
  for (const [question, message] of wrong)
    it(`refuses a question with ${message.source.slice(0, 60)}`, async () => {
      await assert.rejects(plain().explain(question as Question), { code: 'ERR_CONFIG', message })
    })

  it('knows no account that the host does not, and no client that the provider does not', async () => {
    await assert.rejects(plain().explain({ ...ALICE, accountId: 'zed' }), { code: 'ERR_ACCOUNT' })
    assert.equal((await plain().explain({ ...ALICE, clientId: 'anybody' })).decision.outcome, 'enroll')
    const host = await stage.host()
    await assert.rejects(host.mfa.explain({ ...ALICE, clientId: 'anybody' }), {
      code: 'ERR_CONFIG',
      message: /clientId/,
    })
  })

  it('shows what is on trial beside what has effect', async () => {
    const rules = [always({ refuse: 'closed' }, { name: 'closing', reportOnly: true })]
    const { decision, rules: spoken, reportOnly } = await plain({ policy: { default: 'never', rules } }).explain(ALICE)
    assert.deepEqual([decision.outcome, spoken[0]?.reportOnly], ['satisfied', true])
    assert.deepEqual(reportOnly && 'outcome' in reportOnly && reportOnly.outcome, 'refuse')
  })
})
