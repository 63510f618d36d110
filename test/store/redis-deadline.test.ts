import assert from 'node:assert/strict'
import { redisConnection } from '../../src/store/redis.ts'
import { startRedis } from '../support/redis.ts'

/** Keeps the process from reading what has arrived. */
const block = (milliseconds: number) => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

describe('store/redis, the deadline', () => {
  it('finds no answer late that had arrived while the process was busy', async () => {
    const redis = await startRedis()
    const connection = redisConnection({ url: redis.url, deadlineSeconds: 0.2 })
    try {
      await connection.command('SET', 'key', 'value')
      const answer = connection.command('GET', 'key')
      // Right after it was sent, and before an answer can be read.
      await new Promise(setImmediate)
      block(400)
      assert.equal(await answer, 'value')
    } finally {
      await connection.close()
      await redis.stop()
    }
  })
})
