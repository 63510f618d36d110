import { z } from 'zod'
import type { Condition } from './condition.ts'
import { known } from './condition.ts'
import { accountAttribute, accountHas, group, tenant } from './conditions/account.ts'
import { FACT_NAME, fact, isFactName } from './conditions/host.ts'
import { SCALAR } from './conditions/matching.ts'
import { asn, ipRange, NETWORK_TYPES, network } from './conditions/network.ts'
import { changedLocation, country, region, within } from './conditions/place.ts'
import { client, resource, scope } from './conditions/request.ts'
import { confidenceAtMost } from './conditions/risk.ts'
import { daysSinceFactor, enrolled, loginMethod, newDevice, upstream } from './conditions/sign-in.ts'
import { DAYS, timeOfDay, weekday } from './conditions/time.ts'
import { refusal } from './refuse.ts'

/** What the published schema says of its parts. */
export interface Said {
  readonly description: string
  readonly id?: string
  readonly pattern?: string
  readonly examples?: readonly unknown[]
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly dependentSchemas?: object
}

/** Ours alone: a host may use the same library, with names of its own. */
export const sayings: z.core.$ZodRegistry<Said> = z.registry<Said>()

/** Says something of a part of the schema. */
export const said = <Type extends z.ZodType>(type: Type, description: string, more: Omit<Said, 'description'> = {}) => {
  sayings.add(type, { description, ...more })
  return type
}

/** An object of these members and no others. */
export const only = <Shape extends z.core.$ZodLooseShape>(shape: Shape, what: string) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(shape).join(', ')}` : what),
  })

const MAX_VALUES = 10_000
const FEW = `at most ${MAX_VALUES}`
const TEXTS = 'a list of texts'
const TEXT = 'a text that is not empty'
const TRUE = 'true'
const ZONE = 'An IANA time zone: Europe/Berlin.'

/** A text with something in it. */
export const text = () => z.string(TEXT).min(1, TEXT)

const list = <Item extends z.ZodType>(item: Item, what = TEXTS) =>
  z.array(item, what).min(1, `${what}, at least one`).max(MAX_VALUES, `${what}, ${FEW}`)

const scalars = () => list(z.union([z.string(), z.number(), z.boolean()], SCALAR), 'a list of values')
const path = () =>
  z.union([text(), z.array(text()).min(1)], 'a path such as metadata.department, or the list of its parts')
const oneOrMore = () => z.union([text(), list(text())], `a text or ${TEXTS}`)
const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, `one of ${values.join(', ')}`)
const number = (what: string) => z.number(what)

interface Entry {
  readonly shape: z.ZodType
  build(value: never): Condition
}

const entry = <Shape extends z.ZodType>(shape: Shape, build: (value: z.output<Shape>) => Condition): Entry => ({
  shape,
  build,
})

/** A condition that takes any number of texts. */
const naming = (build: (...values: string[]) => Condition, description: string, pattern?: string): Entry => {
  const item = pattern === undefined ? text() : said(text(), 'One of them.', { pattern })
  return entry(said(list(item), description), (values) => build(...values))
}

const knownFact = (name: string) => {
  if (!isFactName(name)) throw refusal('known', name, FACT_NAME)
  return known(name as 'location')
}

/** Every condition that has no others inside, by its key. */
export const CONDITIONS: Readonly<Record<string, Entry>> = {
  client: naming(client, 'The relying party is one of these, by client_id.'),
  scope: naming(scope, 'One of these scopes is requested.'),
  resource: naming(resource, 'One of these resources is requested (RFC 8707).'),
  accountAttribute: entry(
    said(
      only({ path: path(), values: scalars() }, '{ path, values }'),
      'An attribute of the account is one of these values, or lists one of them. Not known where it is missing.',
      { examples: [{ path: 'metadata.department', values: ['finance'] }] },
    ),
    ({ path: at, values }) => accountAttribute(at, ...values),
  ),
  accountHas: entry(said(path(), 'The account has this attribute.'), (at) => accountHas(at)),
  group: entry(
    said(
      z.union(
        [list(text()), only({ names: list(text()), path: path() }, '{ names, path }')],
        'a list of names, or { names, path }',
      ),
      'The account is in one of these groups, by metadata.groups or what path names.',
    ),
    (asked) => ('names' in asked ? group(asked.names, { path: asked.path }) : group(...asked)),
  ),
  tenant: naming(tenant, "The account's tenant is one of these."),
  ipRange: naming(ipRange, 'The request comes from one of these addresses or ranges: 10.0.0.0/8, 2001:db8::/32.'),
  country: naming(country, 'The request comes from one of these countries, by ISO 3166-1 alpha-2 code.', '^[A-Z]{2}$'),
  region: naming(
    region,
    'The request comes from one of these regions, by ISO 3166-2 code.',
    '^[A-Z]{2}-[A-Z0-9]{1,3}$',
  ),
  within: entry(
    said(
      only(
        {
          latitude: said(number('degrees from -90 to 90'), 'Degrees, north positive.'),
          longitude: said(number('degrees from -180 to 180'), 'Degrees, east positive.'),
          radiusKm: said(number('a number of kilometers above 0'), 'Kilometers.'),
        },
        '{ latitude, longitude, radiusKm }',
      ),
      'The request comes from inside this circle. Not known where the place is not exact enough to tell.',
    ),
    within,
  ),
  network: entry(
    said(list(oneOf(NETWORK_TYPES), 'a list of types'), 'The network is of one of these types.'),
    (types) => network(...types),
  ),
  asn: entry(
    said(
      list(number('the number of an autonomous system, without AS'), 'a list of numbers'),
      'The network belongs to one of these autonomous systems, by number without AS.',
    ),
    (numbers) => asn(...numbers),
  ),
  timeOfDay: entry(
    said(
      only(
        {
          from: said(text(), 'From then on.', { pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' }),
          to: said(text(), 'Until just before then; over midnight where it is earlier than from.', {
            pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
          }),
          timeZone: said(text(), ZONE),
        },
        '{ from, to, timeZone }',
      ),
      'It is such a time of day there.',
      { examples: [{ from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }] },
    ),
    timeOfDay,
  ),
  weekday: entry(
    said(
      only({ days: list(oneOf(DAYS), 'a list of days'), timeZone: said(text(), ZONE) }, '{ days, timeZone }'),
      'It is one of these days of the week there.',
    ),
    ({ days, timeZone }) => weekday(days, { timeZone }),
  ),
  newDevice: entry(said(z.literal(true, TRUE), 'The account has not signed in from this browser before.'), newDevice),
  changedLocation: entry(
    said(
      z.union(
        [
          z.enum(['country', 'region']),
          only({ distanceKm: number('a number of kilometers above 0') }, '{ distanceKm }'),
        ],
        'country, region or { distanceKm }',
      ),
      "The account's last login came from another country or region, or from further away than this.",
    ),
    changedLocation,
  ),
  daysSinceFactor: entry(
    said(
      number('a number of days above 0'),
      'The session last proved a factor longer ago than so many days, or never has.',
    ),
    daysSinceFactor,
  ),
  enrolled: naming(enrolled, 'The account has enrolled one of these factors, by id.'),
  confidenceAtMost: entry(
    said(oneOf(['low', 'medium']), 'Risk signals leave at most that confidence.'),
    confidenceAtMost,
  ),
  loginMethod: naming(loginMethod, 'The login was of one of these methods, or has it in its amr: federated, pwd.'),
  upstream: entry(
    said(
      only(
        { issuer: oneOrMore().optional(), acr: oneOrMore().optional(), amr: oneOrMore().optional() },
        'at least one of issuer, acr, amr',
      ),
      'An identity provider before ours said this of the login; all that is named has to hold.',
      { minProperties: 1 },
    ),
    ({ issuer, acr, amr }) =>
      upstream({
        ...(issuer === undefined ? {} : { issuer }),
        ...(acr === undefined ? {} : { acr }),
        ...(amr === undefined ? {} : { amr }),
      }),
  ),
  fact: entry(
    said(
      only({ name: text(), values: scalars() }, '{ name, values }'),
      "A fact of the host's own is one of these values, or lists one of them.",
    ),
    ({ name, values }) => fact(name as never, ...values),
  ),
  known: entry(
    said(text(), 'Whether a fact is known at all, by name: location.', { pattern: '^[a-z][A-Za-z0-9]*$' }),
    knownFact,
  ),
}
