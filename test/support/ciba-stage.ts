import assert from 'node:assert/strict'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { createOutbox } from '../factors/push-support.ts'
import { type Asker, type CibaOptions, createAsker, enrollPhone, startCibaHost } from './ciba.ts'
import type { Host } from './host.ts'
import type { Phone } from './phone.ts'

/** What the phone answers. */
export const RIGHT = { number: '4711' }
export const WRONG = { number: '1' }

interface Held {
  host: Host
  clock: VirtualClock
  phone: Phone
  app: Asker
  outbox: ReturnType<typeof createOutbox>
}

/** One host with Bob's phone, and one client that asks him. */
export interface CibaStage extends Readonly<Held> {
  /** Ids of requests that were written and not taken back. */
  readonly kept: ReadonlySet<string>
  start(options?: CibaOptions): Promise<void>
  /** The request is refused, nobody is asked, and nothing of it stays. */
  assertRefused(error: string, parameters?: Readonly<Record<string, string>>): Promise<string | undefined>
}

/** A stage for each test, which starts its own host on it. */
export const useCibaStage = (): CibaStage => {
  const kept = new Set<string>()
  const stage = Object.assign({} as Held, {
    kept,
    async start({ push, ...options }: CibaOptions = {}) {
      stage.host = await startCibaHost({ push: { senders: [stage.outbox.sender], ...push }, ...options })
      stage.phone = await enrollPhone(stage.host, 'bob', { service: 'pigeon', token: 'of bob' })
      stage.app = await createAsker(stage.host)
      stage.clock.advance(60)
      const { provider } = stage.host
      provider.on('backchannel_authentication_request.saved', ({ jti }) => void kept.add(jti))
      provider.on('backchannel_authentication_request.destroyed', ({ jti }) => void kept.delete(jti))
    },
    async assertRefused(error: string, parameters: Readonly<Record<string, string>> = {}) {
      const standing = () => ({ sent: stage.outbox.sent.length, kept: kept.size })
      const before = standing()
      const refused = await stage.app.refused(parameters)
      assert.equal(refused.error, error, JSON.stringify(parameters))
      assert.deepEqual(standing(), before)
      return refused.description
    },
  })
  beforeEach(() => {
    stage.clock = virtualClock()
    stage.outbox = createOutbox()
    kept.clear()
  })
  afterEach(async () => {
    stage.clock.restore()
    const { errors } = stage.host
    await stage.host.close()
    assert.deepEqual(errors, [])
  })
  return stage
}
