import type { Account } from '../../account.ts'
import type { Condition } from '../condition.ts'
import { choices, isText, refusal } from '../refuse.ts'
import { about } from './about.ts'
import { isScalar, SCALAR, type Scalar, scalarMatch } from './matching.ts'
import { choice, worded } from './wording.ts'

/** Where an attribute of an account lies: `metadata.department`, or its parts where one of them has a dot in it. */
export type AttributePath = string | readonly string[]

/** Where the groups of an account are listed. */
export interface GroupOptions {
  /** Default `metadata.groups`. */
  readonly path?: AttributePath
}

const PLAIN = [
  'id',
  'label',
  'email',
  'emailVerified',
  'phone',
  'tenant',
  'disabled',
] as const satisfies readonly (keyof Account)[]
const PATH = `${PLAIN.join(', ')} or metadata.…`
const MAX_PARTS = 8
const A_GROUP = 'the name of a group'

const parsePath = (setting: string, path: AttributePath): readonly string[] => {
  const parts: readonly unknown[] = typeof path === 'string' ? path.split('.') : Array.isArray(path) ? path : []
  const [first, ...rest] = parts
  const isPlain = rest.length === 0 && PLAIN.some((name) => name === first)
  const isMetadata = first === 'metadata' && rest.length > 0 && parts.length <= MAX_PARTS
  if (!(isPlain || isMetadata) || !parts.every(isText)) throw refusal(setting, path, PATH)
  return parts.filter(isText)
}

/** Only what the host itself put there: not what every object inherits, nor the letters of a text. */
const own = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined

const at = (account: Account, path: readonly string[]) => path.reduce<unknown>(own, account)

const attribute = (setting: string, path: AttributePath, values: readonly Scalar[], text: string) => {
  const parts = parsePath(`${setting}.path`, path)
  const match = scalarMatch(choices(setting, values, isScalar, SCALAR))
  return about('account', text, (account) => match(at(account, parts)))
}

/**
 * An attribute of the account is one of these; a list is where one of its members is.
 *
 * An account that has no such attribute is not known to be or not to be; where that should not count, ask for both:
 * `all(accountHas('metadata.department'), accountAttribute('metadata.department', 'sales'))`. Null is known to be
 * nothing.
 *
 * @throws StepUpError `ERR_CONFIG` where no account has such a member, or no value is named.
 */
export const accountAttribute = (path: AttributePath, ...values: readonly Scalar[]): Condition<'account'> =>
  attribute('accountAttribute', path, values, `account's ${worded([path].flat().join('.'))} is ${choice(values)}`)

/**
 * The account has such an attribute, whatever it is; null and what is missing it has not.
 *
 * @throws StepUpError `ERR_CONFIG` where no account has such a member.
 */
export const accountHas = (path: AttributePath): Condition<'account'> => {
  const parts = parsePath('accountHas', path)
  const text = `account has ${worded(parts.join('.'))}`
  return about('account', text, (account) => (at(account, parts) ?? null) !== null)
}

/**
 * The account is in one of these groups, which its `metadata.groups` lists, or what `path` names. In none by an empty
 * list; not known where there is no list.
 *
 * @example
 * ```ts
 * group('admins', 'owners')
 * group(['admins'], { path: 'metadata.roles' })
 * ```
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const group = (
  ...names: readonly string[] | readonly [names: readonly string[], options?: GroupOptions]
): Condition<'account'> => {
  const [first, second] = names
  const listed = choices('group', (Array.isArray(first) ? first : names) as readonly string[], isText, A_GROUP)
  const path = typeof second === 'object' && 'path' in second ? second.path : undefined
  return attribute('group', path ?? 'metadata.groups', listed, `group is ${choice(listed)}`)
}

/**
 * The account's tenant is one of these; not known where it has none.
 *
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const tenant = (...names: readonly string[]): Condition<'account'> =>
  attribute('tenant', 'tenant', choices('tenant', names, isText, 'the name of a tenant'), `tenant is ${choice(names)}`)
