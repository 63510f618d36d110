import type { KoaContextWithOIDC } from 'oidc-provider'
import { z } from 'zod'
import { type LoginProof, PASSWORD, type Proof, type Upstream } from './assurance/evidence.ts'
import { configError } from './config-error.ts'
import { loginProof, strict } from './config-schema.ts'

/** How far the word of an identity provider before ours goes. */
export type UpstreamTrust =
  /**
   * What it says counts as the proof that stands for it here: by its `acr`, else by the first entry of `amr` of which it
   * named all values (`'pwd otp'`). What stands for nothing here counts as under `floor`.
   */
  | {
      readonly trust: 'accept'
      readonly acr?: Readonly<Record<string, Proof>>
      readonly amr?: Readonly<Record<string, Proof>>
    }
  /** It proves a login and no more; what it says, rules can read. */
  | { readonly trust: 'floor' }
  /** It proves a login and no more, of which rules know nothing. */
  | { readonly trust: 'ignore' }

/** What else a login can be. */
export interface UpstreamLoginOptions {
  /** What a login without an identity provider before ours proves. Default: one knowledge kind, by password. */
  readonly local?: (login: HostLogin, ctx: KoaContextWithOIDC) => LoginProof | Promise<LoginProof>
}

/** The host's login result, which names who was before us: `{ accountId, upstream: { issuer, acr, amr } }`. */
export interface HostLogin {
  readonly accountId: string
  readonly upstream?: unknown
}

/** Longer than any name that is in use. */
const MAX_LENGTH = 512
const MAX_VALUES = 32

const TEXT = z.string().min(1).max(MAX_LENGTH)

const SAID = z.object({
  issuer: TEXT,
  acr: TEXT.optional(),
  amr: z.array(TEXT).max(MAX_VALUES).optional(),
})

const PROOF = loginProof.pick({ kinds: true, traits: true, amr: true })

const WORDS = 'values of up to 512 letters, with one space between'
const words = z
  .string()
  .max(MAX_LENGTH)
  .regex(/^\S+( \S+)*$/)
const by = (what: string) =>
  z.record(words, PROOF, { error: ({ code }) => (code === 'invalid_key' ? WORDS : `an object by ${what}`) })

const TRUST = z.discriminatedUnion(
  'trust',
  [
    strict({ trust: z.literal('accept'), acr: by('acr').optional(), amr: by('amr values').optional() }),
    strict({ trust: z.literal('floor') }),
    strict({ trust: z.literal('ignore') }),
  ],
  "{ trust: 'accept', acr, amr }, { trust: 'floor' } or { trust: 'ignore' }",
)

const TRUSTS = z.record(z.string(), TRUST, 'an object by issuer')

/** Somebody else has let them in, we cannot tell how: no way to sign in is named, so that no rule takes it for one. */
const UNTOLD: LoginProof = Object.freeze<LoginProof>({ kinds: ['knowledge'], traits: [], amr: [] })

const METHOD = 'federated'

const frozen = ({ kinds, traits, amr }: Proof): Proof =>
  Object.freeze({
    kinds: Object.freeze([...kinds]),
    traits: Object.freeze([...traits]),
    amr: Object.freeze([...amr]),
  })

type Known = { readonly records: boolean; proofOf(said: Upstream): Proof | undefined }

const NOBODY: Known = { records: false, proofOf: () => undefined }

const knownOf = (entry: UpstreamTrust): Known => {
  if (entry.trust !== 'accept') return { ...NOBODY, records: entry.trust === 'floor' }
  const byAcr = new Map(Object.entries(entry.acr ?? {}).map(([acr, proof]) => [acr, frozen(proof)]))
  const byAmr = Object.entries(entry.amr ?? {}).map(([values, proof]) => ({
    values: values.split(' '),
    proof: frozen(proof),
  }))
  return {
    records: true,
    proofOf({ acr, amr = [] }) {
      const mapped = acr === undefined ? undefined : byAcr.get(acr)
      return mapped ?? byAmr.find(({ values }) => values.every((value) => amr.includes(value)))?.proof
    },
  }
}

const withoutNothing = ({ issuer, acr, amr }: z.infer<typeof SAID>): Upstream => ({
  issuer,
  ...(acr === undefined ? {} : { acr }),
  ...(amr === undefined ? {} : { amr }),
})

const warn = () => {
  const message =
    'a login came with an upstream that is no { issuer, acr, amr } of texts, and proves no more than a login'
  process.emitWarning(message, { type: 'StepUpWarning', code: 'STEP_UP_UPSTREAM' })
}

/**
 * Makes the option `login` of `stepUp()` for a host that lets people sign in at other identity providers.
 *
 * The host puts what such a provider's ID token said into its login result, next to `accountId`: `upstream: { issuer,
 * acr, amr }`, as it verified it. By itself that proves a login and no more; a provider that the map accepts proves what
 * the map says, of which nothing is taken from its own words. One that is not in the map is ignored, as is what has
 * another shape, which a warning tells once.
 *
 * @param trust - By issuer identifier, letter by letter.
 * @throws StepUpError `ERR_CONFIG` where the map is not what it should be.
 */
export const upstreamLogin = (
  trust: Readonly<Record<string, UpstreamTrust>>,
  { local = () => PASSWORD }: UpstreamLoginOptions = {},
): ((login: HostLogin, ctx: KoaContextWithOIDC) => LoginProof | Promise<LoginProof>) => {
  const { error } = TRUSTS.safeParse(trust)
  if (error !== undefined) throw configError(trust, error, 'upstreamLogin(): ')
  const issuers = new Map(Object.entries(trust).map(([issuer, entry]) => [issuer, knownOf(entry)]))
  let isTold = false
  return (login, ctx) => {
    if (login.upstream === undefined) return local(login, ctx)
    const { data } = SAID.safeParse(login.upstream)
    if (data === undefined) {
      if (!isTold) warn()
      isTold = true
      return UNTOLD
    }
    const upstream = withoutNothing(data)
    const { records, proofOf } = issuers.get(upstream.issuer) ?? NOBODY
    return records ? { ...(proofOf(upstream) ?? UNTOLD), method: METHOD, upstream } : UNTOLD
  }
}
