import { createClient } from 'redis'

const CONSUMABLE = new Set(['AuthorizationCode', 'BackchannelAuthenticationRequest', 'DeviceCode', 'RefreshToken'])
const GRANTABLE = new Set([...CONSUMABLE, 'AccessToken'])

/** As long as the grant itself lives, so that no shorter-lived token ends the list of its tokens early. */
const GRANT_SECONDS = 86_400

const grantKey = (grantId) => `grant:${grantId}`
const uidKey = (uid) => `uid:${uid}`
const userCodeKey = (userCode) => `userCode:${userCode}`

const createModel = (name, client) => {
  const keyOf = (id) => `${name}:${id}`
  const isConsumable = CONSUMABLE.has(name)

  const write = (key, payload, expiresIn) => {
    const text = JSON.stringify(payload)
    if (!isConsumable) return [client.set(key, text, { expiration: { type: 'EX', value: expiresIn } })]
    return [client.hSet(key, { payload: text }), client.expire(key, expiresIn)]
  }
  const point = (index, id, expiresIn) => client.set(index, id, { expiration: { type: 'EX', value: expiresIn } })

  const find = async (id) => {
    if (!isConsumable) {
      const text = await client.get(keyOf(id))
      return text === null ? undefined : JSON.parse(text)
    }
    const { payload, ...more } = await client.hGetAll(keyOf(id))
    return payload === undefined ? undefined : { ...more, ...JSON.parse(payload) }
  }
  const findBy = async (index) => {
    const id = await client.get(index)
    return id === null ? undefined : find(id)
  }

  return {
    async upsert(id, payload, expiresIn) {
      const key = keyOf(id)
      const { grantId, uid, userCode } = payload
      const work = write(key, payload, expiresIn)
      if (GRANTABLE.has(name) && grantId !== undefined)
        work.push(client.rPush(grantKey(grantId), key), client.expire(grantKey(grantId), GRANT_SECONDS))
      if (userCode !== undefined) work.push(point(userCodeKey(userCode), id, expiresIn))
      if (uid !== undefined) work.push(point(uidKey(uid), id, expiresIn))
      await Promise.all(work)
    },
    find,
    findByUid: (uid) => findBy(uidKey(uid)),
    findByUserCode: (userCode) => findBy(userCodeKey(userCode)),
    consume: (id) => client.hSet(keyOf(id), 'consumed', Math.floor(Date.now() / 1000)),
    destroy: (id) => client.del(keyOf(id)),
    async revokeByGrantId(grantId) {
      const keys = await client.lRange(grantKey(grantId), 0, -1)
      await Promise.all([...keys, grantKey(grantId)].map((key) => client.del(key)))
    },
  }
}

/**
 * What a host writes in an afternoon, on the pattern of the Redis adapter among oidc-provider's examples: one key for
 * each row and one for each index. It is cheaper than that example, not dearer: no MULTI around a write, no TTL before
 * an EXPIRE, and what can be sent at once is sent at once. Nothing is sealed, and a code can be redeemed by two
 * requests that come at the same time.
 *
 * @param {string} url
 */
export const straightforwardAdapter = async (url) => {
  const client = createClient({ url })
  await client.connect()
  return { adapter: (name) => createModel(name, client) }
}
