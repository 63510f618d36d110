import assert from 'node:assert/strict'
import Koa, { type Context } from 'koa'
import { ResponseBodyError } from 'openid-client'
import type { AskedPhone } from '../../src/cli/bank-client.ts'
import type { BankPages } from '../../src/cli/bank-pages.ts'
import { phoneRoutes } from '../../src/cli/bank-phone.ts'
import type { BankSession, SignedIn } from '../../src/cli/bank-sessions.ts'
import { type Listening, listen } from '../../src/cli/listen.ts'
import { until } from '../support/until.ts'
import { freePort } from './free-port.ts'

const NOW = 1_700_000_000

const refused = (error: string) => {
  const body = { error }
  return new ResponseBodyError('refused', { cause: body, response: Response.json(body, { status: 400 }) })
}

const person = (sub: string): SignedIn => ({ sub, name: sub, claims: {}, scopes: [], idToken: `token of ${sub}` })

describe('cli/bank-phone', () => {
  let listening: Listening
  let origin: string
  let session: BankSession | undefined
  let closing: AbortController
  let logged: string[]
  /** What the sign-in service does. */
  let ask: (idToken: string, number: string) => Promise<AskedPhone>
  const { write } = process.stderr

  const pages: BankPages = {
    stylesheet: '',
    script: '',
    show: (ctx: Context, view: string, _session, fields = {}) => {
      ctx.body = { view, ...fields }
    },
  }

  beforeEach(async () => {
    session = { csrf: 'x', trips: new Map(), phones: new Map(), signedIn: person('alice') }
    closing = new AbortController()
    logged = []
    process.stderr.write = (line) => logged.push(String(line)) > 0
    const router = phoneRoutes({
      client: { askPhone: (...asked) => ask(...asked) },
      pages,
      clock: () => NOW,
      parseBody: (_ctx, next) => next(),
      closing: closing.signal,
      issuer: 'http://localhost:3000',
      sessions: { of: () => session },
      admit: async (ctx) => {
        if (session?.signedIn === undefined) ctx.redirect('/away')
        return session?.signedIn && session
      },
      submitted: () => session,
    })
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    listening = await listen(new Koa().use(router.routes()).callback(), { host: '127.0.0.1', port, remedy: '' })
  })
  afterEach(async () => {
    process.stderr.write = write
    await listening.close()
  })

  const get = (path: string) => fetch(`${origin}${path}`, { redirect: 'manual' })
  const shown = async (path: string) => (await get(path)).json() as Promise<Record<string, unknown>>
  const post = () => fetch(`${origin}/phone`, { method: 'POST', redirect: 'manual' })
  const begin = async () => {
    const { status, headers } = await post()
    assert.equal(status, 303)
    return headers.get('location') ?? ''
  }
  const endOf = (path: string) =>
    until('the phone answers', async () => {
      const { state } = await shown(`${path}/state`)
      return state !== 'waiting' && state
    })
  const answering = (answered: AskedPhone['answered']) => {
    ask = async () => ({ expiresInSeconds: 120, answered })
  }

  it('asks the phone of who is signed in for two digits, shows them, and what was shown', async () => {
    let approve: () => void = () => undefined
    const asked: string[][] = []
    const claims = { acr: 'urn:oidc-step-up:acr:1fa', amr: ['mca', 'pop', 'swk'], auth_time: NOW - 3 }
    ask = async (...parameters) => {
      asked.push(parameters)
      const answered = () =>
        new Promise<typeof claims>((resolve) => {
          approve = () => resolve(claims)
        })
      return { expiresInSeconds: 90, answered }
    }
    const path = await begin()
    const [[idToken, number = ''] = []] = asked
    assert.equal(idToken, 'token of alice')
    assert.match(number, /^[1-9][0-9]$/)
    const waiting = await shown(path)
    assert.deepEqual(
      [waiting.view, waiting.state, waiting.number, waiting.minutes, waiting.stateHref, waiting.facts],
      ['phone-request', 'waiting', number, '2 minutes', `${path}/state`, undefined],
    )
    assert.equal((await shown(`${path}/state`)).state, 'waiting')
    approve()
    assert.equal(await endOf(path), 'approved')
    const { facts } = (await shown(path)) as { facts: { heading: string; sentence: string; rows: object[] } }
    assert.equal(facts.heading, 'What your phone showed')
    assert.equal(facts.sentence, 'You proved one thing: a confirmation on another device, 3 seconds ago.')
    assert.deepEqual(
      facts.rows.flatMap(Object.values).filter((word) => /^(acr|amr|auth_time|scope)$/.test(word)),
      ['acr', 'amr', 'auth_time'],
    )
  })

  const endings: [what: string, error: Error, state: string, logs: number][] = [
    ['denied', refused('access_denied'), 'denied', 0],
    ['too late', refused('expired_token'), 'expired', 0],
    ['lost', new Error('out of reach'), 'failed', 1],
    ['an error of another kind', refused('server_error'), 'failed', 1],
  ]
  for (const [what, error, state, logs] of endings)
    it(`says ${state} of what is ${what}`, async () => {
      answering(async () => {
        throw error
      })
      assert.equal(await endOf(await begin()), state)
      assert.equal(logged.length, logs)
    })

  it('stops waiting where Bank ends, and says nothing of that', async () => {
    answering((signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))))
    const path = await begin()
    closing.abort()
    assert.equal(await endOf(path), 'failed')
    assert.deepEqual(logged, [])
  })

  const refusals: [error: string, heading: string][] = [
    ['unmet_authentication_requirements', 'No phone can be asked'],
    ['temporarily_unavailable', 'Your phone is being asked already'],
    ['server_error', 'Your sign-in service has a problem'],
  ]
  for (const [error, heading] of refusals)
    it(`explains ${error} where nobody was asked`, async () => {
      ask = async () => {
        throw refused(error)
      }
      const response = await post()
      const body = (await response.json()) as Record<string, unknown>
      assert.deepEqual([response.status, body.heading, body.code], [400, heading, error])
      assert.equal(session?.phones.size, 0)
    })

  it('shows nothing of it to somebody else who signs in in the same browser, and nothing to nobody', async () => {
    answering(() => new Promise(() => undefined))
    const path = await begin()
    const { phones } = session ?? {}
    session = { csrf: 'y', trips: new Map(), phones: phones ?? new Map(), signedIn: person('eve') }
    assert.deepEqual(await shown(`${path}/state`), { state: 'lost' })
    const { view, number } = await shown(path)
    assert.deepEqual([view, number], ['problem', undefined])
    session = undefined
    assert.deepEqual(await shown(`${path}/state`), { state: 'lost' })
    assert.equal((await get(path)).headers.get('location'), '/away')
    assert.equal((await post()).status, 400)
  })

  it('forgets the oldest of too many', async () => {
    answering(() => new Promise(() => undefined))
    const first = await begin()
    for (let more = 0; more < 10; more += 1) await begin()
    assert.equal(session?.phones.size, 10)
    assert.deepEqual(await shown(`${first}/state`), { state: 'lost' })
  })
})
