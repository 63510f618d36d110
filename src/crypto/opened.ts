import { joinFields } from './fields.ts'
import type { Sealer } from './seal.ts'

/** Records after which the older half is forgotten, and how long one may be: a few megabytes in all. */
const GENERATION = 1000
const MAX_LENGTH = 8192

interface Opened {
  readonly place: string
  readonly plain: string
}

/**
 * The same sealer, which remembers what it has sealed and opened a moment ago: the records of one sign-in are read
 * again and again, and nobody changes them in between.
 *
 * Only the very text that was opened at the very same place is found again; anything else is opened, and judged, as
 * ever. What is remembered is what this process could open at any time.
 */
export const withMemory = (sealer: Sealer): Sealer => {
  // Two generations: forgetting records one by one costs more than opening them again.
  let young = new Map<string, Opened>()
  let old = young
  const remember = (sealed: string, place: string, plain: string) => {
    if (sealed.length > MAX_LENGTH) return
    if (young.size >= GENERATION) {
      old = young
      young = new Map()
    }
    young.set(sealed, { place, plain })
  }
  return Object.freeze<Sealer>({
    ...sealer,
    seal(plain, aad) {
      const sealed = sealer.seal(plain, aad)
      remember(sealed, joinFields(aad), plain)
      return sealed
    },
    open(sealed, aad) {
      const place = joinFields(aad)
      const known = young.get(sealed) ?? old.get(sealed)
      if (known?.place === place) return known.plain
      const plain = sealer.open(sealed, aad)
      remember(sealed, place, plain)
      return plain
    },
  })
}
