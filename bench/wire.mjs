import { once } from 'node:events'
import { connect, createServer } from 'node:net'

const CR = 13

/** The bulk strings of the first whole command in the buffer (RESP arrays), and where it ends; undefined if none. */
const readCommand = (buffer) => {
  const lineEnd = (from) => {
    const end = buffer.indexOf(CR, from)
    return end === -1 || end + 2 > buffer.length ? undefined : end
  }
  let end = lineEnd(0)
  if (end === undefined) return undefined
  const count = Number(buffer.latin1Slice(1, end))
  let offset = end + 2
  const words = []
  for (let index = 0; index < count; index += 1) {
    end = lineEnd(offset)
    if (end === undefined) return undefined
    const start = end + 2
    const length = Number(buffer.latin1Slice(offset + 1, end))
    if (start + length + 2 > buffer.length) return undefined
    words.push(buffer.latin1Slice(start, start + length))
    offset = start + length + 2
  }
  return { words, offset }
}

const SCRIPTS = new Set(['EVAL', 'EVALSHA'])

const described = (words) => {
  const name = words[0].toUpperCase()
  return { name, key: SCRIPTS.has(name) ? words[3] : (words[1] ?? '') }
}

/** Splits what a client sends into commands, however the chunks are cut. */
const createParser = () => {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const commands = []
    for (let read = readCommand(rest); read !== undefined; read = readCommand(rest)) {
      commands.push(described(read.words))
      rest = rest.subarray(read.offset)
    }
    return commands
  }
}

/**
 * Counts on the wire what any client asks of Redis, whatever it is written with: commands, and round trips, which are
 * the times that somebody had to wait for an answer. All that is sent before an answer comes back is one round trip.
 *
 * @param {number} port - Of the Redis server
 */
export const startWire = async (port) => {
  const sockets = new Set()
  let trips = []
  let isWaiting = false

  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    const parse = createParser()
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true).on('error', () => undefined))
      socket.once('close', () => sockets.delete(socket))
    }
    client.on('data', (chunk) => {
      const commands = parse(chunk)
      if (!isWaiting) trips.push([])
      trips.at(-1).push(...commands)
      isWaiting = true
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      isWaiting = false
      client.write(chunk)
    })
    client.once('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${server.address().port}`,
    /** The round trips since it was asked last: the commands of each, with their first keys. */
    take() {
      const taken = trips
      trips = []
      isWaiting = false
      return taken
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
