import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider'
import type { Clock } from '../clock.ts'

interface Row {
  readonly payload: AdapterPayload
  /** Epoch seconds; infinite where oidc-provider gave no time to live. */
  readonly endsAt: number
}

// oidc-provider judges expiry itself and forgives some seconds (`clockTolerance`), so a row outlives its time a little.
const GRACE_SECONDS = 60
const SWEEP_SECONDS = 30

// Anybody can open interactions, each with parameters of several kilobytes, and each stays for an hour.
const MAX_INTERACTIONS = 5_000

const modelRows = (clock: Clock, capacity: number) => {
  const rows = new Map<string, Row>()
  const ids = new Map<string, string>()
  let sweepAt = clock() + SWEEP_SECONDS

  const indexesOf = ({ uid, userCode }: AdapterPayload) => [
    ...(uid === undefined ? [] : [`uid:${uid}`]),
    ...(userCode === undefined ? [] : [`code:${userCode}`]),
  ]
  const drop = (id: string) => {
    const row = rows.get(id)
    rows.delete(id)
    // A session that changed its id has moved its index on already.
    for (const index of row ? indexesOf(row.payload) : []) if (ids.get(index) === id) ids.delete(index)
  }
  const sweep = () => {
    if (clock() < sweepAt) return
    sweepAt = clock() + SWEEP_SECONDS
    for (const [id, { endsAt }] of rows) if (endsAt <= clock()) drop(id)
  }
  const read = (id: string | undefined) => {
    const row = id === undefined ? undefined : rows.get(id)
    return row && row.endsAt > clock() ? row : undefined
  }

  return {
    drop,
    read,
    readBy: (index: string) => read(ids.get(index)),
    write(id: string, row: Row) {
      sweep()
      drop(id)
      rows.set(id, row)
      const [oldest] = rows.keys()
      if (rows.size > capacity && oldest !== undefined) drop(oldest)
      for (const index of indexesOf(row.payload)) ids.set(index, id)
    },
    dropGrant(grantId: string) {
      for (const [id, { payload }] of rows) if (payload.grantId === grantId) drop(id)
    },
  }
}

/**
 * oidc-provider's own records in the memory of this process, for this process only and until it ends.
 *
 * Unlike oidc-provider's quick-start adapter it drops nothing that has not expired, but the oldest of more than
 * 5,000 open interactions, and it lets a code or refresh token
 * be consumed once even by requests at the same time.
 */
export const memoryAdapter =
  (clock: Clock): AdapterFactory =>
  (name: string): Adapter => {
    const rows = modelRows(clock, name === 'Interaction' ? MAX_INTERACTIONS : Number.POSITIVE_INFINITY)
    return Object.freeze({
      async upsert(id: string, payload: AdapterPayload, expiresIn: number | undefined) {
        const endsAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : clock() + expiresIn + GRACE_SECONDS
        rows.write(id, { payload, endsAt })
      },
      find: async (id: string) => rows.read(id)?.payload,
      findByUid: async (uid: string) => rows.readBy(`uid:${uid}`)?.payload,
      findByUserCode: async (userCode: string) => rows.readBy(`code:${userCode}`)?.payload,
      async consume(id: string) {
        const row = rows.read(id)
        if (!row || row.payload.consumed) throw new errors.InvalidGrant('already consumed')
        rows.write(id, { ...row, payload: { ...row.payload, consumed: clock() } })
      },
      destroy: async (id: string) => rows.drop(id),
      revokeByGrantId: async (grantId: string) => rows.dropGrant(grantId),
    })
  }
