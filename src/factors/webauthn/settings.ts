import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { StepUpError } from '../../errors.ts'

/** Which makes of authenticator are taken, and how their make is proved. */
export interface AttestationPolicy {
  /**
   * What the browser is asked for. `enterprise` names the single device, and works only where an organization has set
   * its browsers and keys up for it. Default: `direct` where there are `rootCertificates`, else `none`.
   */
  readonly conveyance?: 'none' | 'direct' | 'enterprise'
  /**
   * Certificates of the makers in PEM, against which an attestation is checked. Where there are any, whatever brings no
   * attestation that leads to one of them is refused. Synced passkeys bring none.
   */
  readonly rootCertificates?: readonly string[]
  /** AAGUIDs of the only models that are taken. Needs `rootCertificates`: without them a model is but a claim. */
  readonly allow?: readonly string[]
  /** AAGUIDs of models that are not taken. Without `rootCertificates` it stops honest authenticators only. */
  readonly deny?: readonly string[]
}

/** How keys and passkeys are asked for, and which are taken. */
export interface WebauthnOptions {
  /** Your service's name, as some authenticators show it. */
  readonly relyingPartyName: string
  /**
   * The domain that keys are bound to: that of the issuer, one above it, or another whose related origins include the
   * pages (WebAuthn Level 3 section 5.11). Keys cannot move to another one later. Default: the host name of the issuer.
   */
  readonly relyingPartyId?: string
  /** Origins that pages may have beside the one of the issuer: exact, without a path. */
  readonly origins?: readonly string[]
  /**
   * Whether to ask for a fingerprint, face or PIN. `required` refuses answers without. `discouraged` spares people who
   * have typed a password just now, and gives up what it would prove. Default `preferred`.
   */
  readonly userVerification?: 'required' | 'preferred' | 'discouraged'
  readonly attestation?: AttestationPolicy
  /** How many an account can have. Default 10. */
  readonly perAccount?: number
  /** How long the browser waits for a touch, in seconds; at most 300, the life of a page. Default 300. */
  readonly timeoutSeconds?: number
}

/** Options with their defaults, checked. */
export interface Settings {
  readonly relyingPartyName: string
  readonly relyingPartyId: string | undefined
  readonly origins: readonly string[]
  readonly userVerification: 'required' | 'preferred' | 'discouraged'
  readonly conveyance: 'none' | 'direct' | 'enterprise'
  readonly anchors: readonly X509Certificate[]
  readonly allow: ReadonlySet<string> | undefined
  readonly deny: ReadonlySet<string>
  readonly perAccount: number
  readonly timeoutSeconds: number
}

/** How long a page can be answered: the challenge in it is as old as the page. */
export const PAGE_SECONDS = 300

const MAX_PER_ACCOUNT = 100
const MAX_NAME = 64

const NAME = `your service's name, up to ${MAX_NAME} characters`
const DOMAIN = 'a domain such as example.com, without scheme and port'
const ORIGIN = 'an origin such as https://example.com, without a path'
const AAGUID = 'an AAGUID such as ee882879-721c-4913-9775-3dfcce97072a'
const CERTIFICATE = 'a certificate in PEM'

const isOrigin = (text: string) => {
  if (!URL.canParse(text)) return false
  const { origin, protocol, hostname } = new URL(text)
  return origin === text && (protocol === 'https:' || (protocol === 'http:' && /(^|\.)localhost$/.test(hostname)))
}

const certificate = z.string(CERTIFICATE).transform((pem, context) => {
  try {
    return new X509Certificate(pem)
  } catch {
    context.addIssue(CERTIFICATE)
    return z.NEVER
  }
})

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, `one of ${values.join(', ')}`)

const upTo = (most: number) => {
  const allowed = `a whole number from 1 to ${most}`
  return z.int(allowed).min(1, allowed).max(most, allowed)
}

const models = z
  .array(z.string(AAGUID).regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, AAGUID), 'a list of AAGUIDs')
  .transform((list) => new Set(list.map((aaguid) => aaguid.toLowerCase())))

const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(shape).join(', ')}` : 'an object'),
  })

const attestation = strict({
  conveyance: oneOf(['none', 'direct', 'enterprise']).optional(),
  rootCertificates: z.array(certificate, 'a list of certificates in PEM').optional(),
  allow: models.optional(),
  deny: models.optional(),
})
  // What is asked for is checked: a statement that nobody checks would only cost people their privacy.
  .refine(({ conveyance = 'none', rootCertificates = [] }) => conveyance === 'none' || rootCertificates.length > 0, {
    path: ['rootCertificates'],
    error: 'the certificates of the makers, since conveyance asks for attestation',
  })
  .refine(({ allow, rootCertificates = [] }) => allow === undefined || rootCertificates.length > 0, {
    path: ['rootCertificates'],
    error: 'the certificates of the makers, since allow needs proof',
  })
  .refine(({ conveyance, rootCertificates = [] }) => conveyance !== 'none' || rootCertificates.length === 0, {
    path: ['conveyance'],
    error: 'direct or enterprise, since rootCertificates need something to check',
  })

const options = strict({
  relyingPartyName: z.string(NAME).trim().min(1, NAME).max(MAX_NAME, NAME),
  relyingPartyId: z
    .string(DOMAIN)
    .max(253, DOMAIN)
    .regex(/^(localhost|([a-z0-9-]+\.)+[a-z][a-z0-9-]*)$/, DOMAIN)
    .optional(),
  origins: z.array(z.string(ORIGIN).refine(isOrigin, ORIGIN), 'a list of origins').default([]),
  userVerification: oneOf(['required', 'preferred', 'discouraged']).default('preferred'),
  attestation: attestation.default({}),
  perAccount: upTo(MAX_PER_ACCOUNT).default(10),
  timeoutSeconds: upTo(PAGE_SECONDS).default(PAGE_SECONDS),
})

/** None of these settings is a secret; a certificate is long. */
const found = (value: unknown) => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value.length <= 120 ? JSON.stringify(value) : `a value of type ${typeof value}`
}

const at = (value: unknown, path: readonly PropertyKey[]) =>
  path.reduce<unknown>((part, key) => Reflect.get(Object(part), key), value)

/** A name that does not exist is often what another setting is missing for, so it is said first. */
const mistake = (given: unknown, issues: readonly z.core.$ZodIssue[]) => {
  const strange = issues.find((issue) => issue.code === 'unrecognized_keys')
  const { path = [], message = '' } = strange ?? issues[0] ?? {}
  const named = strange === undefined ? path : [...path, strange.keys[0] ?? '']
  const where = named.length === 0 ? 'webauthn()' : `webauthn({ ${named.join('.')} })`
  const what =
    strange !== undefined
      ? 'an unknown setting'
      : named.length === 0 && given !== undefined
        ? `a value of type ${typeof given}`
        : found(at(given, path))
  return new StepUpError('ERR_CONFIG', `${where}: found ${what}; allowed: ${message}`)
}

/**
 * Checks the options and fills in what they leave out.
 *
 * @throws StepUpError `ERR_CONFIG` that names the setting, what was found and what it can be.
 */
export const settingsOf = (given: WebauthnOptions): Settings => {
  const { data, error } = options.safeParse(given)
  if (data === undefined) throw mistake(given, error.issues)
  const { attestation: asked, relyingPartyId, ...rest } = data
  const { rootCertificates: anchors = [], conveyance = anchors.length > 0 ? 'direct' : 'none', allow, deny } = asked
  return Object.freeze({ ...rest, relyingPartyId, conveyance, anchors, allow, deny: deny ?? new Set<string>() })
}
