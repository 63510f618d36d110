import { Reader, type Response } from 'maxmind'

/** What a database tells of: `place`, `network`, `anonymity`; the name of its type where that says nothing to us. */
export type Family = string

/** A database in memory, looked through and found sound. */
export interface Database {
  /** As its metadata says: `GeoLite2-City`. */
  readonly type: string
  readonly families: readonly Family[]
  /** When its maker built it, in epoch seconds. */
  readonly builtAt: number
  /**
   * The record of an address: null where there is none, undefined where the database cannot tell.
   *
   * @throws Error where the record is damaged.
   */
  find(address: string): Readonly<Record<string, unknown>> | null | undefined
}

/** MaxMind DB File Format Specification 2.0, "Database Metadata": within the last 128 kB of the file. */
const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const MAX_METADATA_BYTES = 128 * 1024
/** The same, "Data Section Separator". */
const SEPARATOR = Buffer.alloc(16)
const GZIP = Buffer.from([0x1f, 0x8b])
/** No tree and no record has so many zeros on end; a copy has that was given its length before its bytes. */
const HOLE = Buffer.alloc(4096)

const FAMILIES: readonly (readonly [Family, RegExp])[] = [
  ['place', /city|country|enterprise|location/i],
  ['network', /(?<![a-z])(asn|isp)(?![a-z])|enterprise/i],
  ['anonymity', /anonymous|privacy/i],
]

const familiesOf = (type: string): readonly Family[] => {
  const known = FAMILIES.filter(([, pattern]) => pattern.test(type)).map(([family]) => family)
  return known.length > 0 ? known : [type]
}

const insist = (holds: boolean, otherwise: string) => {
  if (!holds) throw new Error(otherwise)
}

const orDamaged = <Result>(otherwise: string, work: () => Result): Result => {
  try {
    return work()
  } catch (cause) {
    throw new Error(otherwise, { cause })
  }
}

const MAX_KEPT = 5_000

/** Keeps what records share, such as the names of a country, which take most of the time to read. */
const createCache = () => {
  const kept = new Map<string | number, unknown>()
  return {
    get: (key: string | number) => kept.get(key),
    set(key: string | number, value: unknown) {
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(key, value)
    },
  }
}

/** Seeks from the end of the file only: the reader itself would walk back through all of it, byte by byte. */
const checkFrame = (bytes: Buffer) => {
  insist(!bytes.subarray(0, 2).equals(GZIP), 'it is compressed')
  const tail = bytes.subarray(-MAX_METADATA_BYTES)
  const marker = tail.lastIndexOf(METADATA_MARKER)
  insist(marker >= 0, 'it is no MMDB file, or its end is missing')
  insist(!bytes.includes(HOLE), 'parts of it are missing')
  return bytes.length - tail.length + marker
}

const checkMetadata = (reader: Reader<Response>, bytes: Buffer, dataEnd: number) => {
  const { binaryFormatMajorVersion, ipVersion, databaseType, nodeCount, searchTreeSize, buildEpoch } = reader.metadata
  insist(binaryFormatMajorVersion === 2, 'its format is none that is known')
  insist(typeof databaseType === 'string' && databaseType !== '', 'it does not say what it is')
  insist(ipVersion === 4 || ipVersion === 6, 'its metadata is damaged')
  insist(Number.isInteger(nodeCount) && nodeCount > 0, 'its metadata is damaged')
  insist(Number.isFinite(buildEpoch.getTime()), 'its metadata is damaged')
  const dataStart = searchTreeSize + SEPARATOR.length
  insist(dataStart <= dataEnd && bytes.subarray(searchTreeSize, dataStart).equals(SEPARATOR), 'its tree is damaged')
}

const SAMPLES = 256
/** 2 to the 32th, divided by the golden ratio: its multiples are spread evenly (Knuth, TAOCP 3, section 6.4). */
const STRIDE = 0x9e3779b1

/** Addresses all over the internet, the same every time; the IPv6 ones lie in 2000::/3, where all that is given out is. */
const samples = Array.from({ length: SAMPLES }, (_, index) => {
  const four = Math.imul(index + 1, STRIDE) >>> 0
  const hex = (value: number) => (value & 0xffff).toString(16)
  return [
    [24, 16, 8, 0].map((shift) => (four >>> shift) & 0xff).join('.'),
    `${hex(0x2000 | ((four >>> 16) & 0x1fff))}:${hex(four)}:${hex(four >>> 8)}::1`,
  ]
}).flat()

/**
 * Opens a database and looks through it: its frame, its metadata, and the records of some hundred addresses.
 *
 * @throws Error that says what is wrong with the file, as the rest of a sentence.
 */
export const openDatabase = (bytes: Buffer): Database => {
  const dataEnd = checkFrame(bytes)
  const reader = orDamaged('its metadata is damaged', () => new Reader<Response>(bytes, { cache: createCache() }))
  checkMetadata(reader, bytes, dataEnd)
  const { databaseType, ipVersion, buildEpoch } = reader.metadata
  const families = familiesOf(databaseType)
  const database: Database = {
    type: databaseType,
    families,
    builtAt: Math.floor(buildEpoch.getTime() / 1000),
    find(address) {
      // In a tree of IPv4 the reader would follow the first bits of an IPv6 address to some other record.
      if (ipVersion === 4 && address.includes(':')) return undefined
      const record: unknown = reader.get(address)
      if (record === null) return null
      insist(typeof record === 'object' && !Array.isArray(record), 'a record is damaged')
      return record as Readonly<Record<string, unknown>>
    },
  }
  for (const address of samples) orDamaged('a record is damaged', () => database.find(address))
  return Object.freeze(database)
}
