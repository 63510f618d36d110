import assert from 'node:assert/strict'
import type { RedisConnectionOptions } from '../../src/store/redis.ts'
import { challenged, enrolled, type Journey, passed, postOnly, TWO_KINDS } from '../security/support.ts'
import { keysOn } from '../store/redis-subject.ts'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import type { Redis } from '../support/redis.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { type RedisSentinel, startSentinel } from '../support/redis-sentinel.ts'
import { until } from '../support/until.ts'
import { type FaultBench, hops, reloaded, saysLater, told, useRedisHost } from './support.ts'

/** Names the slot of all that the plugin keeps of this account. */
const BOB = '{bob}'
/** Until everybody has noticed, on a machine that is busy with other things. Seconds. */
const RECOVERY = 8

/** In the middle of a sign-in a master goes: it says "later" in good time, and goes on as soon as another is master. */
const assertGoesOn = async (
  bench: FaultBench,
  { bob, page }: { bob: Journey; page: Page },
  goAway: () => Promise<Redis>,
  master: () => Promise<Redis>,
) => {
  const former = await goAway()
  try {
    const first = await hops('the answer', bob.browser, postOnly(bob.browser, page, { code: codeAt(bob.secret) }))
    assert.ok(passed(first) || saysLater(first), told(first))
    await until('another is master', async () => (await master()) !== former, 20)
    bench.clock.advance(60)
    const next = passed(first) ? first : await reloaded(bob, page, RECOVERY)
    const last = passed(next) ? next : await bob.answer(next)
    assert.ok(passed(last), told(last))
    bench.clock.advance(60)
    const again = await bob.go({ ...TWO_KINDS, prompt: 'login' })
    assert.ok(passed(await bob.answer(again.page)), 'and so does the next sign-in')
  } finally {
    former.resume()
  }
  assert.ok(passed((await bob.go(TWO_KINDS)).page), 'also when the old master is back')
}

const atChallenge = async (bench: FaultBench) => {
  const bob = await enrolled(bench)
  return { bob, ...(await challenged(bob)) }
}

describe('faults: a sign-in on a Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster.stop())
  beforeEach(async () => {
    for (const node of await cluster.masters()) await node.command('FLUSHALL')
  })
  const bench = useRedisHost((): RedisConnectionOptions => ({ cluster: cluster.urls }))
  afterEach(() => cluster.heal())

  const accountKey = async () => BOB
  /** Of the interaction whose page is open: oidc-provider's own row, on whatever node. */
  const interactionKey = async () => {
    const keys = await keysOn(await cluster.masters())
    return keys.find((key) => key.includes(':Interaction:')) ?? assert.fail('no interaction')
  }
  const GOING: Readonly<Record<string, readonly [key: () => Promise<string>, go: (key: string) => Promise<Redis>]>> = {
    "F-05: goes on when the account's master is killed": [accountKey, (key) => cluster.killMasterOf(key)],
    "F-05: goes on when the interaction's master is killed": [interactionKey, (key) => cluster.killMasterOf(key)],
    'F-05: goes on when a replica takes over by force': [accountKey, (key) => cluster.failover(key)],
    "F-06: goes on when the account's master stands still": [accountKey, (key) => cluster.pauseMasterOf(key)],
  }
  for (const [title, [keyOf, go]] of Object.entries(GOING))
    it(title, async () => {
      const sitting = await atChallenge(bench)
      const key = await keyOf()
      await assertGoesOn(
        bench,
        sitting,
        () => go(key),
        () => cluster.masterOf(key),
      )
    })
})

describe('faults: a sign-in with sentinels', function () {
  this.timeout(60_000)
  let sentinel: RedisSentinel
  before(async () => {
    sentinel = await startSentinel()
  })
  after(() => sentinel.stop())
  beforeEach(async () => {
    await (await sentinel.master()).command('FLUSHALL')
  })
  const bench = useRedisHost((): RedisConnectionOptions => ({ sentinel: { name: sentinel.name, urls: sentinel.urls } }))
  afterEach(() => sentinel.heal())

  const GOING: Readonly<Record<string, () => Promise<Redis>>> = {
    'F-05: goes on when the master is killed': () => sentinel.killMaster(),
    'F-06: goes on when the master stands still': () => sentinel.pauseMaster(),
  }
  for (const [title, go] of Object.entries(GOING))
    it(title, async () => {
      await assertGoesOn(bench, await atChallenge(bench), go, () => sentinel.master())
    })
})
