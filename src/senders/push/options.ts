import { createPrivateKey, type KeyObject } from 'node:crypto'
import { StepUpError } from '../../errors.ts'

/** A rule for one option. */
export interface Rule {
  readonly isAllowed: (value: unknown) => boolean
  readonly allowed: string
  readonly isRequired?: true
}

const LOCAL = /^(?:localhost|127\.0\.0\.1|\[::1\])$/
const MAX_SECONDS = 10

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** A text of this shape. */
export const shaped = (shape: RegExp, allowed: string): Rule => ({
  isAllowed: (value) => typeof value === 'string' && shape.test(value),
  allowed,
})

/** Who must not be impersonated: the credentials go along. */
export const serviceUrl: Rule = {
  isAllowed(value) {
    if (!isText(value) || !URL.canParse(value)) return false
    const { protocol, hostname, username, search, hash } = new URL(value)
    if (username !== '' || search !== '' || hash !== '') return false
    return protocol === 'https:' || (protocol === 'http:' && LOCAL.test(hostname))
  },
  allowed: 'a URL of https, or of http on this machine, without user, query and fragment',
}

/** How long one request may take. */
export const timeoutSeconds: Rule = {
  isAllowed: (value) => typeof value === 'number' && value > 0 && value <= MAX_SECONDS,
  allowed: `a number of seconds, more than 0 and up to ${MAX_SECONDS}`,
}

/** Certificates in PEM. */
export const authorities: Rule = {
  isAllowed: (value) => [value].flat().every((one) => isText(one) && one.includes('-----BEGIN CERTIFICATE-----')),
  allowed: 'certificates in PEM',
}

/** `true` or `false`. */
export const flag: Rule = { isAllowed: (value) => typeof value === 'boolean', allowed: 'true or false' }

/** Environment files often hold a key on one line, its line breaks spelled as `\n`. */
export const readKey = (text: string): KeyObject => createPrivateKey(text.replaceAll('\\n', '\n'))

/** A private key in PEM, of the kind that the test knows. */
export const privateKey = (isKind: (key: KeyObject) => boolean, allowed: string): Rule => ({
  isAllowed(value) {
    try {
      return isText(value) && isKind(readKey(value))
    } catch {
      return false
    }
  },
  allowed,
})

/** The name of a type only: tokens and keys have no place in a message. */
const found = (value: unknown) => (value === undefined ? 'nothing' : `a value of type ${typeof value}`)

/** The error for one option: what was found and what is allowed. */
export const wrong = (path: string, value: unknown, allowed: string): StepUpError =>
  new StepUpError('ERR_CONFIG', `${path}: found ${found(value)}; allowed: ${allowed}`)

/** The rule, where the option must be there. */
export const required = (rule: Rule): Rule => ({ ...rule, isRequired: true })

/**
 * Checks options one by one.
 *
 * @throws StepUpError `ERR_CONFIG` with what was found, never a secret, and what is allowed.
 */
export const checkOptions = (where: string, options: unknown, table: Readonly<Record<string, Rule>>): void => {
  if (Object(options) !== options) throw wrong(where, options, `an object with ${Object.keys(table).join(', ')}`)
  const given = options as Readonly<Record<string, unknown>>
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(table, name))
  if (unknown !== undefined) {
    const names = Object.keys(table).join(', ')
    throw new StepUpError('ERR_CONFIG', `${where}.${unknown}: found an unknown setting; allowed: ${names}`)
  }
  for (const [name, { isAllowed, allowed, isRequired }] of Object.entries(table)) {
    const value = given[name]
    if (value === undefined ? isRequired : !isAllowed(value)) throw wrong(`${where}.${name}`, value, allowed)
  }
}
