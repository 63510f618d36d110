import assert from 'node:assert/strict'
import type { Adapter } from 'oidc-provider'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type RedisConnection, redisConnection, redisStore } from '../../src/store/redis.ts'
import { redisAdapter } from '../../src/store/redis-adapter.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { grantOf } from '../journeys/flows.ts'
import { type Host, startHost } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'
import { newKey } from './adapter-subject.ts'

type Owner = 'provider' | 'ours'

/**
 * Counts round trips: all commands that are sent before the event loop turns are on their way together, and come
 * back together.
 */
const createCounter = () => {
  let ticks: Owner[][] = []
  let plain = 0
  let open: Owner[] | undefined
  const note = (owner: Owner) => {
    if (open === undefined) {
      const begun: Owner[] = []
      ticks.push(begun)
      open = begun
      setImmediate(() => {
        open = undefined
      })
    }
    open.push(owner)
  }
  return {
    of: (owner: Owner, connection: RedisConnection): RedisConnection => ({
      ...connection,
      command(...command) {
        note(owner)
        return connection.command(...command)
      },
      run(...script) {
        note(owner)
        return connection.run(...script)
      },
    }),
    /** Counts what an adapter would send that follows an index to a session and remembers nothing. */
    plainly: (adapter: Adapter): Adapter => ({
      upsert(id, payload, expiresIn) {
        const { kind = '', uid, userCode, grantId } = payload
        const isGranted = grantId !== undefined && !/^(Grant|Interaction|Session)$/.test(kind)
        const indexes = [kind === 'Session' && uid !== undefined, userCode !== undefined, isGranted]
        plain += 1 + indexes.filter(Boolean).length
        return adapter.upsert(id, payload, expiresIn)
      },
      find(id) {
        plain += 1
        return adapter.find(id)
      },
      findByUid(uid) {
        plain += 2
        return adapter.findByUid(uid)
      },
      findByUserCode(userCode) {
        plain += 2
        return adapter.findByUserCode(userCode)
      },
      consume(id) {
        plain += 1
        return adapter.consume(id)
      },
      destroy(id) {
        plain += 1
        return adapter.destroy(id)
      },
      revokeByGrantId(grantId) {
        plain += 2
        return adapter.revokeByGrantId(grantId)
      },
    }),
    /** What was sent while this was done. */
    during: async <T>(work: () => Promise<T>) => {
      // The last request may still have something on its way.
      await new Promise((resolve) => setImmediate(resolve))
      ticks = []
      plain = 0
      const result = await work()
      const withSome = (owner: Owner) => ticks.filter((tick) => tick.includes(owner)).length
      return {
        result,
        /** In which something of the provider's was sent. */
        provider: withSome('provider'),
        /** In which something of ours was sent. */
        ours: withSome('ours'),
        /** In which only ours was sent: what they add. */
        added: ticks.filter((tick) => tick.every((owner) => owner === 'ours')).length,
        plain,
      }
    },
  }
}

describe('store/redis-adapter, round trips', () => {
  const counter = createCounter()
  let redis: Redis
  let connection: RedisConnection
  let host: Host
  let clock: VirtualClock
  before(async () => {
    redis = await startRedis()
    connection = redisConnection({ url: redis.url, deadlineSeconds: 5 })
    const adapter = redisAdapter({ connection: counter.of('provider', connection), sealingKeys: [newKey()] })
    host = await startHost({
      stepUp: { store: redisStore({ connection: counter.of('ours', connection) }) },
      configuration: {
        adapter: (model) => counter.plainly(adapter(model)),
        loadExistingGrant: grantOf('openid profile'),
      },
    })
    clock = virtualClock()
  })
  after(async () => {
    clock.restore()
    const { errors } = host
    await host.close()
    await connection.close()
    await redis.stop()
    assert.deepEqual(errors, [])
  })

  type Journey = Awaited<ReturnType<typeof createJourney>>

  /** One whole authorization with its tokens, by somebody who answers what he is asked. */
  const authorize = async (person: Journey, parameters: Readonly<Record<string, string>> = {}) => {
    const { page, redeem } = await person.go(parameters)
    const answer = isAnswer(page) ? page : await person.answer(page)
    assert.ok(isAnswer(answer), answer.heading)
    return redeem(answer.url)
  }

  /** Somebody with an app, at a browser that was never here. */
  const enrolled = async (login: string) => {
    const person = await createJourney(host, login)
    const { page } = await person.go({ acr_values: MULTI_FACTOR })
    assert.ok(isAnswer(await person.enroll(page)))
    clock.advance(60)
    const fresh = await createJourney(host, login)
    fresh.secret = person.secret
    return fresh
  }

  it('a login without any factor: at most 14 of the provider, where a plain adapter sends 19 commands one by one', async () => {
    const person = await createJourney(host, 'carol')
    const { result, provider, added, plain } = await counter.during(() => authorize(person))
    assert.equal(result.sub, 'carol')
    assert.ok(provider > 0 && provider <= 14, `${provider}`)
    assert.ok(added <= 1, `our records add ${added}`)
    assert.ok(plain >= 19, `a plain adapter sends ${plain}`)
  })

  it('a login with a code from an app: our records add at most 8', async () => {
    const person = await enrolled('alice')
    const { result, ours, added } = await counter.during(() => authorize(person, { acr_values: MULTI_FACTOR }))
    assert.equal(result.acr, MULTI_FACTOR)
    assert.ok(ours > added && added > 0 && added <= 8, `${added} of ${ours}`)
  })

  it('a silent sign-on: our records add at most 1', async () => {
    const person = await enrolled('bob')
    await authorize(person, { acr_values: MULTI_FACTOR })
    const silent = { prompt: 'none', acr_values: MULTI_FACTOR }
    const { result, ours, added, provider } = await counter.during(() => authorize(person, silent))
    assert.equal(result.acr, MULTI_FACTOR)
    assert.ok(ours > 0 && added <= 1, `${added} of ${ours}`)
    assert.ok(provider <= 9, `${provider}`)
  })
})
