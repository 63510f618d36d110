import assert from 'node:assert/strict'
import type { LoginProof, Proof } from '../../src/assurance/evidence.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR } from '../../src/index.ts'
import { upstream } from '../../src/policy/conditions/sign-in.ts'
import { when } from '../../src/policy/rule.ts'
import { type HostLogin, upstreamLogin } from '../../src/upstream.ts'
import { type Host, startHost } from '../support/host.ts'
import { createRelyingParty, errorOf, isAnswer } from '../support/relying-party.ts'
import { ENROLL } from './stage.ts'

const UNMET = 'unmet_authentication_requirements'
const REFEDS = 'https://refeds.org/profile/mfa'
const [ACCEPTED, HEARD, IGNORED, FLAGGED] = [
  'https://yes.example',
  'https://heard.example',
  'https://no.example',
  'https://x.example',
]

const TWO: Proof = { kinds: ['knowledge', 'possession'], traits: [], amr: ['fed'] }
const KEY: Proof = { kinds: ['possession', 'inherence'], traits: ['phishing-resistant'], amr: ['hwk'] }
const ONE: Proof = { kinds: ['knowledge'], traits: [], amr: ['pin'] }

const trusting = upstreamLogin({
  [ACCEPTED]: { trust: 'accept', acr: { [REFEDS]: TWO, strong: KEY, weak: ONE }, amr: { 'pwd otp': TWO, mfa: TWO } },
  [HEARD]: { trust: 'floor' },
  [IGNORED]: { trust: 'ignore' },
  [FLAGGED]: { trust: 'floor' },
})

/** The login page of the test host sends texts. */
const read = ({ upstream: said, ...login }: HostLogin): HostLogin =>
  said === undefined ? login : { ...login, upstream: JSON.parse(String(said)) }

interface Outcome {
  /** What the person sees, or the acr that the relying party gets. */
  readonly outcome: string
  readonly amr?: readonly string[] | undefined
}

const relyingParties = new WeakMap<Host, Awaited<ReturnType<typeof createRelyingParty>>>()

const signInBy = async (
  host: Host,
  said: unknown,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Outcome> => {
  relyingParties.set(host, relyingParties.get(host) ?? (await createRelyingParty(host)))
  const { url, redeem } = (await relyingParties.get(host)?.request(parameters)) ?? assert.fail()
  const browser = host.browser()
  const login = await browser.get(url)
  const form = { login: 'bob', ...(said === undefined ? {} : { upstream: JSON.stringify(said) }) }
  const page = await browser.send(login.action, { form })
  if (!isAnswer(page)) return { outcome: page.heading }
  const error = errorOf(page)
  if (error !== undefined) return { outcome: error }
  const { acr, amr } = await redeem(page.url)
  return { outcome: acr ?? 'no acr', amr }
}

type Row = readonly [title: string, said: unknown, expected: Outcome]

const owed: Outcome = { outcome: ENROLL }
const passes = (acr: string, ...amr: readonly string[]): Outcome => ({ outcome: acr, amr })

const AT_A_FLOOR: readonly Row[] = [
  ['no provider before ours', undefined, owed],
  ['an accepted acr', { issuer: ACCEPTED, acr: REFEDS }, passes(MULTI_FACTOR, 'fed', 'mfa')],
  [
    'an accepted acr of a stronger proof',
    { issuer: ACCEPTED, acr: 'strong' },
    passes(PHISHING_RESISTANT, 'hwk', 'mfa'),
  ],
  [
    'an accepted acr whose own amr says less',
    { issuer: ACCEPTED, acr: REFEDS, amr: ['pwd'] },
    passes(MULTI_FACTOR, 'fed', 'mfa'),
  ],
  ['accepted amr values', { issuer: ACCEPTED, amr: ['x', 'otp', 'pwd'] }, passes(MULTI_FACTOR, 'fed', 'mfa')],
  [
    'accepted amr values beside an acr that is not mapped',
    { issuer: ACCEPTED, acr: 'x', amr: ['mfa'] },
    passes(MULTI_FACTOR, 'fed', 'mfa'),
  ],
  ['some of the accepted amr values', { issuer: ACCEPTED, amr: ['pwd'] }, owed],
  ['no amr values', { issuer: ACCEPTED, amr: [] }, owed],
  ['an acr of one kind, though its amr would do', { issuer: ACCEPTED, acr: 'weak', amr: ['mfa'] }, owed],
  ['an acr that is not mapped', { issuer: ACCEPTED, acr: MULTI_FACTOR }, owed],
  ['an acr that is a level of ours', { issuer: ACCEPTED, acr: PHISHING_RESISTANT }, owed],
  ['an acr in other letters', { issuer: ACCEPTED, acr: REFEDS.toUpperCase() }, owed],
  ['an acr that every object has', { issuer: ACCEPTED, acr: 'constructor' }, owed],
  ['an issuer alone', { issuer: ACCEPTED }, owed],
  ['an issuer with a slash more', { issuer: `${ACCEPTED}/`, acr: REFEDS }, owed],
  ['an issuer that is only heard', { issuer: HEARD, acr: REFEDS, amr: ['mfa'] }, owed],
  ['an issuer that is ignored', { issuer: IGNORED, acr: REFEDS, amr: ['mfa'] }, owed],
  ['an issuer that nobody named', { issuer: 'https://evil.example', acr: REFEDS, amr: ['mfa'] }, owed],
  ['an issuer that every object has', { issuer: 'constructor', acr: REFEDS }, owed],
]

const MALFORMED: readonly (readonly [title: string, said: unknown])[] = [
  ['null', null],
  ['a text', ACCEPTED],
  ['a list', [{ issuer: ACCEPTED, acr: REFEDS }]],
  ['no issuer', { acr: REFEDS }],
  ['a list of issuers', { issuer: [ACCEPTED], acr: REFEDS }],
  ['a list of acr', { issuer: ACCEPTED, acr: [REFEDS] }],
  ['an acr of null', { issuer: ACCEPTED, acr: null, amr: ['mfa'] }],
  ['amr as text', { issuer: ACCEPTED, acr: REFEDS, amr: 'mfa' }],
  ['amr with a number in it', { issuer: ACCEPTED, acr: REFEDS, amr: ['mfa', 1] }],
  ['too many amr values', { issuer: ACCEPTED, acr: REFEDS, amr: Array(33).fill('mfa') }],
  ['an acr without end', { issuer: ACCEPTED, acr: REFEDS, amr: ['x'.repeat(513)] }],
]

describe('an identity provider before ours', () => {
  let host: Host
  let silent: Host
  before(async () => {
    const login = (result: HostLogin, ctx: Parameters<typeof trusting>[1]) => trusting(read(result), ctx)
    host = await startHost({ stepUp: { login, policy: { default: 'always' } } })
    const rules = [when(upstream({ issuer: FLAGGED }), { floor: MULTI_FACTOR })]
    silent = await startHost({ stepUp: { login, policy: { default: 'never', rules } } })
  })
  after(async () => {
    await Promise.all([host.close(), silent.close()])
    assert.deepEqual([...host.errors, ...silent.errors], [])
  })

  for (const [title, said, expected] of AT_A_FLOOR)
    it(`AC-29: at a floor, ${title}: ${expected.outcome}`, async () =>
      assert.deepEqual(await signInBy(host, said), expected))

  const plain = { kinds: ['knowledge'], traits: [], amr: [] }

  it('AC-29: what has another shape proves no more than a login, is written down nowhere, and is warned of', async () => {
    const warnings: unknown[] = []
    const note = (warning: Error & { code?: string }) => warnings.push(warning.code)
    process.on('warning', note)
    for (const [title, said] of MALFORMED)
      assert.deepEqual(trusting({ accountId: 'bob', upstream: said }, {} as never), plain, title)
    await new Promise(setImmediate)
    process.off('warning', note)
    assert.deepEqual(warnings, ['STEP_UP_UPSTREAM'])
  })

  it('reports no word of the provider’s own, nor a password that nobody typed here', async () => {
    assert.deepEqual(await signInBy(silent, { issuer: HEARD, acr: 'phr', amr: ['hwk', 'mfa'] }), passes(SINGLE_FACTOR))
    assert.deepEqual(
      await signInBy(silent, { issuer: ACCEPTED, acr: 'weak', amr: ['hwk'] }),
      passes(SINGLE_FACTOR, 'pin'),
    )
  })

  it('AC-29: an essential level is not met by the word of a provider that is only heard', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: PHISHING_RESISTANT } } })
    const asked = { claims }
    assert.equal((await signInBy(host, { issuer: HEARD, acr: PHISHING_RESISTANT }, asked)).outcome, UNMET)
    assert.deepEqual(
      await signInBy(host, { issuer: ACCEPTED, acr: 'strong' }, asked),
      passes(PHISHING_RESISTANT, 'hwk', 'mfa'),
    )
  })

  it('lets rules read what a provider said that is heard, and nothing of one that is ignored', async () => {
    assert.equal((await signInBy(silent, { issuer: FLAGGED })).outcome, ENROLL)
    const said = { issuer: HEARD, acr: 'a', amr: ['b'] }
    assert.deepEqual(trusting({ accountId: 'bob', upstream: { ...said, azp: 'more' } }, {} as never), {
      ...plain,
      method: 'federated',
      upstream: said,
    })
    assert.deepEqual(trusting({ accountId: 'bob', upstream: { ...said, issuer: IGNORED } }, {} as never), plain)
  })

  it('gives away nothing that can be changed into more', () => {
    const proof = { ...TWO, amr: ['fed'] }
    const map = { [ACCEPTED]: { trust: 'accept', acr: { a: proof } } } as const
    const login = upstreamLogin(map)
    proof.amr.push('hwk')
    const answer = login({ accountId: 'bob', upstream: { issuer: ACCEPTED, acr: 'a' } }, {} as never) as LoginProof
    assert.deepEqual(answer.amr, ['fed'])
    assert.throws(() => (answer.kinds as string[]).push('inherence'), TypeError)
  })

  it('asks the host what a login without such a provider proves', async () => {
    const login = upstreamLogin({}, { local: () => KEY })
    assert.equal(await login({ accountId: 'bob' }, {} as never), KEY)
    assert.deepEqual(await login({ accountId: 'bob', upstream: null }, {} as never), plain)
  })

  const REFUSED: readonly (readonly [unknown, RegExp])[] = [
    [[], /configuration: found an empty list; allowed: an object by issuer/],
    [{ a: { trust: 'yes' } }, /upstreamLogin\(\): a(\.trust)?: found .*; allowed: \{ trust: 'accept', acr, amr \}/],
    [{ a: { trust: 'floor', acr: {} } }, /a\.acr: found an unknown setting; allowed: only trust/],
    [
      { a: { trust: 'accept', acr: { x: { kinds: ['two'], traits: [], amr: [] } } } },
      /a\.acr\.x\.kinds\[0\]: found "two"/,
    ],
    [{ a: { trust: 'accept', acr: { x: { ...TWO, method: 'b' } } } }, /a\.acr\.x\.method: found an unknown setting/],
    [{ a: { trust: 'accept', amr: { ' ': TWO } } }, /a\.amr\. : found .*values of up to 512 letters/],
    [{ a: { trust: 'accept', amr: { '': TWO } } }, /values of up to 512 letters/],
  ]
  it('refuses a map that cannot be meant', () => {
    for (const [map, message] of REFUSED)
      assert.throws(() => upstreamLogin(map as never), { code: 'ERR_CONFIG', message }, JSON.stringify(map))
  })
})
