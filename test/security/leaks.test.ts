import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { memoryStore } from '../../src/store/memory.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, secretOn } from '../support/relying-party.ts'
import { challenged, passed, TWO_KINDS, useBench, wrongCode } from './support.ts'

/** Everything that leaves the process or is kept by it while a piece of work runs. */
interface Traces {
  readonly printed: string[]
  readonly events: string[]
  readonly stored: string[]
  readonly urls: string[]
  readonly answers: { readonly url: string; readonly text: string }[]
}

const traces: Traces = { printed: [], events: [], stored: [], urls: [], answers: [] }

/** Listens on standard output, standard error, warnings and the network until the work is done. */
const listening = async (work: () => Promise<void>) => {
  const { fetch } = globalThis
  const streams = [process.stdout, process.stderr] as const
  const writes = streams.map((stream) => stream.write)
  const warn = (warning: Error) => traces.printed.push(inspect(warning))
  process.on('warning', warn)
  for (const stream of streams)
    stream.write = ((chunk: unknown) => {
      traces.printed.push(String(chunk))
      return true
    }) as typeof stream.write
  globalThis.fetch = async (input, init) => {
    const url = String(input instanceof Request ? input.url : input)
    const response = await fetch(input, init)
    traces.urls.push(url, response.headers.get('location') ?? '')
    traces.answers.push({ url, text: `${inspect([...response.headers])}\n${await response.clone().text()}` })
    return response
  }
  try {
    await work()
  } finally {
    globalThis.fetch = fetch
    streams.forEach((stream, index) => {
      stream.write = writes[index] as typeof stream.write
    })
    process.off('warning', warn)
  }
}

const holds = (text: string, secret: string) =>
  /^\d{6}$/.test(secret) ? new RegExp(`(?<!\\d)${secret}(?!\\d)`).test(text) : text.includes(secret)

type Place = 'printed' | 'events' | 'stored' | 'urls'

const whereKept = (secret: string, places: readonly Place[]) =>
  places.filter((place) => traces[place].some((text) => holds(text, secret))).map((place) => `${secret} in ${place}`)

/** A seed is answered by its own enrolment page, and by no other; a code by none. */
const whereAnswered = (secret: string, enrollUrl: string) =>
  traces.answers
    .filter(({ url }) => /^\d+$/.test(secret) || !new URL(url).pathname.startsWith(enrollUrl))
    .filter(({ text }) => holds(text, secret))
    .map(({ url }) => `${secret} answered at ${new URL(url).pathname}`)

describe('security: secrets stay where they belong', () => {
  const bench = useBench(() => {
    for (const list of Object.values(traces)) list.length = 0
    const store = memoryStore()
    return {
      stepUp: {
        store: {
          ...store,
          put: (key, value, options) => {
            traces.stored.push(inspect(key), value)
            return store.put(key, value, options)
          },
          save: (accountId, record, version) => {
            traces.stored.push(accountId, record)
            return store.save(accountId, record, version)
          },
        },
      },
      prepare: (provider) => {
        const emit = provider.emit.bind(provider) as (name: string, ...more: unknown[]) => boolean
        const said = (value: unknown) => !(typeof value === 'object' && value !== null && 'oidc' in value)
        Object.assign(provider, {
          emit: (name: string, ...more: unknown[]) => {
            traces.events.push(name, ...more.filter(said).map((value) => inspect(value, { depth: 8 })))
            return emit(name, ...more)
          },
        })
      },
    }
  })

  it('AC-85: no seed, code, token or cookie of a whole sign-in is printed, emitted, kept or answered', async () => {
    const secrets: string[] = []
    const tokens: string[] = []
    let enrollUrl = ''
    await listening(async () => {
      const bob = await createJourney(bench.host, 'bob')
      const first = await bob.go(TWO_KINDS)
      enrollUrl = first.page.url.pathname
      const seed = secretOn(first.page)
      secrets.push(seed, seed.replace(/.{4}(?=.)/g, '$& '), codeAt(seed))
      tokens.push(first.page.csrf)
      const wrong = wrongCode(seed)
      secrets.push(wrong)
      await bob.browser.post(first.page, { code: wrong })
      assert.ok(passed(await bob.enroll(first.page)))
      bob.browser.clear()
      bench.clock.advance(60)
      const { page, redeem } = await challenged(bob)
      secrets.push(codeAt(seed))
      // The interaction's cookie holds what its URL says; what keeps others out is the signature.
      const kept = bob.browser.cookies().filter(({ name }) => name === '_session' || name.endsWith('.sig'))
      tokens.push(page.csrf, ...kept.map(({ value }) => value))
      await bob.answer(page, wrong)
      await redeem((await bob.answer(page)).url)
    })
    assert.ok(traces.events.length > 10 && traces.stored.length > 10 && traces.answers.length > 10)
    const found = [
      ...secrets.flatMap((secret) => whereKept(secret, ['printed', 'events', 'stored', 'urls'])),
      ...secrets.flatMap((secret) => whereAnswered(secret, enrollUrl)),
      ...tokens.flatMap((token) => whereKept(token, ['printed', 'stored'])),
      ...traces.urls.filter((url) => /secret=|otpauth|[?&]code=\d{6}(&|$)|csrf/.test(url)),
    ]
    assert.deepEqual(found, [])
  })
})
