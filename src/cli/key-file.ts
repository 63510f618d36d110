import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { JWK, JWKS } from 'oidc-provider'
import { z } from 'zod'
import { StepUpError } from '../errors.ts'
import { type KeyRing, keyRing, vapidPair } from './key-ring.ts'

/** The settings of serve that a key file holds, to be spread into its configuration. */
export interface LoadedKeys {
  readonly sealingKeys: readonly string[]
  readonly cookieKeys: readonly string[]
  readonly jwks: JWKS
}

/** A VAPID key pair, to be spread into the options of `webPush`. */
export interface LoadedVapidKeys {
  /** 65 bytes in base64url. */
  readonly publicKey: string
  /** 32 bytes in base64url. */
  readonly privateKey: string
}

const OURS = 'a file of oidc-step-up keys make'
const OWNER_ONLY = 0o600
const OTHERS = 0o077

// Nothing that was read is ever quoted, and no parser's words are passed on: they quote.
const fault = (file: string, found: string, allowed: string) =>
  new StepUpError('ERR_CONFIG', `${file}: found ${found}; allowed: ${allowed}`)

const outOfReach = (file: string, cause: unknown) => {
  const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
  const text = `${file}: found it out of reach (${code}); allowed: ${OURS}, in a folder for this user`
  return new StepUpError('ERR_CONFIG', text, { cause })
}

/** Names what the file system refused. */
const guarded = <Result>(file: string, work: () => Result): Result => {
  try {
    return work()
  } catch (cause) {
    throw cause instanceof StepUpError ? cause : outOfReach(file, cause)
  }
}

/** As OpenSSH judges private keys: others' eyes on one's own file; whoever else owns it has decided who reads it. */
const assertPrivate = (file: string, { mode, uid }: Stats) => {
  if (process.platform === 'win32' || uid !== process.getuid?.() || (mode & OTHERS) === 0) return
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  throw fault(file, `mode ${octal}, which lets other users in`, `0600, by chmod 600 ${file}`)
}

const parse = (file: string, text: string): KeyRing => {
  const json = () => {
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }
  const raw: unknown = json()
  if (raw === undefined) throw fault(file, 'no JSON', OURS)
  const { data, error } = keyRing.safeParse(raw)
  if (data !== undefined) return data
  const [issue] = error.issues
  const where = z.core.toDotPath(issue?.path ?? [])
  throw fault(where === '' ? file : `${file}: ${where}`, 'something else', issue?.message ?? OURS)
}

const readRing = (file: string) =>
  guarded(file, () => {
    const descriptor = openSync(file, 'r')
    try {
      const stats = fstatSync(descriptor)
      assertPrivate(file, stats)
      return { ring: parse(file, readFileSync(descriptor, 'utf8')), stats }
    } finally {
      closeSync(descriptor)
    }
  })

/** Reads all keys of a file. @throws StepUpError ERR_CONFIG naming the file and what is wrong, never a key */
export const readKeys = (file: string): KeyRing => readRing(file).ring

const syncFolder = (file: string) => {
  if (process.platform === 'win32') return
  const descriptor = openSync(dirname(file), 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

type OwnedAs = Pick<Stats, 'mode' | 'uid' | 'gid'>

const takeOver = (descriptor: number, { mode, uid, gid }: OwnedAs) => {
  if (process.platform === 'win32') return
  const own = fstatSync(descriptor)
  // Rotated by root, it still belongs to the account that serves.
  if (own.uid !== uid || own.gid !== gid) fchownSync(descriptor, uid, gid)
  fchmodSync(descriptor, mode & 0o777)
}

const openDraft = (draft: string) => {
  try {
    return openSync(draft, 'wx', OWNER_ONLY)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw fault(draft, 'a file of another run', 'none; delete it if that run was interrupted')
  }
}

/**
 * Writes the whole ring beside the file and puts it in the file's place in one step. The draft has one name, so of two
 * runs at once the second is refused before it has read anything.
 */
const replace = (file: string, prepare: () => { ring: KeyRing; as?: OwnedAs }) => {
  const draft = `${file}.new`
  const descriptor = openDraft(draft)
  try {
    try {
      const { ring, as } = prepare()
      writeFileSync(descriptor, `${JSON.stringify(ring, undefined, 2)}\n`)
      if (as) takeOver(descriptor, as)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(file)
}

/** Makes a file with mode 0600. @throws StepUpError ERR_CONFIG where there is one already */
export const createKeys = (file: string, ring: KeyRing): void =>
  guarded(file, () =>
    replace(file, () => {
      if (existsSync(file)) throw fault(file, 'a file', 'a name that is free; oidc-step-up keys rotate adds to a file')
      return { ring }
    }),
  )

/** Where the file before a retirement is kept. */
export const keptBefore = (file: string) => `${file}.before`

const keep = (file: string) => {
  try {
    linkSync(file, keptBefore(file))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    const allowed = 'none; delete it once every process has started without the key that was retired then'
    throw fault(keptBefore(file), 'the file before an earlier retirement', allowed)
  }
}

/**
 * Changes the keys of a file in one step; mode and owner stay. Interrupted at any point, it leaves the old file or
 * the new one.
 *
 * @param keepBefore - Asked with old and new keys, whether the old file stays as well, under {@link keptBefore}.
 * @throws StepUpError ERR_CONFIG naming the file and what is wrong, never a key
 */
export const updateKeys = (
  file: string,
  change: (ring: KeyRing) => KeyRing,
  keepBefore: (before: KeyRing, after: KeyRing) => boolean = () => false,
): void =>
  guarded(file, () => {
    // A link to the file goes on being one.
    const target = realpathSync(file)
    replace(target, () => {
      const { ring: before, stats } = readRing(target)
      const ring = change(before)
      if (keepBefore(before, ring)) keep(target)
      return { ring, as: stats }
    })
  })

/**
 * Reads a file that `oidc-step-up keys make` has made: `defineConfig({ ...loadKeys('keys.json'), … })`.
 *
 * A file of this user that others can read is refused, as OpenSSH does with private keys; not on Windows.
 *
 * @throws StepUpError ERR_CONFIG naming the file and what is wrong, never a key
 */
export const loadKeys = (file: string): LoadedKeys => {
  const { sealing, cookie, signing } = readKeys(file)
  return Object.freeze({
    sealingKeys: sealing.map(({ key }) => key as string),
    cookieKeys: cookie.map(({ key }) => key as string),
    jwks: { keys: signing.map(({ key }) => key as JWK) },
  })
}

/**
 * Reads the VAPID key pair of such a file: `webPush({ subject: 'mailto:…', ...loadVapidKeys('keys.json') })`.
 *
 * @throws StepUpError ERR_CONFIG naming the file and what is wrong, never a key; also where it holds no such pair
 */
export const loadVapidKeys = (file: string): LoadedVapidKeys => {
  const [first] = readKeys(file).vapid
  if (first === undefined) throw fault(file, 'no VAPID key', 'one, from oidc-step-up keys rotate vapid')
  return Object.freeze(vapidPair(first))
}
