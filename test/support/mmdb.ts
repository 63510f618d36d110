import ipaddr from 'ipaddr.js'

/** What a record can be made of; numbers with a fraction or below zero are doubles, others the smallest unsigned. */
export type MmdbValue =
  | string
  | number
  | bigint
  | boolean
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue }

/** What the metadata say. */
export interface MmdbOptions {
  /** Default `GeoLite2-City`. */
  readonly type?: string
  /** In bits. Default 24. */
  readonly recordSize?: 24 | 28
  /** Default 6; a tree of version 4 takes IPv4 networks only. */
  readonly ipVersion?: 4 | 6
  /** Epoch seconds. Default 1 700 000 000. */
  readonly builtAt?: number
}

/** MaxMind DB File Format Specification 2.0, "Output Data Section": types by their number. */
const STRING = 2
const DOUBLE = 3
const UINT16 = 5
const UINT32 = 6
const MAP = 7
const UINT64 = 9
const ARRAY = 11
const BOOLEAN = 14

/** The control byte and the bytes of the size that follow it. */
const control = (type: number, size: number) => {
  const [short, rest] =
    size < 29
      ? [size, []]
      : size < 285
        ? [29, [size - 29]]
        : size < 65_821
          ? [30, [(size - 285) >> 8, (size - 285) & 0xff]]
          : [31, [(size - 65_821) >> 16, ((size - 65_821) >> 8) & 0xff, (size - 65_821) & 0xff]]
  return Buffer.from(type < 8 ? [(type << 5) | short, ...rest] : [short, type - 7, ...rest])
}

const withBytes = (type: number, payload: Buffer) => Buffer.concat([control(type, payload.length), payload])

const unsigned = (value: bigint) => {
  const hex = value === 0n ? '' : value.toString(16)
  const payload = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return withBytes(payload.length <= 2 ? UINT16 : payload.length <= 4 ? UINT32 : UINT64, payload)
}

const double = (value: number) => {
  const payload = Buffer.alloc(8)
  payload.writeDoubleBE(value)
  return withBytes(DOUBLE, payload)
}

const encode = (value: MmdbValue): Buffer => {
  if (typeof value === 'string') return withBytes(STRING, Buffer.from(value))
  if (typeof value === 'boolean') return control(BOOLEAN, value ? 1 : 0)
  if (typeof value === 'bigint') return unsigned(value)
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? unsigned(BigInt(value)) : double(value)
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)])
  const entries = Object.entries(value as { readonly [key: string]: MmdbValue })
  return Buffer.concat([control(MAP, entries.length), ...entries.flatMap((entry) => entry.map(encode))])
}

/** A node of the tree, the offset of a record, or nothing. */
type Branch = Node | number | undefined
type Node = [Branch, Branch]

/** IPv4 lies at `::/96` of a tree of IPv6. */
const bitsOf = (cidr: string, ipVersion: 4 | 6): readonly (0 | 1)[] => {
  const [address, prefix] = ipaddr.parseCIDR(cidr)
  const isMapped = address.kind() === 'ipv4' && ipVersion === 6
  const bytes = [...(isMapped ? Array.from({ length: 12 }, () => 0) : []), ...address.toByteArray()]
  const bits = bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => ((byte >> shift) & 1) as 0 | 1))
  return bits.slice(0, prefix + (isMapped ? 96 : 0))
}

const insert = (root: Node, bits: readonly (0 | 1)[], offset: number) => {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const next = node[bit]
    const below: Node = Array.isArray(next) ? next : [next, next]
    node[bit] = below
    node = below
  }
  node[bits.at(-1) ?? 0] = offset
}

const nodesOf = (root: Node) => {
  const nodes: Node[] = [root]
  for (const node of nodes) nodes.push(...node.filter((branch): branch is Node => Array.isArray(branch)))
  return nodes
}

const writeNode = (left: number, right: number, recordSize: 24 | 28) => {
  const bytes = Buffer.alloc(recordSize / 4)
  bytes.writeUIntBE(left & 0xffffff, 0, 3)
  bytes.writeUIntBE(right & 0xffffff, bytes.length - 3, 3)
  if (recordSize === 28) bytes[3] = ((left >>> 20) & 0xf0) | (right >>> 24)
  return bytes
}

/** Byte for byte a database file with these networks and records; narrower networks win over wider ones. */
export const writeMmdb = (table: Readonly<Record<string, MmdbValue>>, options: MmdbOptions = {}): Buffer => {
  const { type = 'GeoLite2-City', recordSize = 24, ipVersion = 6, builtAt = 1_700_000_000 } = options
  const root: Node = [undefined, undefined]
  const rows = Object.entries(table)
    .map(([cidr, record]) => ({ bits: bitsOf(cidr, ipVersion), data: encode(record) }))
    .toSorted((one, other) => one.bits.length - other.bits.length)
  let size = 0
  for (const { bits, data } of rows) {
    insert(root, bits, size)
    size += data.length
  }
  const nodes = nodesOf(root)
  const indices = new Map(nodes.map((node, index) => [node, index]))
  const record = (branch: Branch) => {
    if (typeof branch === 'number') return nodes.length + 16 + branch
    return branch === undefined ? nodes.length : (indices.get(branch) ?? 0)
  }
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BigInt(builtAt),
    database_type: type,
    description: { en: 'invented' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordSize,
  })
  return Buffer.concat([
    ...nodes.map(([left, right]) => writeNode(record(left), record(right), recordSize)),
    Buffer.alloc(16),
    ...rows.map(({ data }) => data),
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}
