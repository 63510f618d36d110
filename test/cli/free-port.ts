import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

/** Holds a port that was free on the loopback address. */
export const holdPort = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    release: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

/** A port that is free on the loopback address at this moment. */
export const freePort = async () => {
  const { port, release } = await holdPort()
  await release()
  return port
}
