import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Question } from '../src/explain/question.ts'
import { totp } from '../src/factors/totp.ts'
import { type Decision, MULTI_FACTOR, type StepUpOptions, stepUp } from '../src/index.ts'
import {
  all,
  changedLocation,
  client,
  confidenceAtMost,
  country,
  ipRange,
  known,
  newDevice,
  not,
  scope,
  when,
} from '../src/policy/index.ts'
import { newDevice as assessDevice, velocity } from '../src/risk/index.ts'
import { memoryStore } from '../src/store/memory.ts'
import {
  atlas,
  BERLIN,
  clientCalled,
  listening,
  PYONGYANG,
  type Traveler,
  traveler,
  VIENNA,
} from './journeys/policy-stage.ts'
import { acrClaim, ENROLL, LOGIN, useStage } from './journeys/stage.ts'
import type { Page } from './support/browser.ts'
import type { Host } from './support/host.ts'
import { createRelyingParty, errorOf, isAnswer } from './support/relying-party.ts'

const KEY = Buffer.alloc(32, 7).toString('base64url')
const OLDER = Buffer.alloc(32, 8).toString('base64url')

/** A client that asks for a level where its request does not. */
const VAULT = { ...clientCalled('vault'), default_acr_values: ['phr'], default_max_age: 900 }

/** Rules of every sort, none of which changes from one question to the next. */
const RULES: NonNullable<NonNullable<StepUpOptions['policy']>['rules']> = [
  when(country('AT'), { floor: MULTI_FACTOR, maxAgeSeconds: 120 }, { name: 'Austria' }),
  when(all(client('bank'), not(ipRange('81.2.69.10'))), { maxAgeSeconds: 600 }, { name: 'bank elsewhere' }),
  when(ipRange('81.2.69.10'), { exempt: true }, { name: 'office' }),
  when(all(known('location'), country('KP')), { refuse: 'an embargo' }, { name: 'embargo' }),
  when(scope('profile'), { factors: ['totp'], allowRememberBrowser: false }, { name: 'profile' }),
  when(newDevice(), { enrollment: 'required' }, { name: 'new browser' }),
  when(confidenceAtMost('medium'), { maxAgeSeconds: 3600 }, { name: 'doubt' }),
  when(changedLocation('country'), { floor: MULTI_FACTOR }, { name: 'moved', reportOnly: true }),
]

const GUARDED: Partial<StepUpOptions> = {
  factors: [totp({ issuer: 'Test' })],
  policy: { default: 'never', clients: { bank: { floor: MULTI_FACTOR } }, rules: RULES },
  risk: [assessDevice(), velocity()],
  geo: atlas(),
  trustedProxies: ['loopback'],
}

/** What is the same however many seconds lie between two decisions. */
const timeless = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (name, one) => (['at', 'authTime', 'now', 'login', 'lastFactorAt'].includes(name) ? 0 : one)),
  )

interface Asked {
  readonly account: 'alice' | 'bob' | 'carol'
  readonly client: 'app' | 'bank' | 'vault'
  readonly acr: readonly string[]
  readonly essential: boolean
  readonly scopes: readonly string[]
  readonly address: string
  readonly maxAgeSeconds: number | undefined
  readonly prompt: 'none' | 'login' | undefined
}

const ACRS = ['urn:oidc-step-up:acr:1fa', MULTI_FACTOR, 'phr', 'urn:nobody:knows']

const ASKED: fc.Arbitrary<Asked> = fc.record({
  account: fc.constantFrom('alice', 'bob', 'carol'),
  client: fc.constantFrom('app', 'bank', 'vault'),
  acr: fc.uniqueArray(fc.constantFrom(...ACRS), { maxLength: 2 }),
  essential: fc.boolean(),
  scopes: fc.constantFrom(['openid'], ['openid', 'profile']),
  address: fc.constantFrom(BERLIN, VIENNA, PYONGYANG, '192.0.2.7'),
  maxAgeSeconds: fc.constantFrom(undefined, 0, 60, 7200),
  prompt: fc.constantFrom(undefined, 'login'),
})

const isEssential = ({ essential, acr }: Asked) => essential && acr.length > 0

const parametersOf = (asked: Asked): Record<string, string> => {
  const { acr, scopes, maxAgeSeconds, prompt } = asked
  return {
    scope: scopes.join(' '),
    ...(isEssential(asked) ? { claims: acrClaim({ essential: true, values: acr }) } : {}),
    ...(acr.length > 0 && !isEssential(asked) ? { acr_values: acr.join(' ') } : {}),
    ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
    ...(prompt === undefined ? {} : { prompt }),
  }
}

const questionOf = (asked: Asked, more: Partial<Question> = {}): Question => {
  const { account, client: clientId, acr, scopes, address, maxAgeSeconds, prompt } = asked
  return {
    accountId: account,
    clientId,
    scopes,
    address,
    userAgent: 'Kiosk/1.0',
    ...(acr.length === 0 ? {} : { acrValues: acr }),
    essential: isEssential(asked),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(prompt === undefined ? {} : { prompt }),
    ...more,
  }
}

/** What a browser sees of an outcome. */
const seenAs = (page: Page) => {
  if (isAnswer(page)) return errorOf(page) ?? 'satisfied'
  if (page.heading === LOGIN) return 'login'
  return page.heading === ENROLL ? 'enroll' : 'challenge'
}

/** oidc-provider looks first whether a login is asked for, and has its own word for one that it cannot ask for. */
const shownFor = ({ prompt, maxAgeSeconds, evidence }: Question, decision: Decision) => {
  const said = decision.outcome === 'refuse' ? decision.error : decision.outcome
  if (prompt === 'none' && said === 'login') return 'login_required'
  const isLoginFirst = evidence !== undefined && maxAgeSeconds === 0 && decision.trace.reason !== 'acr-unknown'
  return isLoginFirst ? 'login' : said
}

describe('explain', () => {
  const stage = useStage()

  const guardedHost = () => {
    const clients = [...['app', 'bank'].map(clientCalled), VAULT]
    const claims = { openid: ['sub'], profile: ['name'] }
    return stage.host({ stepUp: GUARDED, clients, configuration: { claims } })
  }

  const withApp = async (host: Host, login = 'alice'): Promise<Traveler> => {
    const person = await traveler(host, login, '192.0.2.99')
    const { page } = await person.go({ claims: acrClaim({ essential: true, value: MULTI_FACTOR }) })
    assert.equal(page.heading, ENROLL)
    assert.ok(isAnswer(await person.enroll(page)))
    return person
  }

  /** Compares what was explained with the page that came and, where one was made, the decision. */
  const compare = async (host: Host, question: Question, come: () => Promise<Page>) => {
    const heard = listening(host)
    const { decision } = await host.mfa.explain(question)
    assert.deepEqual(heard, [])
    const page = await come()
    assert.equal(seenAs(page), shownFor(question, decision))
    const made = heard.at(-1)
    if (made !== undefined) assert.deepEqual(timeless(decision), timeless(made))
    return made !== undefined
  }

  const parties = async (host: Host) =>
    new Map(
      await Promise.all(
        ['app', 'bank', 'vault'].map(async (id) => [id, await createRelyingParty(host, clientCalled(id))] as const),
      ),
    )

  it('says of a sign-in what that sign-in comes to', async () => {
    const host = await guardedHost()
    await withApp(host)
    host.accounts.set('carol', { id: 'carol', label: 'carol', disabled: true, tenant: 'acme' })
    const rps = await parties(host)
    let made = 0
    const property = fc.asyncProperty(ASKED, async (asked) => {
      const headers = { 'user-agent': 'Kiosk/1.0', 'x-forwarded-for': asked.address }
      const browser = host.browser()
      const isMade = await compare(host, questionOf(asked), async () => {
        const { url } = (await rps.get(asked.client)?.request(parametersOf(asked))) ?? assert.fail()
        const page = await browser.send(url, { headers })
        return page.heading === LOGIN ? browser.send(page.action, { headers, form: { login: asked.account } }) : page
      })
      made += Number(isMade)
    })
    await fc.assert(property, { numRuns: 25 })
    assert.ok(made > 10, `${made} decisions`)
  })

  it('says of a session what its next request comes to', async () => {
    const host = await guardedHost()
    const { browser } = await withApp(host)
    const rps = await parties(host)
    stage.clock.advance(400)
    const evidence = ['login', 'totp'].map((factor) => ({ factor, secondsAgo: 400 }))
    const property = fc.asyncProperty(ASKED, async (drawn) => {
      const asked: Asked = { ...drawn, account: 'alice', prompt: drawn.maxAgeSeconds === 0 ? undefined : 'none' }
      const { url } = (await rps.get(asked.client)?.request(parametersOf(asked))) ?? assert.fail()
      // The browser has the cookie of one that is known.
      const headers = { 'user-agent': 'Kiosk/1.0', 'x-forwarded-for': asked.address }
      const question = questionOf(asked, { evidence, device: 'known' })
      await compare(host, question, () => browser.clone().send(url, { headers }))
    })
    await fc.assert(property, { numRuns: 25 })
  })

  it('writes nothing, counts nobody and announces nothing', async () => {
    const writes: string[] = []
    const real = memoryStore()
    const watched = (name: 'put' | 'take' | 'delete' | 'save' | 'claim' | 'release') =>
      ((...given: never[]) => {
        writes.push(name)
        return (real[name] as (...all: never[]) => unknown)(...given)
      }) as never
    const names = ['put', 'take', 'delete', 'save', 'claim', 'release'] as const
    const store = { ...real, ...Object.fromEntries(names.map((name) => [name, watched(name)])) }
    const host = await stage.host({ stepUp: { ...GUARDED, store, sealingKeys: [OLDER] } })
    await withApp(host)
    const events: string[] = []
    const mfa = stepUp({
      factors: [],
      ...GUARDED,
      account: (id) => host.accounts.get(id),
      store,
      sealingKeys: [KEY, OLDER],
    })
    mfa.events.on('authorization.decided', () => void events.push('decided'))
    writes.splice(0)
    const explained = await mfa.explain({ accountId: 'alice', clientId: 'app', address: VIENNA, remembered: true })
    assert.equal(explained.account.factors[0]?.enrolled, 1)
    assert.deepEqual([writes, events], [[], []])
  })
})
