import type { Condition } from '../condition.ts'
import { spellResource } from '../floors.ts'
import { choices, isText, TEXT } from '../refuse.ts'
import { about } from './about.ts'
import { anyMatch, textMatch } from './matching.ts'
import { remembering } from './memo.ts'
import { choice } from './wording.ts'

const spelled = remembering(spellResource)

/**
 * The relying party is one of these, by `client_id`.
 *
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const client = (...ids: readonly string[]): Condition<'client'> => {
  const match = textMatch(choices('client', ids, isText, TEXT))
  return about('client', `client is ${choice(ids)}`, ({ id }) => match(id))
}

/**
 * One of these scopes is requested, or one of its claims.
 *
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const scope = (...names: readonly string[]): Condition<'scopes'> => {
  const match = textMatch(choices('scope', names, isText, TEXT))
  return about('scopes', `scope is ${choice(names)}`, (scopes) => anyMatch(scopes, match))
}

/**
 * One of these resources is requested (RFC 8707), however it is spelled: `https://api.example` is
 * `https://api.example/`.
 *
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const resource = (...names: readonly string[]): Condition<'resources'> => {
  const match = textMatch(choices('resource', names, isText, TEXT).map(spellResource))
  return about('resources', `resource is ${choice(names)}`, (resources) => anyMatch(resources.map(spelled), match))
}
