import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { totp } from '../../src/factors/totp.ts'
import type { AnyFactor } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Page } from '../support/browser.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import { advanced, challenged, enrolled, passed, postOnly, sendRaw, TWO_KINDS, useBench, wrongCode } from './support.ts'

const SECRETIVE = 'connect ECONNREFUSED redis://user:hunter2@10.0.0.1:6379'

/** No page for the public says where, in what, or how it failed. */
const assertDiscreet = ({ text, headers }: Page) => {
  // Our own script is named on every page.
  const all = `${text.replace(/<script [^>]*>/, '')}\n${JSON.stringify([...headers])}`
  assert.doesNotMatch(
    all,
    /hunter2|ECONN|redis|10\.0\.0\.1|node_modules|\.ts\b|\.js\b|\bat \w+|Error:? [A-Z]\w+Error|file:|\/src\//,
  )
}

const referenceOn = ({ text }: Page) => load(text)('.reference code').text()

/** A store whose every method fails while `down`. */
const failing = () => {
  const state = { down: false }
  const inner = memoryStore()
  const store = Object.fromEntries(
    Object.entries(inner).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        if (state.down) throw new Error(SECRETIVE)
        return (method as (...all: unknown[]) => Promise<unknown>)(...args)
      },
    ]),
  ) as unknown as typeof inner
  return { state, store }
}

describe('security: a store out of reach', () => {
  let broken: ReturnType<typeof failing>
  const bench = useBench(
    () => {
      broken = failing()
      return { stepUp: { store: broken.store } }
    },
    { faulty: true },
  )

  it('AC-96: gets a page that says later, no pass, and service goes on when it is back', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    broken.state.down = true
    const shown = await bob.browser.get(page.url)
    const posted = await bob.answer(page)
    for (const answer of [shown, posted]) {
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'])
      assert.match(referenceOn(answer), /^[\w-]{6,}$/)
      assert.equal(advanced(answer), false)
      assertDiscreet(answer)
    }
    assert.ok(shown.targets.includes(page.url.pathname), 'a link to try again')
    broken.state.down = false
    assert.equal((await bob.browser.get(page.url)).status, 200)
    assert.ok(passed(await bob.answer(page)))
  })

  it('AC-96, AC-74: no request passes while it is away, with whatever session', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    assert.ok(passed(await bob.answer(page)))
    const fresh = await createJourney(bench.host, 'alice')
    broken.state.down = true
    for (const parameters of [{}, TWO_KINDS, { acr_values: 'urn:okta:loa:2fa:any' }, { ...TWO_KINDS, prompt: 'none' }])
      for (const journey of [bob, fresh]) {
        const { page: answer } = await journey.go(parameters)
        assert.equal(passed(answer), false, JSON.stringify(parameters))
        assertDiscreet(answer)
        assert.doesNotMatch(answer.url.search, /hunter2|redis/)
        if (isAnswer(answer))
          assert.ok(
            ['server_error', 'temporarily_unavailable', 'login_required'].includes(errorOf(answer) ?? ''),
            errorOf(answer),
          )
        else assert.ok(answer.status === 503 || answer.status === 500, String(answer.status))
      }
    broken.state.down = false
    assert.ok(passed((await bob.go(TWO_KINDS)).page))
  })

  it('AC-96: an authorization request that cannot be judged is told to come later, by page or by error', async () => {
    const bob = await enrolled(bench)
    assert.ok(passed((await bob.go()).page))
    broken.state.down = true
    const { page } = await bob.go(TWO_KINDS)
    const told = isAnswer(page) ? errorOf(page) : `${page.status} ${page.headers.get('retry-after')}`
    assert.ok(told === 'temporarily_unavailable' || /^503 \d+$/.test(told ?? ''), told)
  })

  it('AC-96: a link to try again never leads away, however the address was sent', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    broken.state.down = true
    for (const target of [`http://evil.example${page.url.pathname}`, `https://evil.example${page.url.pathname}`]) {
      const cookie = bob.browser.cookies().find(({ path }) => path === page.url.pathname)
      const signature = bob.browser
        .cookies()
        .find(({ path, name }) => path === page.url.pathname && name.endsWith('.sig'))
      const answer = await sendRaw(
        bench.host,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nCookie: _interaction=${cookie?.value}; _interaction.sig=${signature?.value}\r\nConnection: close\r\n\r\n`,
      )
      assert.doesNotMatch(answer, /evil\.example/)
    }
  })
})

const thrown: Readonly<Record<string, unknown>> = {
  'an error': Object.assign(new Error(SECRETIVE), { status: 200, expose: true, headers: { location: 'http://evil' } }),
  'a frozen error': Object.freeze(new Error(SECRETIVE)),
  'a text': SECRETIVE,
  nothing: undefined,
  null: null,
  'a range error': new RangeError(SECRETIVE),
  'an abort': new DOMException(SECRETIVE, 'AbortError'),
}

describe('security: a factor that throws', () => {
  let fault: { readonly value: unknown } | undefined
  const bench = useBench(
    () => {
      fault = undefined
      const inner: AnyFactor = totp({ issuer: 'Test' })
      const faulty =
        <Args extends unknown[], Result>(method: (...args: Args) => Result) =>
        (...args: Args) => {
          if (fault !== undefined) throw fault.value
          return method(...args)
        }
      const { challenge } = inner
      const factor: AnyFactor = {
        ...inner,
        challenge: { ...challenge, submit: faulty(challenge.submit), view: faulty(challenge.view) },
      }
      return { stepUp: { factors: [factor] } }
    },
    { faulty: true },
  )

  for (const [name, value] of Object.entries(thrown))
    it(`AC-96: ${name} becomes a page with a reference, and the next try works`, async () => {
      const bob = await enrolled(bench)
      const { page } = await challenged(bob)
      fault = { value }
      for (const answer of [await bob.browser.get(page.url), await bob.answer(page)]) {
        assert.equal(answer.status, 500)
        assert.equal(answer.heading, 'Something went wrong on our side')
        assert.match(referenceOn(answer), /^[\w-]{6,}$/)
        assert.equal(answer.headers.get('x-frame-options'), 'DENY')
        assertDiscreet(answer)
      }
      assert.equal(bench.host.errors.length, 2, 'both told to the host')
      fault = undefined
      assert.ok(passed(await bob.answer(page)))
    })

  it('AC-96: faults of ours are no wrong codes of theirs', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    fault = { value: new Error(SECRETIVE) }
    for (let count = 0; count < 7; count += 1) await bob.answer(page)
    fault = undefined
    const answer = await bob.answer(page)
    assert.ok(passed(answer), `${answer.status} ${answer.heading}`)
  })
})

describe('security: an account table that fails', () => {
  let down = false
  const bench = useBench(
    () => {
      down = false
      return {
        stepUp: {
          account: async (id) => {
            if (down) throw new Error(SECRETIVE)
            return { id, label: id }
          },
        },
      }
    },
    { faulty: true },
  )

  it('AC-96: passes nobody, says nothing of itself, and is asked again', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    down = true
    for (const answer of [await bob.answer(page), await bob.browser.get(page.url)]) {
      assert.equal(answer.status, 500)
      assertDiscreet(answer)
    }
    const left = await postOnly(bob.browser, page, {}, {}, `${page.url.pathname}/cancel`)
    assert.ok(left.status === 500 || left.status === 303)
    const { page: asked } = await bob.go()
    assert.equal(passed(asked), false)
    assertDiscreet(asked)
    down = false
    const { page: again } = await challenged(bob)
    assert.equal((await bob.answer(again, wrongCode(bob.secret))).status, 422)
    assert.ok(passed(await bob.answer(again)))
  })
})
