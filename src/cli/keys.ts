import { systemClock } from '../clock.ts'
import { StepUpError } from '../errors.ts'
import { createKeys, keptBefore, readKeys, updateKeys } from './key-file.ts'
import {
  KEY_KINDS,
  type KeptKey,
  type KeyKind,
  type KeyRing,
  keyId,
  makeKey,
  makeRing,
  ROUTINE_KINDS,
  retiring,
  rotated,
  staged,
  vapidPair,
} from './key-ring.ts'

/** One run of `oidc-step-up keys`. */
export interface KeysRun {
  readonly file: string
  /** Empty for those of every day. */
  readonly kinds: readonly KeyKind[]
  readonly print: (line: string) => void
}

/** A file name that stands for standard output. */
const OUTPUT = '-'

const change = (ring: KeyRing, kinds: readonly KeyKind[], by: (kind: KeyKind) => readonly KeptKey[]): KeyRing => ({
  ...ring,
  ...Object.fromEntries(kinds.map((kind) => [kind, by(kind)])),
})

const named = (kind: KeyKind, key: KeptKey | undefined) => `${kind} key ${key ? keyId(kind, key) : ''}`

const routineOr = (kinds: readonly KeyKind[]) => (kinds.length > 0 ? kinds : ROUTINE_KINDS)

/** For an environment file: `node --env-file` and a shell both read them. */
const environment = ({ sealing, cookie, signing, vapid }: KeyRing) => [
  `SEALING_KEY=${sealing[0]?.key}`,
  `COOKIE_KEY=${cookie[0]?.key}`,
  `JWKS='${JSON.stringify({ keys: signing.map(({ key }) => key) })}'`,
  ...vapid
    .map(vapidPair)
    .flatMap(({ publicKey, privateKey }) => [`VAPID_PUBLIC_KEY=${publicKey}`, `VAPID_PRIVATE_KEY=${privateKey}`]),
]

const make = ({ file, print }: KeysRun) => {
  const ring = makeRing(systemClock())
  if (file === OUTPUT) {
    for (const line of environment(ring)) print(line)
    return
  }
  createKeys(file, ring)
  for (const kind of KEY_KINDS) print(`made ${named(kind, ring[kind][0])}`)
}

const rotate = ({ file, kinds, print }: KeysRun) => {
  const chosen = routineOr(kinds)
  const fronts: string[] = []
  updateKeys(file, (before) => {
    const ring = change(before, chosen, (kind) => rotated(before[kind], makeKey(kind, systemClock())))
    for (const kind of chosen) fronts.push(`${named(kind, ring[kind][0])} comes first`)
    return ring
  })
  for (const line of fronts) print(line)
  if (chosen.includes('vapid'))
    print('Browsers that subscribed with an earlier vapid key get no pushes until they subscribe anew.')
  print('Restart every process to use it. An earlier key can be retired when nothing made with it is needed any more.')
}

const stage = ({ file, kinds, print }: KeysRun) => {
  const chosen = routineOr(kinds)
  const lines: string[] = []
  updateKeys(file, (before) => {
    const ring = change(before, chosen, (kind) => staged(before[kind], makeKey(kind, systemClock())))
    for (const kind of chosen) {
      const waiting = ring[kind].find(({ next }) => next)
      lines.push(waiting ? `${named(kind, waiting)} is next` : `${named(kind, ring[kind][0])} comes first`)
    }
    return ring
  })
  for (const line of lines) print(line)
  print('Restart every process, so that each knows it; then rotate.')
}

/** The kinds to retire a key of: those named, else those that have one to spare. */
const spare = (file: string, ring: KeyRing, kinds: readonly KeyKind[]) => {
  const chosen = kinds.length > 0 ? kinds : ROUTINE_KINDS.filter((kind) => retiring(ring[kind]) !== undefined)
  const last = kinds.length > 0 ? kinds.find((kind) => retiring(ring[kind]) === undefined) : undefined
  if (chosen.length > 0 && last === undefined) return chosen
  const found = last === undefined ? 'one key of each kind in use' : `one ${last} key in use`
  throw new StepUpError('ERR_CONFIG', `${file}: found ${found}; allowed: retiring one of several, so rotate first`)
}

const AFTERWARDS: Readonly<Record<KeyKind, (file: string) => string>> = {
  sealing: (file) =>
    `What is still sealed with it cannot be opened. The next start refuses and counts people's records of that kind: then put ${keptBefore(file)} back. Delete that file when every process has started.`,
  cookie: () => 'People whose cookies are signed with it sign in again.',
  signing: () => 'Tokens signed with it are refused where somebody verifies them.',
  vapid: () => 'Nothing was sent with it any more.',
}

const retire = ({ file, kinds, print }: KeysRun) => {
  const lines: string[] = []
  const take = (before: KeyRing) => {
    const chosen = spare(file, before, kinds)
    for (const kind of chosen) lines.push(`${named(kind, retiring(before[kind]))} retired. ${AFTERWARDS[kind](file)}`)
    return change(before, chosen, (kind) => before[kind].filter((key) => key !== retiring(before[kind])))
  }
  updateKeys(file, take, (before, after) => before.sealing.length > after.sealing.length)
  for (const line of lines) print(line)
}

const ROLES: Readonly<Record<KeyKind, readonly [first: string, other: string]>> = {
  sealing: ['seals and opens', 'opens'],
  cookie: ['signs and verifies', 'verifies'],
  signing: ['signs and verifies', 'verifies'],
  vapid: ['signs', 'unused'],
}

const list = ({ file, print }: KeysRun) => {
  const ring = readKeys(file)
  for (const kind of KEY_KINDS)
    for (const [index, key] of ring[kind].entries()) {
      const role = `${ROLES[kind][index === 0 ? 0 : 1]}${key.next ? ', next' : ''}`
      const made = new Date(key.madeAt * 1000).toISOString().replace('.000', '')
      print([kind.padEnd(7), keyId(kind, key).padEnd(11), made, role].join('  '))
    }
}

const ACTIONS: Readonly<Record<string, (run: KeysRun) => void>> = { make, stage, rotate, retire, list }
const WITHOUT_KINDS: readonly string[] = ['make', 'list']

const isKind = (word: string): word is KeyKind => (KEY_KINDS as readonly string[]).includes(word)

/**
 * Runs `oidc-step-up keys`; answers what cannot be understood of the command line.
 *
 * No key is printed but by `make --file -`, which asks for nothing else.
 *
 * @throws StepUpError ERR_CONFIG naming the file and what is wrong, never a key
 */
export const keys = (
  [action, ...kinds]: readonly string[],
  file: string | undefined,
  print: KeysRun['print'],
): string | undefined => {
  const run = action !== undefined && Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  if (action === undefined || run === undefined) return `keys needs one of ${Object.keys(ACTIONS).join(', ')}`
  const strange = kinds.find((kind) => WITHOUT_KINDS.includes(action) || !isKind(kind))
  if (strange !== undefined) return `unexpected argument "${strange}"`
  if (file === undefined || file === '') return `keys ${action} needs --file FILE`
  run({ file, kinds: KEY_KINDS.filter((kind) => kinds.includes(kind)), print })
  return undefined
}
