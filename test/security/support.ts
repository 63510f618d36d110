import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { load } from 'cheerio'
import type Provider from 'oidc-provider'
import type { InteractionResults } from 'oidc-provider'
import { totp } from '../../src/factors/totp.ts'
import type { AnyFactor } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import type { Browser, Page } from '../support/browser.ts'
import { codeAt, type Host, type HostOptions, startHost } from '../support/host.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'

/** The claims parameter that insists on these levels. */
export const essential = (...values: readonly string[]) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
})

/** Two kinds or nothing: a request that no password alone may ever answer. */
export const TWO_KINDS = essential(MULTI_FACTOR)

/** What every test of one block shares; both change from test to test. */
export interface Bench {
  readonly host: Host
  readonly clock: VirtualClock
}

/** Starts a host before each test and stops it after; `faulty` where the test provokes faults on purpose. */
export const useBench = (
  options: () => HostOptions = () => ({}),
  { faulty = false }: { readonly faulty?: boolean } = {},
): Bench => {
  const bench: { host?: Host; clock?: VirtualClock } = {}
  beforeEach(async () => {
    bench.clock = virtualClock()
    bench.host = await startHost(options())
  })
  afterEach(async () => {
    bench.clock?.restore()
    const errors = bench.host?.errors ?? []
    await bench.host?.close()
    if (!faulty) assert.deepEqual(errors, [])
  })
  return bench as Bench
}

/** One user at one browser. */
export type Journey = Awaited<ReturnType<typeof createJourney>>

/** A user with an enrolled app, signed out again, whose next code has not been used yet. */
export const enrolled = async ({ host, clock }: Bench, login = 'bob'): Promise<Journey> => {
  const journey = await createJourney(host, login)
  const { page } = await journey.go(TWO_KINDS)
  assert.ok(passed(await journey.enroll(page)), 'enrolment inside the login')
  journey.browser.clear()
  clock.advance(60)
  return journey
}

/** The same user at another browser. */
export const elsewhere = async ({ host }: Bench, journey: Journey, login = 'bob'): Promise<Journey> => {
  const other = await createJourney(host, login)
  other.secret = journey.secret
  return other
}

/** The challenge page that a request leads to. */
export const challenged = async (journey: Journey, parameters: Readonly<Record<string, string>> = TWO_KINDS) => {
  const asked = await journey.go(parameters)
  assert.equal(asked.page.heading, 'Enter the code from your authenticator app')
  return asked
}

/** Whether the relying party was given a code. */
export const passed = (page: Page): boolean => isAnswer(page) && page.url.searchParams.has('code')

/** Whether anything at all shows that a posted answer was taken: the way back to the authorization endpoint. */
export const advanced = (page: Page): boolean => (page.headers.get('location') ?? '').includes('/auth/')

/** The interaction that a page belongs to. */
export const uidOf = ({ url }: Page): string => url.pathname.split('/')[2] ?? ''

/** The cookies that a browser would send to a page, as a header. */
export const cookiesFor = (browser: Browser, { url }: Page): string =>
  browser
    .cookies()
    .filter(({ path }) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')

/** Codes that are not this secret's, now or in the minutes around. */
export const wrongCodes = (secret: string, count: number): readonly string[] => {
  const now = Math.floor(Date.now() / 1000)
  const right = new Set([-60, -30, 0, 30, 60].map((shift) => codeAt(secret, now + shift)))
  const codes = Array.from({ length: count + right.size }, (_none, index) => String(100_000 + index * 37))
  return codes.filter((code) => !right.has(code)).slice(0, count)
}

/** A code that is not this secret's. */
export const wrongCode = (secret: string): string => wrongCodes(secret, 1)[0] ?? ''

/** Posts a page's own form without following where it leads. */
export const postOnly = (
  browser: Browser,
  page: Page,
  form: Readonly<Record<string, string | readonly string[]>>,
  headers: Readonly<Record<string, string>> = {},
  action = page.action,
): Promise<Page> => browser.send(action, { form: { csrf: page.csrf, ...form }, headers, follow: false })

/** The app factor, which tells how often an answer to a challenge was really looked at. */
export const countingTotp = () => {
  const inner: AnyFactor = totp({ issuer: 'Test' })
  let looks = 0
  const factor: AnyFactor = {
    ...inner,
    challenge: {
      ...inner.challenge,
      submit: (state, input, context) => {
        looks += 1
        return inner.challenge.submit(state, input, context)
      },
    },
  }
  return { factor, looks: () => looks }
}

/** A login page of the host's own making at `/signin/`: what was typed becomes that login result. */
export const ownLoginPage = (loginOf: (typed: string) => NonNullable<InteractionResults['login']>): HostOptions => ({
  configuration: { interactions: { url: (_ctx, { uid }) => `/signin/${uid}` } },
  prepare: (provider: Provider) => {
    provider.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/signin/')) return next()
      if (ctx.method === 'GET') {
        ctx.type = 'html'
        ctx.body = `<h1>host login</h1><form class="main" action="${ctx.path}"></form>`
        return
      }
      const chunks: Buffer[] = []
      for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
      const typed = new URLSearchParams(Buffer.concat(chunks).toString()).get('login') ?? ''
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login: loginOf(typed) }))
      ctx.status = 303
    })
  },
})

/** Submits the form that oidc-provider's page submits by script when another account signs in: it ends the old session. */
export const submitted = (browser: Browser, page: Page): Promise<Page> => {
  const $ = load(page.text)
  const hidden = $('input[name]')
    .map((_index, input) => [[$(input).attr('name') ?? '', $(input).attr('value') ?? '']])
    .get()
  return browser.send($('form').attr('action') ?? '', { form: Object.fromEntries(hidden) })
}

/** Sends bytes as they are, which no browser would, and answers the status line with all that follows. */
export const sendRaw = async ({ issuer }: Pick<Host, 'issuer'>, text: string): Promise<string> => {
  const socket = connect(Number(new URL(issuer).port), '127.0.0.1')
  socket.setTimeout(5000, () => socket.destroy())
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.end(text)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

/** The status of a raw answer. */
export const rawStatus = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
