import { PUBLIC_KEY } from './authenticator.mjs'
import { createAgent } from './browser.mjs'
import { DEVICE_KEY } from './device.mjs'
import { createFlows } from './flows.mjs'
import { openMailbox } from './mailbox.mjs'
import { BROWSERS, inParallel } from './parallel.mjs'
import { createPeople } from './people.mjs'
import { startServer } from './server-process.mjs'

/** What each flow begins with: a session of its own, or one of a few where the flow leaves it as it is. */
const prepare = async ({ prepare: one, isReusable }, count) => {
  if (one === undefined) return () => undefined
  const prepared = await inParallel(isReusable ? BROWSERS : count, one)
  return (index) => prepared[index % prepared.length]
}

/**
 * A server with its load generator, warmed up by the very flow that is going to be measured.
 *
 * @param {{ settings: object, flow: string, warmUp: number, flows: number }} options
 * @throws Error where a flow did not come to what it should, with what the server had to say
 */
export const openWindow = async ({ settings, flow, warmUp, flows }) => {
  // Each flow has a person of its own, since a code works once.
  const people = warmUp + flows + BROWSERS
  const mailbox = settings.variant.factor === 'email' ? await openMailbox() : undefined
  const keys = { publicKey: PUBLIC_KEY, deviceKey: DEVICE_KEY }
  const server = await startServer({ ...settings, people, ...keys, smtpUrl: mailbox?.url })
  const agent = createAgent()
  const { issuer } = server
  const close = async () => {
    agent.destroy()
    await server.close()
    await mailbox?.close()
  }
  const explained = async (work) => {
    try {
      return await work()
    } catch (cause) {
      await close()
      throw new Error(`${settings.variant.id}, ${flow}: ${cause.message}\n${server.complaints()}`, { cause })
    }
  }
  return explained(async () => {
    const { [flow]: chosen } = createFlows({ issuer, agent, jwk: settings.jwk, people: createPeople(people), mailbox })
    const given = await prepare(chosen, warmUp + flows)
    await inParallel(warmUp, (index) => chosen.run(given(index)))
    // What the preparation left behind is no garbage of the flows that are measured.
    await server.collect()
    return {
      server,
      /** Some of the window's flows: `count` of them from the index on, by so many browsers. */
      run: (start, count, browsers = BROWSERS) =>
        explained(() => inParallel(count, (index) => chosen.run(given(warmUp + start + index)), browsers)),
      close,
    }
  })
}
