import { Agent, request } from 'node:http'

/** None of them waits for another's connection. */
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })

const nameOf = (block) => /^event: (.+)$/m.exec(block)?.[1]

/**
 * Opens a stream of server-sent events; comments are dropped. It answers once the first event is here.
 *
 * @param {URL} url
 * @param {Record<string, string>} headers
 * @throws Error where no stream is answered, or it ends without an event
 * @see HTML Living Standard, "Server-sent events"
 */
export const openStream = (url, headers) =>
  new Promise((resolve, reject) => {
    const events = []
    const listeners = new Set()
    const sent = request(url, { agent, headers }, (answer) => {
      const ended = new Promise((end) => answer.once('close', end))
      const stream = Object.freeze({
        /** Names of the events so far. */
        events,
        /** Resolves once it is over, whoever ended it. */
        ended,
        /** Calls `told` with the name of each further event, at once when it comes. */
        listen: (told) => listeners.add(told),
        close: () => sent.destroy(),
      })
      answer.once('close', () => reject(new Error(`${answer.statusCode} at ${url}: no event`)))
      let rest = ''
      answer.setEncoding('utf8').on('error', () => undefined)
      answer.on('data', (chunk) => {
        const blocks = `${rest}${chunk}`.split('\n\n')
        rest = blocks.pop()
        for (const name of blocks.map(nameOf).filter((one) => one !== undefined)) {
          events.push(name)
          for (const told of listeners) told(name)
          resolve(stream)
        }
      })
    })
    sent.on('error', reject)
    sent.end()
  })
