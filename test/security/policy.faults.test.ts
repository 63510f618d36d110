import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { maxmind } from '../../src/geo/maxmind.ts'
import type { Geo, Policy } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { country, type Demand, type FactRequest, not, type Rule, when } from '../../src/policy/index.ts'
import type { Assessor } from '../../src/risk/index.ts'
import { BERLIN, traveler, VIENNA } from '../journeys/policy-stage.ts'
import { ENROLL, LOGIN, open, useStage, visit } from '../journeys/stage.ts'
import type { HostOptions } from '../support/host.ts'
import { writeMmdb } from '../support/mmdb.ts'
import { isAnswer, signIn } from '../support/relying-party.ts'

const never = () => new Promise<never>(() => undefined)
const boom = () => {
  throw new Error('boom')
}
const reject = async () => boom()

/** What a function of the host's may do instead of answering; each is asked with `unknown` and never comes right. */
const BAD: readonly (readonly [title: string, source: () => unknown])[] = [
  ['hangs', never],
  ['throws', boom],
  ['rejects', reject],
  ['throws nothing', () => Promise.reject(undefined)],
  ...['DE', 42, true, null, [], {}, { country: 'de' }, { country: ['DE'] }, { country: null }].map(
    (nonsense) => [`answers ${JSON.stringify(nonsense)}`, () => nonsense] as const,
  ),
]

/** Longer than the deadline, and shorter than twice. */
const PATIENCE_MILLISECONDS = 3500
/** What fails at once leaves its deadline behind, which is over as soon as that of what hangs. */
const LEEWAY_MILLISECONDS = 200

/** What nobody has caught while that went on; alone it would end the process. */
const uncaughtIn = async (work: () => Promise<unknown>, milliseconds = 0): Promise<readonly unknown[]> => {
  const others = process.listeners('unhandledRejection')
  const found: unknown[] = []
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (fault) => found.push(fault))
  try {
    await work()
    // What a deadline leaves behind comes when it is over.
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const other of others) process.on('unhandledRejection', other)
  }
  return found
}

type Cases = readonly (readonly [title: string, work: () => unknown])[]

/** What the case does that a browser's name tells: `case 3`. */
const caseOf = (cases: Cases, userAgent: string | undefined) => cases[Number(userAgent?.slice(5))]?.[1]()

describe('security: policy, where something fails', () => {
  const stage = useStage()

  /** Signs in once for each case, all at the same time, and tells what came after the login. */
  const eachAfterLogin = async (options: HostOptions, cases: Cases) => {
    const host = await stage.host(options)
    const all = cases.map(async ([title], index) => {
      const bob = await traveler(host, 'bob', `81.2.69.${index}`)
      bob.headers['user-agent'] = `case ${index}`
      const { page } = await open(bob)
      const begun = performance.now()
      const next = await signIn(bob.browser, page, 'bob')
      const took = performance.now() - begun
      assert.ok(took < PATIENCE_MILLISECONDS, `${title}: ${took} ms`)
      return { title, bob, next }
    })
    return { host, all: await Promise.all(all) }
  }

  const EXEMPT: Policy = { default: 'always', rules: [when(country('DE'), { exempt: true })] }
  const FLOOR: Policy = { default: 'never', rules: [when(not(country('DE')), { floor: MULTI_FACTOR })] }

  const ODD: Cases = [
    ...BAD,
    ...['certain', undefined, 3].map((confidence) => [`is ${confidence}`, () => ({ confidence, code: 'x' })] as const),
  ]
  const sure: Assessor<never> = { name: 'Sure', reads: [], assess: () => ({ confidence: 'high', code: 'sure' }) }
  const failing = {
    name: 'Failing',
    reads: ['userAgent'],
    assess: ({ userAgent }: { userAgent: string }) => caseOf(ODD, userAgent),
  } as unknown as Assessor

  it('F-19: what fails, hangs or tells nonsense is not known, or low confidence, in time, and nobody dies of it', async () => {
    const facts = { location: ({ header }: FactRequest) => caseOf(BAD, header('user-agent')) }
    const geo = { locate: (address: string) => caseOf(BAD, `case ${address.split('.').at(-1)}`) } as Geo
    const outcomeAt = async (stepUp: HostOptions['stepUp'] & object, cases: Cases) =>
      (await eachAfterLogin({ stepUp }, cases)).all.map(({ title, next }) => [
        title,
        next.url.searchParams.get('error') ?? next.heading,
      ])
    const uncaught = await uncaughtIn(async () => {
      const [byFact, byPlace, byRisk] = await Promise.all([
        outcomeAt({ policy: { ...EXEMPT, facts: facts as never } }, BAD),
        outcomeAt({ policy: FLOOR, geo, trustedProxies: ['loopback'] }, BAD),
        outcomeAt({ policy: { default: 'adaptive' }, risk: [sure, failing] }, ODD),
      ])
      for (const [title, outcome] of [...byFact, ...byPlace]) assert.equal(outcome, ENROLL, title)
      for (const [title, outcome] of byRisk) assert.equal(outcome, 'access_denied', title)
    }, LEEWAY_MILLISECONDS)
    assert.deepEqual(uncaught, [])
  })

  const nonsense = [null, false, '', 'exempt', [1], { floor: 'urn:example:none' }, { exempt: true, refuse: 'x' }]
  const RULES: Cases = [
    ['throws', boom],
    ['throws nothing', () => assert.fail(undefined as never)],
    ['answers a promise', async () => undefined],
    ...nonsense.map((one) => [`answers ${JSON.stringify(one)}`, () => one] as const),
  ]
  const ruleOf = (cases: Cases, reportOnly = false): Rule<'userAgent'> => ({
    reads: ['userAgent'],
    demand: ({ userAgent }) => caseOf(cases, userAgent) as Demand | undefined,
    reportOnly,
  })

  it('F-19: a rule that fails lets nobody pass, silently neither, and tells nobody why', async () => {
    const policy: Policy = { default: 'never', rules: [ruleOf(RULES)] }
    const { host, all } = await eachAfterLogin({ stepUp: { policy } }, RULES)
    for (const { title, bob, next } of all)
      for (const { status, text } of [next, (await visit(bob, { prompt: 'none' })).page]) {
        assert.equal(status, 500, title)
        assert.match(text, /server_error/)
        assert.doesNotMatch(text, /boom|demand|a rule/)
      }
    assert.equal(host.errors.splice(0).length, 2 * RULES.length)
  })

  for (const [title, isOnTrial] of [
    ['lets nobody pass', false],
    ['has no effect on trial', true],
  ] as const)
    it(`F-19: a rule whose promise rejects ${title}, and ends no process`, async () => {
      const cases: Cases = [['rejects', reject]]
      const policy: Policy = { default: 'never', rules: [ruleOf(cases, isOnTrial)] }
      const uncaught = await uncaughtIn(async () => {
        const { host, all } = await eachAfterLogin({ stepUp: { policy } }, cases)
        assert.equal(all[0]?.next.url.searchParams.has('code'), isOnTrial)
        host.errors.length = 0
      })
      assert.deepEqual(uncaught, [])
    })

  it('F-19: a rule on trial that fails has no effect', async () => {
    const policy: Policy = { default: 'never', rules: [ruleOf(RULES, true)] }
    for (const { title, next } of (await eachAfterLogin({ stepUp: { policy } }, RULES)).all)
      assert.ok(next.url.searchParams.has('code'), title)
  })

  describe('the file of places', () => {
    let folder: string
    let file: string
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'places-'))
      file = join(folder, 'places.mmdb')
    })
    afterEach(() => rm(folder, { recursive: true }))

    const inCountry = (code: string) => writeMmdb({ [`${BERLIN}/32`]: { country: { iso_code: code } } })

    /** Whether Berlin counts as known and within Germany: then nothing is asked there. */
    const opened = async () => {
      const geo = maxmind({ files: [file] })
      const host = await stage.host({ stepUp: { policy: EXEMPT, geo, trustedProxies: ['loopback'] } })
      return {
        geo,
        seen: async (address: string = BERLIN) => {
          const bob = await traveler(host, 'bob', address)
          const { page } = await open(bob)
          const next = await signIn(bob.browser, page, 'bob')
          return isAnswer(next) ? [LOGIN] : [LOGIN, next.heading]
        },
      }
    }

    for (const [title, content] of [
      ['is missing', undefined],
      ['is empty', Buffer.alloc(0)],
      ['is none', Buffer.from('<html>moved</html>')],
      ['is cut off', inCountry('DE').subarray(0, -20)],
    ] as const)
      it(`AC-73: where it ${title}, places are not known, until it is there`, async () => {
        if (content !== undefined) await writeFile(file, content)
        const { geo, seen } = await opened()
        assert.deepEqual(await seen(), [LOGIN, ENROLL])
        await writeFile(file, inCountry('DE'))
        await geo.refresh()
        assert.deepEqual(await seen(), [LOGIN])
        assert.deepEqual(await seen(VIENNA), [LOGIN, ENROLL])
      })

    it('F-20: of two sign-ins the second goes by the new file once that is sound, and by the old one before', async () => {
      await writeFile(file, inCountry('DE'))
      const { geo, seen } = await opened()
      assert.deepEqual(await seen(), [LOGIN])
      for (const damaged of [inCountry('AT').subarray(0, 30), inCountry('AT').subarray(0, -9), Buffer.alloc(0)]) {
        await writeFile(file, damaged)
        await geo.refresh()
        assert.deepEqual(await seen(), [LOGIN])
      }
      await rm(file)
      await geo.refresh()
      assert.deepEqual(await seen(), [LOGIN])
      await writeFile(file, inCountry('AT'))
      await geo.refresh()
      assert.deepEqual(await seen(), [LOGIN, ENROLL])
    })
  })
})
