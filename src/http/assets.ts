import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AnyFactor } from '../factors/factor.ts'
import { once } from '../once.ts'

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
  /** Paths of the scripts of one factor's own pages, or of login pages that it can answer, in their order. */
  readonly of: (factor: string, page: 'own' | 'login') => readonly string[]
}

/** A factor as far as scripts go. */
export type Scripted = Pick<AnyFactor, 'id' | 'scripts' | 'identify'>

/** Reads the scripts of all factors, once. */
export const readScripts = (factors: readonly Scripted[]): FactorScripts => {
  const read = once((href: string) => readAsset(fileURLToPath(href)))
  const assetsOf = (urls: readonly URL[] = []) => urls.map(({ href }) => read(href))
  const byFactor = new Map(
    factors.map(({ id, scripts, identify }) => [id, { own: assetsOf(scripts), login: assetsOf(identify?.scripts) }]),
  )
  const all = [...byFactor.values()].flatMap(({ own, login }) => [...own, ...login])
  return {
    all: new Map(all.map((asset) => [asset.path, asset])),
    of: (factor, page) => (byFactor.get(factor)?.[page] ?? []).map(({ path }) => path),
  }
}
