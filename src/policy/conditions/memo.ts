const MAX_KNOWN = 512
/** Longer ones come from nobody who means well, and are worked out each time. */
const MAX_LENGTH = 256

/** Remembers what a pure function answered to the last few hundred keys: enough where the same few come again. */
export const remembering = <Key extends string | number, Value>(work: (key: Key) => Value): ((key: Key) => Value) => {
  const known = new Map<Key, Value>()
  return (key) => {
    const found = known.get(key)
    if (found !== undefined || known.has(key)) return found as Value
    const value = work(key)
    if (typeof key === 'string' && key.length > MAX_LENGTH) return value
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(key, value)
    return value
  }
}
