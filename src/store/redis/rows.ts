import type { AdapterPayload } from 'oidc-provider'
import { digest } from '../../crypto/digest.ts'
import { type Mac, macsOf } from '../../crypto/mac.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { requestMemo } from '../../request-scope.ts'
import { type RedisConnection, script } from './connection.ts'
import { addUntilEnd } from './index-script.ts'
import type { Names } from './names.ts'

/** oidc-provider judges expiry itself and forgives some seconds (`clockTolerance`), so a row outlives its time a little. */
const GRACE_SECONDS = 60
/** A year and a day: how long an index remembers what has no end of its own. */
const ENDLESS_SECONDS = 366 * 86_400
/** Ten digits before every row: when it was consumed, in epoch seconds. */
const MARK_DIGITS = 10
const UNUSED = '0'.repeat(MARK_DIGITS)
const MARK = `redis.call('GETRANGE', KEYS[1], 0, ${MARK_DIGITS - 1})`
/** A digest in base64url. */
const NAME_LENGTH = 43

/** Written again, a row that was consumed stays consumed. */
const KEEP = script(`
local mark = ${MARK}
local row = ARGV[1]
if mark ~= '' and mark ~= '${UNUSED}' then row = mark .. string.sub(row, ${MARK_DIGITS + 1}) end
if ARGV[2] == '' then redis.call('SET', KEYS[1], row) else redis.call('SET', KEYS[1], row, 'EX', ARGV[2]) end
return 1`)

const CONSUME = script(`
if ${MARK} ~= '${UNUSED}' then return 0 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[1])
return 1`)

/** The members of a grant. */
const JOIN = script(`${addUntilEnd('KEYS[1]', 'ARGV[1]', 'ARGV[2]')}
return 1`)

/** A copy that belongs to another row by now is left alone. */
const FORGET = script(`
if redis.call('GETRANGE', KEYS[1], 0, ${NAME_LENGTH - 1}) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`)

/** Read again and again within one request, and never decided on by two requests at once. */
const MEMORIZED = new Set(['Interaction', 'Session'])
const MEMO_MILLISECONDS = 1000

/** What rows are kept with. */
export interface RowTools {
  readonly redis: RedisConnection
  readonly names: Names
  readonly sealer: Sealer
  /** Begins the names of what one adapter remembers, as another may have the same keys elsewhere. */
  readonly memoName: string
}

/** Seconds that a row is kept; undefined for ever. */
export type Life = number | undefined

export const lifeOf = (expiresIn: number | undefined): Life =>
  expiresIn === undefined ? undefined : Math.max(1, Math.ceil(expiresIn)) + GRACE_SECONDS

const expiry = (life: Life) => (life === undefined ? [] : ['EX', String(life)])

/** What one request has read of a model, so that it need not be asked again: fresh, and only for that request. */
const createMemo = (model: string, own: string) => {
  const memo = () => (MEMORIZED.has(model) ? requestMemo() : undefined)
  return {
    recall(key: string): AdapterPayload | undefined {
      const known = memo()?.get(own + key)
      const isFresh = known?.text !== undefined && performance.now() - known.readAt < MEMO_MILLISECONDS
      // Parsed anew for each reader: the library changes what it was given.
      return isFresh && known.text !== undefined ? JSON.parse(known.text) : undefined
    },
    /** Begins a read; what it came to is remembered unless something was written or removed meanwhile. */
    begin(key: string) {
      const [here, before] = [memo(), memo()?.get(own + key)]
      return (text: string) => {
        if (here?.get(own + key) === before) here?.set(own + key, { text, readAt: performance.now() })
      }
    },
    remember: (key: string, text: string) => void memo()?.set(own + key, { text, readAt: performance.now() }),
    forget: (key: string) => void memo()?.set(own + key, { text: undefined, readAt: 0 }),
  }
}

/** Where the rows of a model stand: named by digests, as a token's identifier is the token. */
const createKeys = (model: string, names: Names) => ({
  nameOf: (id: string) => digest('oidc-step-up', 'row', model, id),
  keyOf: (name: string) => names.row(model, name),
  indexOf: (kind: string, value: string) => names.row(`${model}-${kind}`, digest('oidc-step-up', kind, value)),
})

/** Rows as text: sealed, and bound to model and name. */
const createSealedRows = (model: string, { redis, names, sealer, memoName }: RowTools) => {
  const memo = createMemo(model, memoName)
  const aad = (name: string) => ['row', names.row(model, name)]
  return {
    /** The row, and what to do once Redis has taken it. */
    seal(name: string, payload: AdapterPayload, key: string) {
      const { consumed } = payload
      const mark = consumed === undefined ? UNUSED : String(consumed).padStart(MARK_DIGITS, '0')
      const text = JSON.stringify(payload)
      memo.forget(key)
      return { row: `${mark}${sealer.seal(text, aad(name))}`, written: () => memo.remember(key, text) }
    },
    open(name: string, row: string, remember: (text: string) => void): AdapterPayload | undefined {
      try {
        const text = sealer.open(row.slice(MARK_DIGITS), aad(name))
        const payload: AdapterPayload = JSON.parse(text)
        remember(text)
        const mark = row.slice(0, MARK_DIGITS)
        return mark === UNUSED ? payload : { ...payload, consumed: Number(mark) }
      } catch {
        // Altered, moved, or sealed with a key that is gone: nothing that anybody can use.
        return undefined
      }
    },
    /** What stands there, or stood there a moment ago when this request asked. */
    async fetch(key: string, open: (text: string, remember: (text: string) => void) => AdapterPayload | undefined) {
      const known = memo.recall(key)
      if (known !== undefined) return known
      const remember = memo.begin(key)
      const text = await redis.command('GET', key)
      return typeof text === 'string' ? open(text, remember) : undefined
    },
    forget: memo.forget,
  }
}

/** What leads to rows by other values than their identifiers; an entry that leads nowhere is as good as none. */
const createIndexes = (model: string, { redis, names, sealer }: RowTools) => {
  const { keyOf, indexOf } = createKeys(model, names)
  const [first, ...older] = macsOf(sealer, 'index')
  // What people type is short: under a plain digest whoever reads Redis could find it by trying.
  const signed = (mac: Mac, kind: string, value: string) => names.row(`${model}-${kind}`, mac.sign(kind, value))
  return {
    point: (kind: string, value: string, name: string, life: Life) =>
      redis.command('SET', signed(first, kind, value), name, ...expiry(life)),
    async pointed(kind: string, value: string): Promise<string | undefined> {
      for (const mac of [first, ...older]) {
        const name = await redis.command('GET', signed(mac, kind, value))
        if (typeof name === 'string') return name
      }
      return undefined
    },
    join: (kind: string, value: string, name: string, life: Life) =>
      redis.run(JOIN, [indexOf(kind, value)], name, String(life ?? ENDLESS_SECONDS)),
    /** Removes all rows that have joined. */
    async removeJoined(kind: string, value: string) {
      const members = await redis.command('ZRANGE', indexOf(kind, value), '0', '-1')
      const joined = Array.isArray(members) ? members.map(String) : []
      if (joined.length === 0) return
      await Promise.all(joined.map((name) => redis.command('UNLINK', keyOf(name))))
      // Only these: another may have joined meanwhile.
      await redis.command('ZREM', indexOf(kind, value), ...joined)
    },
  }
}

/** The rows of one of oidc-provider's models, and what leads to them. */
export const createRows = (model: string, tools: RowTools) => {
  const { redis, names } = tools
  const { nameOf, keyOf, indexOf } = createKeys(model, names)
  const { seal, open, fetch, forget } = createSealedRows(model, tools)
  return Object.freeze({
    ...createIndexes(model, tools),
    nameOf,
    read: (name: string) => fetch(keyOf(name), (row, remember) => open(name, row, remember)),
    /** Whatever stood there is gone, but for its having been consumed, where that is asked for. */
    async write(name: string, payload: AdapterPayload, life: Life, keepMark: boolean) {
      const key = keyOf(name)
      const { row, written } = seal(name, payload, key)
      if (keepMark) await redis.run(KEEP, [key], row, String(life ?? ''))
      else await redis.command('SET', key, row, ...expiry(life))
      written()
    },
    /** Marks the row as consumed; false where it is already, or is not there. */
    consume: async (name: string, now: number): Promise<boolean> =>
      (await redis.run(CONSUME, [keyOf(name)], String(now).padStart(MARK_DIGITS, '0'))) === 1,
    async remove(name: string) {
      forget(keyOf(name))
      await redis.command('UNLINK', keyOf(name))
    },
    /** A copy of a row under another value of it: one read, where an index takes two. */
    async writeCopy(kind: string, value: string, name: string, payload: AdapterPayload, life: Life) {
      const key = indexOf(kind, value)
      const { row, written } = seal(name, payload, key)
      await redis.command('SET', key, `${name}${row}`, ...expiry(life))
      written()
    },
    readCopy(kind: string, value: string) {
      const key = indexOf(kind, value)
      return fetch(key, (copy, remember) => open(copy.slice(0, NAME_LENGTH), copy.slice(NAME_LENGTH), remember))
    },
    async removeCopy(kind: string, value: string, name: string) {
      forget(indexOf(kind, value))
      await redis.run(FORGET, [indexOf(kind, value)], name)
    },
  })
}
