import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname, parse } from 'node:path'
import type { AnyFactor } from '../factors/factor.ts'

/** A file that pages fetch and may keep for good. */
export interface Asset {
  /** File name with a hash of its content. */
  readonly path: string
  readonly body: string
  readonly etag: string
}

/** Reads a file to be served under a name that changes with its content. */
export const readAsset = (file: string): Asset => {
  const body = readFileSync(file, 'utf8')
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 8)
  return Object.freeze({ path: `${parse(file).name}.${hash}${extname(file)}`, body, etag: `"${hash}"` })
}

/** The scripts that factors bring along. */
export interface FactorScripts {
  /** All of them, by path. */
  readonly all: ReadonlyMap<string, Asset>
  /** Paths of the scripts of one factor's pages, in their order. */
  readonly of: (factor: string) => readonly string[]
}

/** Reads the scripts of all factors, once. */
export const readScripts = (
  factors: readonly Pick<AnyFactor, 'id' | 'scripts'>[],
  read: (file: URL) => Asset,
): FactorScripts => {
  const byFactor = new Map(factors.map(({ id, scripts = [] }) => [id, scripts.map(read)]))
  const all = new Map([...byFactor.values()].flat().map((asset) => [asset.path, asset]))
  return { all, of: (factor) => (byFactor.get(factor) ?? []).map(({ path }) => path) }
}
