import { z } from 'zod'
import { type Clock, systemClock } from '../clock.ts'
import { configError } from '../config-error.ts'
import { StepUpError } from '../errors.ts'
import { canonicalAddress, isPublicAddress } from '../policy/address.ts'
import type { Location } from '../policy/facts.ts'
import type { Geo } from '../policy/geo.ts'
import { type DatabaseFile, openFile } from './maxmind/file.ts'
import { locationOf, mergeLocations } from './maxmind/location.ts'

/** Settings of the geolocation by files; only `files` is needed. */
export interface MaxmindOptions {
  /**
   * Paths of MMDB files: City, Country, Enterprise, ASN, ISP and Anonymous IP of MaxMind, and those of other makers
   * that name their fields alike or as IPinfo does. What several tell is put together; where two name different
   * countries, the first is believed.
   */
  readonly files: readonly string[]
  /** How often at most the files are looked at for a newer version, in seconds. Default 60. */
  readonly checkEverySeconds?: number
  /**
   * Whether to refuse to start where a file is missing or damaged. Default false: then the process is warned, what the
   * file would tell is unknown, and it is looked for again.
   */
  readonly required?: boolean
  /** Tells the time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** Geolocation by files that are replaced while it runs. */
export interface MaxmindGeo extends Geo {
  /** Never throws and never waits: the files are in memory. */
  locate(address: string): Location | undefined
  /** Looks at the files now, and takes those that changed and are sound; resolves when that is done, never rejects. */
  refresh(): Promise<void>
}

const ALLOWED = {
  files: 'a list of at least one path of an MMDB file',
  checkEverySeconds: 'a whole number of seconds from 1 to 86400',
  required: 'true or false',
  clock: 'a function that answers epoch seconds',
}

const SETTINGS = z.strictObject(
  {
    files: z.array(z.string(ALLOWED.files).min(1, ALLOWED.files), ALLOWED.files).min(1, ALLOWED.files),
    checkEverySeconds: z
      .int(ALLOWED.checkEverySeconds)
      .min(1, ALLOWED.checkEverySeconds)
      .max(86_400, ALLOWED.checkEverySeconds)
      .default(60),
    required: z.boolean(ALLOWED.required).default(false),
    clock: z.custom<Clock>((value) => typeof value === 'function', ALLOWED.clock).default(() => systemClock),
  },
  Object.keys(ALLOWED).join(', '),
)

const settingsOf = (options: MaxmindOptions) => {
  const parsed = SETTINGS.safeParse(options)
  if (!parsed.success) throw configError(options, parsed.error, 'maxmind(): ')
  return parsed.data
}

const insistOn = (files: readonly DatabaseFile[], paths: readonly string[]) => {
  const index = files.findIndex(({ fault }) => fault !== undefined)
  if (index < 0) return
  const what = `found ${JSON.stringify(paths[index])}, but ${files[index]?.fault}`
  throw new StepUpError('ERR_CONFIG', `maxmind(): files[${index}]: ${what}; allowed: a sound MMDB file`)
}

/** A damaged record tells nothing, and takes nothing from what the other files tell. */
const lookUp = (file: DatabaseFile, address: string): readonly Location[] => {
  const database = file.current()
  if (database === undefined) return []
  try {
    const record = database.find(address)
    return record === undefined ? [] : [locationOf(record, database.families)]
  } catch {
    return []
  }
}

/**
 * Tells where addresses are, by database files in the format of MaxMind (MMDB).
 *
 * The files are read at once, and stay in memory. A file that changes is read in the background at the next address
 * asked for, looked through, and only then takes the place of the version before; while it is unfinished, damaged, gone,
 * or of another kind, the version in memory stays in use, and the process is warned once (`STEP_UP_GEO`). It is warned
 * as well of databases that were built more than 90 days ago; what they tell counts as before. Nothing here keeps the
 * process alive.
 *
 * Private, reserved and unreadable addresses are nowhere.
 *
 * @example
 * ```ts
 * stepUp({ geo: maxmind({ files: ['GeoLite2-City.mmdb', 'GeoLite2-ASN.mmdb'] }), …options })
 * ```
 * @throws StepUpError `ERR_CONFIG` that names a setting, what was found and what it can be; with `required`, also
 *   where a file is missing or damaged.
 * @see MaxMind DB File Format Specification 2.0
 */
export const maxmind = (options: MaxmindOptions): MaxmindGeo => {
  const { files: paths, checkEverySeconds, required, clock } = settingsOf(options)
  const files = paths.map((path) => openFile(path, clock))
  if (required) insistOn(files, paths)
  let checkedAt = clock()
  let checking: Promise<void> | undefined

  const refresh = () => {
    checking ??= Promise.all(files.map((file) => file.refresh())).then(() => {
      checking = undefined
    })
    return checking
  }

  /** A clock that was set back counts as time gone by, else nothing would be looked at until it has caught up. */
  const refreshIfDue = () => {
    const now = clock()
    if (Math.abs(now - checkedAt) < checkEverySeconds) return
    checkedAt = now
    void refresh()
  }

  return Object.freeze<MaxmindGeo>({
    locate(text) {
      refreshIfDue()
      const address = canonicalAddress(text)
      if (address === undefined || !isPublicAddress(address)) return undefined
      return mergeLocations(files.flatMap((file) => lookUp(file, address)))
    },
    refresh,
  })
}
