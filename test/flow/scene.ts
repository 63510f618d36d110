import type { Evidence } from '../../src/assurance/evidence.ts'
import type { AnyFactor, Factor, Sender, Step } from '../../src/factors/factor.ts'
import type { Place, Purpose } from '../../src/flow/place.ts'
import { verifiedKey } from '../../src/flow/verified.ts'
import { type Bench, createBench, enrolled, give, placeOf, START } from './tools.ts'

interface CodeState {
  readonly code: string
}

interface CodeData {
  readonly code: string
}

/**
 * A factor of these tests: it sends one code, or takes `more` for another, or says that its judge is `down`.
 * It tells what it was asked to do.
 */
export const codeFactor = (more: Partial<AnyFactor> = {}) => {
  const messages: Parameters<Sender>[0][] = []
  const calls = { begin: 0, submit: 0, view: 0 }
  const issue = (): Step<CodeState> & { outcome: 'continue' } => {
    calls.begin += 1
    const code = `secret-${calls.begin}`
    return {
      outcome: 'continue',
      state: { code },
      message: { to: '+49301', template: 'code', values: { code }, expiresAt: START + 100_000 },
    }
  }
  const judge = (state: CodeState, code: string | undefined, accepted: Step<CodeState, CodeData>) => {
    calls.submit += 1
    if (code === 'more') return issue()
    if (code === 'down') return { outcome: 'refused', reason: 'unavailable' } as const
    return code === state.code ? accepted : ({ outcome: 'refused', reason: 'invalid' } as const)
  }
  const view = () => {
    calls.view += 1
    return { digits: 6, to: '+49•••' }
  }
  const base: Factor<CodeState, CodeData> = {
    id: 'code',
    kinds: ['possession'],
    traits: ['out-of-band'],
    amr: ['otp'],
    describe: ({ nickname }) => nickname ?? '',
    sender: async (message) => {
      messages.push(message)
    },
    enroll: {
      ttlSeconds: 600,
      fields: ['code'],
      begin: issue,
      submit: (state, { code }) => judge(state, code, { outcome: 'accepted', change: { add: state } }),
      view,
    },
    challenge: {
      ttlSeconds: 600,
      fields: ['code'],
      begin: issue,
      submit: (state, { code }, { authenticators: [first] }) =>
        judge(state, code, { outcome: 'accepted', ...(first === undefined ? {} : { authenticatorId: first.id }) }),
      view,
    },
  }
  return { factor: { ...base, ...more } satisfies AnyFactor, messages, calls, latest: () => `secret-${calls.begin}` }
}

/** The phone that alice has enrolled. */
export const PHONE = enrolled('code', { nickname: 'My phone' })

/** What a scene may have of its own. */
export interface SceneOptions {
  readonly bench?: Bench
  readonly more?: Partial<AnyFactor>
  readonly place?: Partial<Place>
}

/** One ceremony of alice's, with nothing enrolled. */
export const sceneOf = (purpose: Purpose, { bench = createBench(), more = {}, place: where = {} }: SceneOptions) => {
  const code = codeFactor(more)
  const place = placeOf(code.factor, purpose, where)
  const show = () => bench.ceremonies.show(place)
  const answer = (given: string) => bench.ceremonies.answer(place, { code: given })
  return { ...code, bench, place, show, answer }
}

/** A phone that alice has enrolled, and the challenge that asks for the code sent to it. */
export const challenge = async (options: SceneOptions = {}) => {
  const scene = sceneOf('challenge', options)
  await give(scene.bench, 'alice', PHONE)
  return scene
}

/** The enrolment of a phone for alice, who has nothing. */
export const enrollment = (options: SceneOptions = {}) => sceneOf('enroll', options)

/** The evidence that waits for an interaction of hers to be resumed. */
export const left = async ({ vault }: Bench, interactionUid = 'interaction') =>
  (await vault.read<readonly Evidence[]>(verifiedKey('alice', interactionUid))).value ?? []

/** Her account record. */
export const recordOf = async ({ records }: Bench) => (await records.load('alice')).record
