import assert from 'node:assert/strict'
import type { Auth0Options } from '../../src/auth0/index.ts'
import type { Demand } from '../../src/policy/rule.ts'
import {
  asking,
  byRole,
  EVERY_TIME,
  EXEMPT,
  FACTS,
  judged,
  type Legacy,
  type Loose,
  MORE,
  type Otherwise,
  ruleOf,
  upstream,
} from './setting.ts'

const selectedApplications: Legacy = (user, context, callback) => {
  const clients = ['bank', 'vault']
  if (clients.indexOf(context.clientID) !== -1) {
    context.multifactor = { provider: 'any', allowRememberBrowser: false }
  }
  callback(null, user, context)
}

const outsideTheOffice: Legacy = (user, context, callback) => {
  if (!context.request.ip.startsWith('192.0.2.')) context.multifactor = asking
  return callback(null, user, context)
}

const PAPE = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

const steppingUp: Legacy = (user, context, callback) => {
  const methods = context.authentication?.methods ?? []
  const isAsked = context.request.query.acr_values === PAPE
  if (isAsked && !methods.some((method: Loose) => method.name === 'mfa')) context.multifactor = asking
  callback(null, user, context)
}

const oncePerSession: Legacy = async (user, context, callback) => {
  const done = context.authentication.methods.find((method: Loose) => method.name === 'mfa')
  if (!done) context.multifactor = { provider: 'any' }
  callback(null, user, context)
}

const adaptive: Legacy = (user, context, callback) => {
  const { riskAssessment } = context
  if (riskAssessment && riskAssessment.confidence === 'low') context.multifactor = { provider: 'any' }
  callback(null, user, context)
}

const fence: Legacy = (user, context, callback) => {
  const home = user.user_metadata.country
  if (context.request.geoip.country_code !== home) context.multifactor = asking
  callback(null, user, context)
}

const mustEnroll: Legacy = (user, context, callback) => {
  if (!user.multifactor || user.multifactor.length === 0) context.multifactor = { provider: 'any' }
  callback(null, user, context)
}

const federated: Legacy = (user, context, callback) => {
  if (context.connectionStrategy === 'auth0') context.multifactor = { provider: 'any' }
  else context.multifactor = { provider: 'none' }
  callback(null, user, context)
}

const abroad = { location: { country: 'US' } }

type Row = readonly [
  title: string,
  rule: Legacy,
  expected: Demand | undefined,
  otherwise?: Otherwise,
  options?: Auth0Options,
]

const TEMPLATES: readonly Row[] = [
  ['a selected application', selectedApplications, EVERY_TIME],
  ['another application', selectedApplications, undefined, { client: { id: 'shop' } }],
  ['inside an address range', outsideTheOffice, undefined],
  ['outside an address range', outsideTheOffice, EVERY_TIME, { address: '198.51.100.1' }],
  ['a step-up that the relying party is owed anyway', steppingUp, undefined],
  ['once in a session, not yet', oncePerSession, MORE],
  ['once in a session, done', oncePerSession, undefined, { lastFactorAt: 1_800_000_100 }],
  ['low confidence', adaptive, MORE, {}, { reads: ['risk'] }],
  ['high confidence', adaptive, undefined, { risk: { ...FACTS.risk, confidence: 'high' } }, { reads: ['risk'] }],
  ['inside a fence', fence, undefined, {}, { reads: ['location'] }],
  ['outside a fence', fence, EVERY_TIME, abroad, { reads: ['location'] }],
  ['a role', byRole, MORE],
  ['another role', byRole, undefined, { account: { id: 'a', label: 'a', metadata: { roles: [] } } }],
  [
    'groups where there are no roles',
    byRole,
    MORE,
    { account: { id: 'a', label: 'a', metadata: { groups: ['admin'] } } },
  ],
  ['nothing enrolled', mustEnroll, MORE, { enrolled: [] }],
  ['nothing but recovery codes', mustEnroll, MORE, { enrolled: ['recovery-codes'] }],
  ['something enrolled', mustEnroll, undefined],
  ['a local login', federated, MORE],
  ['a federated login', federated, EXEMPT, { login: upstream }],
]

/** Not known is never a reason to ask for less. */
const NOT_KNOWN: readonly Row[] = [
  [
    'an address, which breaks the rule',
    outsideTheOffice,
    { refuse: "TypeError: Cannot read properties of undefined (reading 'startsWith')" },
    { address: undefined },
  ],
  ['confidence', adaptive, EVERY_TIME, { risk: undefined }, { reads: ['risk'] }],
  ['a place', fence, EVERY_TIME, { location: undefined }, { reads: ['location'] }],
  ['the country of a place', fence, EVERY_TIME, { location: { city: 'Berlin' } }, { reads: ['location'] }],
  ['roles', byRole, EVERY_TIME, { account: { id: 'a', label: 'a' } }],
  [
    'logins so far',
    (user, context, callback) => callback(context.stats.loginsCount > 100 ? 'no' : null, user, context),
    EVERY_TIME,
  ],
  [
    'an exemption by what is not known',
    (user, context, callback) => {
      if (context.request.userAgent !== 'Bad/1') context.multifactor = { provider: 'none' }
      callback(null, user, context)
    },
    EVERY_TIME,
    { userAgent: undefined },
  ],
  [
    'what the rule has copied',
    (user, context, callback) => {
      const { request } = JSON.parse(
        JSON.stringify({ request: { ...context.request, geoip: { ...context.request.geoip } } }),
      )
      callback(request.geoip.country_code === 'KP' ? new Error('no') : null, user, context)
    },
    EVERY_TIME,
    { location: {} },
    { reads: ['location'] },
  ],
]

describe('auth0/rule as tenants have it', () => {
  for (const [title, rule, expected, otherwise, options] of TEMPLATES)
    it(`runs what was written for Auth0: ${title}`, async () =>
      assert.deepEqual(await judged(ruleOf(rule, options), otherwise), { demand: expected, because: undefined }))

  for (const [title, rule, expected, otherwise, options] of NOT_KNOWN)
    it(`AC-37: asks no less where something is not known: ${title}`, async () => {
      const { demand, because } = await judged(ruleOf(rule, options), otherwise)
      assert.deepEqual(demand, expected)
      if (demand?.refuse === undefined) assert.match(because ?? '', /^looked at what is not known: context\./)
    })
})
