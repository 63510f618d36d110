import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { type WebauthnOptions, webauthn } from '../../../src/factors/webauthn.ts'
import { PHISHING_RESISTANT } from '../../../src/index.ts'
import { openChromium, standsAt } from '../../support/chromium.ts'
import { CLIENT, type Host, type HostOptions, startHost } from '../../support/host.ts'
import { ADD_KEY } from '../../support/keyring.ts'
import { createRelyingParty } from '../../support/relying-party.ts'
import { acrClaim } from '../stage.ts'
import { leave, press, wordsOf } from './stage.ts'

/** A request that only this level satisfies. */
export const essential = (value: string) => ({ claims: acrClaim({ essential: true, value }) })

/** Keys of a service that is called Test. */
export const keys = (options: Partial<WebauthnOptions> = {}) => webauthn({ relyingPartyName: 'Test', ...options })

const app = async () => {
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>App</h1>'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, callback: `http://localhost:${(server.address() as AddressInfo).port}/callback` }
}

/** A provider and a relying party for the tests of one `describe`, with one browser for each test. */
export const useKeyStage = () => {
  let host: Host
  let server: Server
  let callback: string
  let context: BrowserContext
  const faults: string[] = []

  before(async () => {
    const opened = await app()
    server = opened.server
    callback = opened.callback
  })
  afterEach(async () => {
    await context.close()
    await host.close()
    assert.deepEqual(host.errors, [])
    assert.deepEqual(faults.splice(0), [], 'faults that the browser saw')
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const stage = {
    get host() {
      return host
    },
    get context() {
      return context
    },
    start: async ({ stepUp, ...more }: HostOptions = {}) => {
      const redirects = {
        redirect_uris: [callback],
        grant_types: ['authorization_code'],
        response_types: ['code' as const],
      }
      host = await startHost({
        stepUp: { factors: [keys()], ...stepUp },
        clients: [{ ...CLIENT, ...redirects }],
        ...more,
      })
    },
    /** A browser of one person. */
    visitor: async (options: BrowserContextOptions = {}) => {
      context = await openChromium(options)
      context.on('console', (message) => {
        if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) faults.push(message.text())
      })
      context.on('weberror', (error) => faults.push(String(error.error())))
      return context.newPage()
    },
    /** Goes to the provider with a request. What it gives waits for the answer, and redeems it. */
    open: async (page: Page, parameters: Readonly<Record<string, string>>) => {
      const { url, redeem } = await (await createRelyingParty(host)).request({ redirect_uri: callback, ...parameters })
      await page.goto(url.href)
      return async () => {
        await page.waitForURL(`${callback}*`)
        return redeem(new URL(page.url()))
      }
    },
    /** The same, and through the host's login page where it comes. */
    ask: async (page: Page, parameters: Readonly<Record<string, string>>, login = 'bob') => {
      const answer = await stage.open(page, parameters)
      if ((await wordsOf(page, 'h1')) === 'host login') {
        await page.locator('[name=login]').fill(login)
        await leave(page, () => page.locator('[name=login]').press('Enter'))
      }
      return answer
    },
    /** Signs in, sets up a key on the way, and forgets the session. */
    enroll: async (page: Page, login = 'bob') => {
      const answer = await stage.ask(page, essential(PHISHING_RESISTANT), login)
      await standsAt(page, ADD_KEY)
      await press(page, 'Set it up')
      const signed = await answer()
      await context.clearCookies()
      return signed
    },
    /** What the page says went wrong. */
    said: async (page: Page) => {
      await page.locator('#notice .fault').waitFor()
      return wordsOf(page, '#notice .fault')
    },
  }
  return stage
}
