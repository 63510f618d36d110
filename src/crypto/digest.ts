import { hash } from 'node:crypto'
import { encodeFields } from './fields.ts'

/**
 * SHA-256 over the fields, in base64url (43 characters). Each field counts with its length, so `'ab', 'c'`
 * and `'a', 'bc'` differ, and fields of any length count in full.
 *
 * It hides only what cannot be guessed: tokens, not codes of a few digits.
 */
export const digest = (...fields: string[]): string => hash('sha256', encodeFields(fields), 'base64url')

/** SHA-256 of one text, in base64url: as others compute it, who know nothing of fields. */
export const sha256 = (text: string): string => hash('sha256', text, 'base64url')
