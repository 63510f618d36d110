/**
 * Lua that adds a member to a sorted set by its end: ended members are forgotten at each write, and the set itself
 * ends with its longest member.
 *
 * @param key - Which of the script's keys the set is, such as `KEYS[1]`.
 * @param member - Which argument the member is.
 * @param life - Which argument says how many seconds it is kept.
 */
export const addUntilEnd = (key: string, member: string, life: string): string => `
local life = tonumber(${life})
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', ${key}, '-inf', now - 1)
redis.call('ZADD', ${key}, now + life, ${member})
if redis.call('TTL', ${key}) < life then redis.call('EXPIRE', ${key}, life) end`
