import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import { type Database, openDatabase } from './database.ts'

/** A database file, and what is in memory of it. */
export interface DatabaseFile {
  /** The newest version that was found sound; undefined as long as there was none. */
  current(): Database | undefined
  /** Looks whether the file changed and takes the new version if it is sound. Never rejects. */
  refresh(): Promise<void>
  /** What was wrong at the first look, as the rest of a sentence. */
  readonly fault?: string
}

const OLD_DAYS = 90
const DAY_SECONDS = 86_400

const versionOf = (stats: BigIntStats) => {
  if (!stats.isFile()) throw new Error('it is no file')
  const { dev, ino, size, mtimeNs, ctimeNs } = stats
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

const CHANGING = 'it is being written'

const reasonOf = (fault: unknown) => {
  const { code, message } = fault as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  return code === undefined ? message : `it cannot be read: ${code}`
}

const warn = (message: string) => process.emitWarning(message, { type: 'StepUpWarning', code: 'STEP_UP_GEO' })

/** Warnings about one file, each once for as long as the same is the matter. */
const createVoice = (path: string, clock: Clock) => {
  let lastFault: string | undefined
  let lastOld: Database | undefined
  return {
    fault(reason: string, version: string | undefined, database: Database | undefined) {
      const said = `${version} ${reason}`
      if (said === lastFault) return
      lastFault = said
      const meanwhile = database === undefined ? 'what it would tell is unknown' : 'the version in memory stays in use'
      warn(`geolocation file ${path} is not used: ${reason}; until it is mended, ${meanwhile}`)
    },
    sound() {
      lastFault = undefined
    },
    age(database: Database | undefined) {
      if (database === undefined || database === lastOld) return
      const days = Math.floor((clock() - database.builtAt) / DAY_SECONDS)
      if (days <= OLD_DAYS) return
      lastOld = database
      warn(`geolocation file ${path} was built ${days} days ago: replace it by a newer one`)
    },
  }
}

/** A damaged or unfinished version, or another kind of database, never takes the place of one that works. */
const successor = (bytes: Buffer, previous: Database | undefined): Database => {
  const next = openDatabase(bytes)
  if (previous?.families.some((family) => !next.families.includes(family)) === true)
    throw new Error(`it is of type ${next.type}, where ${previous.type} was`)
  return next
}

/** Reads the file, at once the first time. Its warnings are of the process, with the code `STEP_UP_GEO`. */
export const openFile = (path: string, clock: Clock): DatabaseFile => {
  const voice = createVoice(path, clock)
  let database: Database | undefined
  /** The version that was judged last, whatever came of it; undefined where it is worth another look. */
  let judged: string | undefined

  const judge = (version: string, after: string, bytes: Buffer) => {
    // Whoever writes in place is not done: the next look will tell.
    if (version !== after) throw new Error(CHANGING)
    judged = version
    database = successor(bytes, database)
    voice.sound()
  }

  const complain = (fault: unknown, version: string | undefined) => {
    const reason = reasonOf(fault)
    if (version !== judged) judged = undefined
    if (reason !== CHANGING || database === undefined) voice.fault(reason, judged, database)
    return reason
  }

  const openNow = () => {
    let version: string | undefined
    try {
      version = versionOf(statSync(path, { bigint: true }))
      const bytes = readFileSync(path)
      judge(version, versionOf(statSync(path, { bigint: true })), bytes)
      return undefined
    } catch (fault) {
      return complain(fault, version)
    } finally {
      voice.age(database)
    }
  }

  const fault = openNow()
  return {
    current: () => database,
    async refresh() {
      let version: string | undefined
      try {
        version = versionOf(await stat(path, { bigint: true }))
        if (version === judged) return
        const bytes = await readFile(path)
        judge(version, versionOf(await stat(path, { bigint: true })), bytes)
      } catch (fault) {
        complain(fault, version)
      } finally {
        voice.age(database)
      }
    },
    ...(fault === undefined ? {} : { fault }),
  }
}
