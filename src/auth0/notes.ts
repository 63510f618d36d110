/** What a rule looked at, and what must not be. */
export interface Notes {
  /** Gives an object a property that cannot be told: it reads as `value`, and that it was read is noted. */
  unknown(target: object, path: string, value?: unknown): void
  /** Gives an object a property that must not be read: reading it throws, and lets nobody pass even where that is caught. */
  barred(target: object, path: string, why: string): void
  /** Notes for good why nobody passes. The first reason stays. */
  bar(why: string): Error
  /** Paths of what was read and could not be told. */
  looked(): readonly string[]
  /** Why nobody passes; undefined where nothing stands against it. */
  fault(): string | undefined
}

/**
 * A property that computes what it reads as, and that can be written like any other. It is listed, so that what a rule
 * copies or prints counts as read.
 */
const define = (target: object, path: string, get: () => unknown) => {
  const name = path.slice(path.lastIndexOf('.') + 1)
  const set = (value: unknown) =>
    Object.defineProperty(target, name, { value, configurable: true, enumerable: true, writable: true })
  Object.defineProperty(target, name, { configurable: true, enumerable: true, get, set })
}

/** Notes of one run. @see {@link Notes} */
export const createNotes = (): Notes => {
  const seen = new Set<string>()
  let reason: string | undefined
  const bar = (why: string) => {
    reason ??= why
    return new Error(why)
  }
  return Object.freeze<Notes>({
    unknown(target, path, value) {
      define(target, path, () => {
        seen.add(path)
        return value
      })
    },
    barred(target, path, why) {
      define(target, path, () => {
        throw bar(why)
      })
    },
    bar,
    looked: () => [...seen],
    fault: () => reason,
  })
}
