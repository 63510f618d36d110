import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWK } from 'oidc-provider'
import { loadKeys } from '../../src/cli/key-file.ts'
import { keys } from '../../src/cli/keys.ts'
import { StepUpError } from '../../src/errors.ts'

/** A folder for one key file, and `oidc-step-up keys` in it. */
export const createKeyFolder = () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'step-up-keys-')))
  const file = join(folder, 'keys.json')
  const printed: string[] = []
  const load = () => loadKeys(file)
  const signing = () => load().jwks.keys as readonly JWK[]
  return {
    folder,
    file,
    printed,
    load,
    run: (command: string, name: string | undefined = file) =>
      keys(command.split(' ').filter(Boolean), name, (line) => printed.push(line)),
    text: (name = file) => readFileSync(name, 'utf8'),
    mode: (name = file) => statSync(name).mode & 0o777,
    names: () => readdirSync(folder).toSorted(),
    kids: () => signing().map(({ kid }) => kid),
    /** Whatever must never be shown. */
    secrets: () => [...load().sealingKeys, ...load().cookieKeys, ...signing().map(({ d }) => String(d))],
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** The message that the work is refused with. */
export const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof StepUpError && error.code === 'ERR_CONFIG', String(error))
    return error.message
  }
  return assert.fail('accepted')
}

/** That none of the secrets is in what was shown. */
export const assertHidden = (shown: string, hidden: readonly string[]) => {
  for (const secret of hidden) assert.ok(!shown.includes(secret), shown)
}
