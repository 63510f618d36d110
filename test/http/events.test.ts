import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import Koa, { type Context } from 'koa'
import { type EventSource, type StreamEvent, sendEvents } from '../../src/http/events.ts'
import { until } from '../support/until.ts'

/** Something to tell, whose lookings and watchers are counted. */
const createSource = (first: StreamEvent = { name: 'same', data: 'a' }) => {
  const watchers = new Set<() => void>()
  const state = { event: first, looks: 0, fault: undefined as Error | undefined }
  const source: EventSource = {
    async look() {
      state.looks += 1
      if (state.fault !== undefined) throw state.fault
      return state.event
    },
    watch(told) {
      watchers.add(told)
      return () => void watchers.delete(told)
    },
  }
  const tell = (event: StreamEvent) => {
    state.event = event
    for (const told of watchers) told()
  }
  return { source, state, watchers, tell }
}

type Source = ReturnType<typeof createSource>

describe('http: streams of events', () => {
  const servers: Server[] = []
  const timers = { set: new Set<unknown>(), longest: undefined as (() => void) | undefined }
  const real = { setInterval, clearTimeout, setTimeout }

  /** Timers of more than a second are counted; the longest can be made to fire. */
  beforeEach(() => {
    timers.set.clear()
    const counted =
      (make: typeof setTimeout) =>
      (work: () => void, milliseconds = 0, ...more: never[]) => {
        const timer = make(work, milliseconds, ...more)
        if (milliseconds >= 2000 && [2000, 15_000, 300_000].includes(milliseconds)) timers.set.add(timer)
        if (milliseconds === 300_000) timers.longest = work
        return timer
      }
    globalThis.setTimeout = counted(real.setTimeout) as typeof setTimeout
    globalThis.setInterval = counted(real.setInterval as never) as never
    globalThis.clearTimeout = (timer) => {
      timers.set.delete(timer)
      real.clearTimeout(timer)
    }
  })
  afterEach(async () => {
    Object.assign(globalThis, real)
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  })

  const serve = async ({ source }: Source, before: (ctx: Context) => Promise<unknown> = async () => undefined) => {
    const app = new Koa()
    const errors: unknown[] = []
    app.on('error', (error) => errors.push(error))
    app.use(async (ctx) => {
      await before(ctx)
      sendEvents(ctx, source)
    })
    const server = createServer(app.callback())
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { port, url: `http://127.0.0.1:${port}/`, errors }
  }

  const isLetGo = ({ watchers }: Source) => watchers.size === 0 && timers.set.size === 0

  it('tell what there is at once and at every change, each once, and end with the last', async () => {
    const source = createSource()
    const { url } = await serve(source)
    const response = await fetch(url)
    const headers = Object.fromEntries(response.headers)
    assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(headers['cache-control'], 'no-store')
    await until('the first look', () => source.state.looks > 0)
    source.tell({ name: 'same', data: 'a' })
    await until('the second look', () => source.state.looks > 1)
    source.tell({ name: 'changed', data: 'b', last: true })
    const text = (await response.text()).replaceAll(':\n\n', '')
    assert.equal(text, 'event: same\ndata: a\n\nevent: changed\ndata: b\n\n')
    await until('all let go', () => isLetGo(source))
  })

  it('let go of everything once the other side is gone', async () => {
    const source = createSource()
    const { url } = await serve(source)
    const many = Array.from({ length: 20 }, () => new AbortController())
    await Promise.all(many.map(({ signal }) => fetch(url, { signal })))
    assert.equal(source.watchers.size, 20)
    for (const one of many) one.abort()
    await until('all let go', () => isLetGo(source))
  })

  it('begin nothing for somebody who is gone before there was anything to tell', async () => {
    const source = createSource()
    const arrived: (() => void)[] = []
    const begun = { count: 0 }
    const { port } = await serve(source, async (ctx) => {
      const gone = once(ctx.res, 'close')
      arrived.push(() => undefined)
      await gone
      begun.count += 1
    })
    for (let each = 0; each < 5; each += 1) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until('the request arrives', () => arrived.length > each)
      socket.destroy()
    }
    await until('all requests went on', () => begun.count === 5)
    await until('all let go', () => isLetGo(source), 2)
  })

  it('end after five minutes, with all that they hold', async () => {
    const source = createSource()
    const { url } = await serve(source)
    const response = await fetch(url)
    await until('the stream stands', () => source.state.looks > 0)
    timers.longest?.()
    assert.match(await response.text(), /data: a/)
    await until('all let go', () => isLetGo(source))
  })

  it('end where looking fails, which is nobody’s unhandled rejection', async () => {
    const source = createSource()
    source.state.fault = new Error('the store did not answer')
    const { url, errors } = await serve(source)
    assert.equal((await (await fetch(url)).text()).replaceAll(':\n\n', ''), '')
    await until('all let go', () => isLetGo(source))
    assert.deepEqual(errors, [])
  })

  it('answer HEAD without a body, and keep nothing for it', async () => {
    const source = createSource()
    const { url } = await serve(source)
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(2000) })
    assert.equal(response.status, 200)
    assert.equal(await response.text(), '')
    await until('all let go', () => isLetGo(source))
  })

  it('look once more where something changed while it was looked', async () => {
    const source = createSource()
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow: Source = {
      ...source,
      source: {
        ...source.source,
        async look() {
          const event = await source.source.look()
          if (source.state.looks === 1) await held
          return event
        },
      },
    }
    const { url } = await serve(slow)
    const response = await fetch(url)
    await until('it is looked', () => source.state.looks === 1)
    for (let each = 0; each < 5; each += 1) source.tell({ name: 'changed', data: 'b', last: true })
    release?.()
    assert.match(await response.text(), /data: b/)
    assert.equal(source.state.looks, 2)
  })
})
