import type { Account } from '../account.ts'
import type { ClientFact, FactRequest, Location, LoginFact, RiskAssessment } from '../policy/facts.ts'
import { copied, own, texts } from './copy.ts'
import type { Settings } from './options.ts'

/** What is known of a sign-in; nobody else holds any of it. */
export interface Known {
  readonly client: ClientFact
  readonly account: {
    readonly [Name in 'id' | 'label' | 'email' | 'emailVerified' | 'phone' | 'tenant' | 'metadata']:
      | Account[Name]
      | undefined
  } & Pick<Account, 'id' | 'label'>
  readonly address: string | undefined
  readonly userAgent: string | undefined
  readonly enrolled: readonly string[]
  readonly login: LoginFact
  readonly lastFactorAt: number | undefined
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Undefined where it is not known; see `reads` for whether anybody asked. */
  readonly location: Location | undefined
  readonly risk: RiskAssessment | undefined
}

/** Member by member: a host's account may be more than plain data. */
const partsOf = ({ id, label, email, emailVerified, phone, tenant, metadata }: Account): Known['account'] => ({
  id,
  label,
  email,
  emailVerified,
  phone,
  tenant,
  metadata,
})

/** In the backchannel nobody has signed in anywhere. */
const NO_LOGIN: LoginFact = { kinds: [], traits: [], amr: [], at: 0 }

/**
 * Fetches what a rule gets to see, and of what takes time only what it has named.
 *
 * @throws whatever a fact of ours throws; TypeError where there is no account to speak of.
 */
export const know = async ({ fact }: FactRequest, { reads }: Settings): Promise<Known> => {
  const [client, account, address, userAgent, enrolled, login, lastFactorAt, scopes, resources, location, risk] =
    await Promise.all([
      fact('client'),
      fact('account'),
      fact('address'),
      fact('userAgent'),
      fact('enrolled'),
      fact('login'),
      fact('lastFactorAt'),
      fact('scopes'),
      fact('resources'),
      reads.includes('location') ? fact('location') : undefined,
      reads.includes('risk') ? fact('risk') : undefined,
    ])
  return copied({
    client,
    account: partsOf(account),
    address,
    userAgent,
    enrolled,
    login: login ?? NO_LOGIN,
    lastFactorAt,
    scopes,
    resources,
    location,
    risk,
  })
}

const isOld = (value: unknown): value is object => typeof value === 'object' && value !== null

/** What Auth0 keeps in two places: what the tenant wrote, and what users may write themselves. */
export const metadataOf = ({ metadata }: Known['account']) => {
  const [app, user] = [own(metadata, 'app_metadata'), own(metadata, 'user_metadata')]
  const isParted = isOld(app) || isOld(user)
  return { app: isParted ? (app ?? {}) : (metadata ?? {}), user: user ?? {} }
}

/** Roles of the account; undefined where the host tells of none. */
export const rolesOf = ({ metadata }: Known['account']): readonly string[] | undefined => {
  const app = own(metadata, 'app_metadata')
  const lists = [own(metadata, 'roles'), own(app, 'roles'), own(metadata, 'groups'), own(app, 'groups')]
  return lists.map(texts).find((list) => list !== undefined)
}

const WORDS = ['federated', 'pwd', 'sms', 'email', 'passkey'] as const

const loginName = ({ method, upstream, traits, amr }: LoginFact) => {
  if (upstream !== undefined) return 'federated'
  if (method !== undefined) return method
  if (traits.includes('phishing-resistant')) return 'passkey'
  return WORDS.find((word) => amr.includes(word)) ?? amr[0] ?? 'unknown'
}

/** How this session came to be, oldest first, in epoch seconds. */
export const methodsOf = ({
  login,
  lastFactorAt,
}: Known): readonly { readonly name: string; readonly at: number }[] => [
  { name: loginName(login), at: login.at },
  ...(lastFactorAt === undefined ? [] : [{ name: 'mfa', at: lastFactorAt }]),
]

/** `auth0` for a database of ours, else what federation goes by. */
export const strategyOf = ({ upstream }: LoginFact) => (upstream === undefined ? 'auth0' : 'oidc')

/** The assessment in Auth0's words: what a signal does not tell is neutral there. */
export const assessmentOf = ({ confidence, version, assessments }: RiskAssessment) => ({
  confidence,
  version,
  assessments: Object.fromEntries(
    Object.entries(assessments).map(([name, one]) => [
      name,
      { ...one, confidence: one.confidence === 'unknown' ? 'neutral' : one.confidence },
    ]),
  ),
})

/** The message of what was looked at without having been named. */
export const unnamed = (path: string, name: 'location' | 'risk') =>
  `${path} was looked at, and the option reads does not name ${name}`

/** Settings where an object has a value, and what cannot be told where it has none. */
export const fill = (
  target: object,
  path: string,
  values: Readonly<Record<string, unknown>>,
  unknown: (target: object, path: string) => void,
): void => {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) unknown(target, `${path}.${name}`)
    else Reflect.set(target, name, value)
  }
}
