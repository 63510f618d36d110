import { equalSecret } from './equal.ts'
import { randomDigits } from './random.ts'

/** How many digits a code has that is sent to somebody: 20 bits, OWASP ASVS 5.0 section 6.5.4. */
export const CODE_DIGITS = 6

/** A new code of six digits, every one as likely as any other. */
export const newCode = (): string => randomDigits(CODE_DIGITS)

/** The digits as typed; people paste codes with spaces or hyphens in them. Undefined for anything but six digits. */
export const typedCode = (typed = ''): string | undefined => {
  const digits = typed.replace(/[\s\p{Dash}]/gu, '')
  return /^[0-9]{6}$/.test(digits) ? digits : undefined
}

/** Whether it is that code, in a time that does not depend on where they differ. */
export const isCode = (typed: string | undefined, code: string): boolean =>
  typed !== undefined && equalSecret(typed, code)
