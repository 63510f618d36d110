import type { z } from 'zod'
import { StepUpError } from './errors.ts'

type Path = readonly PropertyKey[]

const SECRET = /password|secret|keys?$|^jwks|^urls?$|^cluster$/i
/** A URL, which may carry a password, put where a store belongs or anywhere else. */
const CONNECTION = /:\/\/[^/]*@/

const isSecret = (value: unknown, path: Path) =>
  path.some((key) => SECRET.test(String(key))) ||
  (typeof value === 'string' && (CONNECTION.test(value) || /^(store|accounts)$/.test(pathText(path))))

/** Names a path the way it would be written in code: `levels[1].needs.kinds`. */
const pathText = (path: Path) =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${String(key)}`),
    '',
  )

/** What stands there, in words that give no secret away. */
export const found = (value: unknown, path: Path): string => {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' || typeof value === 'function') return `a value of type ${typeof value}`
  if (isSecret(value, path)) return `a ${typeof value} that is kept secret here`
  return JSON.stringify(value)?.slice(0, 120) ?? `a value of type ${typeof value}`
}

const at = (raw: unknown, path: Path) =>
  path.reduce<unknown>((value, key) => (Object(value) === value ? Reflect.get(Object(value), key) : undefined), raw)

const sentence = (issue: z.core.$ZodIssue, raw: unknown) =>
  issue.code === 'unrecognized_keys'
    ? `${pathText([...issue.path, issue.keys[0] ?? ''])}: found an unknown setting; allowed: ${issue.message}`
    : `${pathText(issue.path) || 'configuration'}: found ${found(at(raw, issue.path), issue.path)}; allowed: ${issue.message}`

/** A name that does not exist is often what another setting is missing for, so it is said first. */
const byUse = (issues: readonly z.core.$ZodIssue[]) => [
  ...issues.filter(({ code }) => code === 'unrecognized_keys'),
  ...issues.filter(({ code }) => code !== 'unrecognized_keys'),
]

const MAX_SENTENCES = 3

/**
 * What is wrong with a configuration, at most three things: each with its full path, what was found (never a
 * secret) and what is allowed.
 */
export const configError = (raw: unknown, { issues }: z.ZodError, prefix = ''): StepUpError => {
  const said = byUse(issues).slice(0, MAX_SENTENCES)
  const more = issues.length > said.length ? `; and ${issues.length - said.length} more` : ''
  return new StepUpError('ERR_CONFIG', `${prefix}${said.map((issue) => sentence(issue, raw)).join('; ')}${more}`)
}
