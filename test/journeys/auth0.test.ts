import assert from 'node:assert/strict'
import { auth0Action, auth0Rule, auth0Rules } from '../../src/auth0/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { asking, type Legacy, saying } from '../auth0/setting.ts'
import { type Host, startHost } from '../support/host.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import { ENROLL } from './stage.ts'

const OUT = 'the relying party'
const UNREACHED = 'access_denied'

const onlyThisApp: Legacy = (user, context, callback) => {
  if (context.clientID === 'app') context.multifactor = asking
  setTimeout(() => callback(null, user, context), 1)
}

const steppingUp: Legacy = (user, context, callback) => {
  if (context.request.query.acr_values === MULTI_FACTOR) context.multifactor = asking
  callback(null, user, context)
}

const oncePerSession: Legacy = (user, context, callback) => {
  const isDone = context.authentication.methods.some(({ name }: { name: string }) => name === 'mfa')
  callback(null, user, isDone ? context : Object.assign(context, { multifactor: { provider: 'any' } }))
}

const failing: Legacy = (_user, _context, callback) => callback(new Error('Not today'))

const rules = (...all: Policy['rules'] & object): Policy => ({ default: 'never', rules: all })

/** Where somebody comes who has a password and nothing else. */
const ROWS: readonly (readonly [
  title: string,
  policy: Policy,
  expected: string,
  parameters?: Readonly<Record<string, string>>,
])[] = [
  ['asks', rules(auth0Rule(onlyThisApp)), ENROLL],
  ['asks nothing', rules(auth0Rule(steppingUp)), OUT],
  ['leaves to the relying party what that asks', rules(auth0Rule(steppingUp)), ENROLL, { acr_values: MULTI_FACTOR }],
  ['exempts', { default: 'always', rules: [auth0Rules([onlyThisApp, saying({ provider: 'none' })])] }, OUT],
  [
    'exempts from no table',
    { default: 'always', clients: { app: { floor: MULTI_FACTOR } }, rules: [auth0Rule(saying({ provider: 'none' }))] },
    ENROLL,
  ],
  [
    'exempts from nothing that is asked',
    rules(auth0Rule(saying({ provider: 'none' }))),
    ENROLL,
    { acr_values: MULTI_FACTOR },
  ],
  ['lets nobody pass', rules(auth0Rule(failing)), UNREACHED],
  ['is on trial', rules(auth0Rule(failing, { reportOnly: true })), OUT],
  ['denies', rules(auth0Action((_event, api) => api.access.deny('no'))), UNREACHED],
]

const withHost = async <Result>(policy: Policy, work: (host: Host) => Promise<Result>): Promise<Result> => {
  const host = await startHost({ stepUp: { policy } })
  try {
    return await work(host)
  } finally {
    await host.close()
    assert.deepEqual(host.errors, [])
  }
}

describe('rules of Auth0', () => {
  for (const [title, policy, expected, parameters] of ROWS)
    it(`AC-29: a rule that ${title}`, () =>
      withHost(policy, async (host) => {
        const { page } = await (await createJourney(host)).go(parameters)
        assert.equal(isAnswer(page) ? (errorOf(page) ?? OUT) : page.heading, expected)
      }))

  it('bring their facts along where a whole policy is on trial', () =>
    withHost({ default: 'never', reportOnly: rules(auth0Rule(onlyThisApp)) }, async (host) => {
      const outcomes: unknown[] = []
      host.mfa.events.on('authorization.decided', ({ decision }) => {
        const { reportOnly } = decision.trace.policy ?? {}
        outcomes.push([decision.outcome, reportOnly !== undefined && 'outcome' in reportOnly && reportOnly.outcome])
      })
      const { page } = await (await createJourney(host)).go()
      assert.ok(isAnswer(page))
      assert.deepEqual(outcomes.at(-1), ['satisfied', 'enroll'])
    }))

  it('are asked again once what they asked for is proved, and tell in the trace what they said', () =>
    withHost(rules(auth0Rule(oncePerSession)), async (host) => {
      const traces: unknown[] = []
      host.mfa.events.on('authorization.decided', ({ decision }) => {
        traces.push(decision.trace.policy?.rules.map(({ rule, demand }) => ({ rule, demand })))
      })
      const person = await createJourney(host)
      const { page, redeem } = await person.go()
      assert.equal(page.heading, ENROLL)
      const enrolled = await person.enroll(page)
      assert.equal((await redeem(enrolled.url)).acr, MULTI_FACTOR)
      assert.deepEqual(traces.at(0), [{ rule: 'oncePerSession', demand: { floor: MULTI_FACTOR } }])
      assert.deepEqual(traces.at(-1), [])
    }))
})
