import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { type PushOptions, push } from '../../../src/factors/push.ts'
import { MULTI_FACTOR } from '../../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../../src/testing/virtual-clock.ts'
import { openChromium, standsAt } from '../../support/chromium.ts'
import { CLIENT, type Host, startHost } from '../../support/host.ts'
import { createRelyingParty } from '../../support/relying-party.ts'
import { essential } from './key-stage.ts'
import { leave, wordsOf } from './stage.ts'

/** Headings of the sign-in, and of the app on the other device. */
export const AT = {
  enroll: 'Set up a device to confirm with',
  typed: 'Type the code that your device shows',
  number: 'Confirm on your device',
  closed: 'This sign-in was not confirmed',
  over: 'The time to confirm has passed',
  start: 'Confirm sign-ins here',
  name: 'Set up this device',
  code: 'Type this code on the other screen',
  ready: 'This device is set up',
  waiting: 'Nothing to confirm',
  question: 'Are you signing in?',
  request: 'Do you agree to this?',
  approved: 'Confirmed',
  denied: 'Not confirmed',
  report: 'What is wrong?',
  reported: 'The sign-in is stopped',
  expired: 'This request is over',
  dead: 'Too many wrong numbers',
  removed: 'This device was removed',
  accounts: 'Accounts on this device',
} as const

const app = async () => {
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>App</h1>'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, callback: `http://localhost:${(server.address() as AddressInfo).port}/callback` }
}

/** A button of the app, which shows another screen and no other page. */
export const tap = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

/** A provider that asks on other devices, its web authenticator, and a relying party; browsers for each test. */
export const useStage = (options: PushOptions = {}) => {
  let host: Host
  let server: Server
  let callback: string
  let clock: VirtualClock
  const contexts: BrowserContext[] = []
  const faults: string[] = []

  before(async () => {
    const opened = await app()
    server = opened.server
    callback = opened.callback
    clock = virtualClock()
    const redirects = {
      redirect_uris: [callback],
      grant_types: ['authorization_code'],
      response_types: ['code' as const],
    }
    host = await startHost({
      stepUp: { factors: [push(options)], rememberBrowser: false },
      clients: [{ ...CLIENT, ...redirects }],
      accounts: new Map(
        ['alice', 'bob', 'carol', 'dave', 'erin'].map((id) => [id, { id, label: `${id}@example.com` }]),
      ),
    })
  })
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    assert.deepEqual(host.errors, [])
    assert.deepEqual(faults.splice(0), [], 'faults that the browsers saw')
  })
  after(async () => {
    clock.restore()
    await host.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const stage = {
    get host() {
      return host
    },
    /** After this, a device can be asked again; and its own clock is not the server’s any more. */
    pass: () => clock.advance(65),
    /** A browser of one person, with one page. */
    visitor: async (more: BrowserContextOptions = {}) => {
      const context = await openChromium(more)
      contexts.push(context)
      context.on('console', (message) => {
        if (message.type() !== 'error' || /status of 4\d\d|ERR_INTERNET_DISCONNECTED/.test(message.text())) return
        faults.push(message.text())
      })
      context.on('weberror', (error) => faults.push(String(error.error())))
      return context.newPage()
    },
    /** Signs in as far as the first page that asks for more. What it gives waits for the end, and redeems it. */
    ask: async (page: Page, login: string) => {
      const party = await createRelyingParty(host)
      const { url, redeem } = await party.request({ redirect_uri: callback, ...essential(MULTI_FACTOR) })
      await page.context().clearCookies()
      await page.goto(url.href)
      await page.locator('[name=login]').fill(login)
      await leave(page, () => page.locator('[name=login]').press('Enter'))
      return async () => {
        await page.waitForURL(`${callback}*`)
        return redeem(new URL(page.url()))
      }
    },
    /** Opens the link that a sign-in page shows on another device, as far as the code. */
    open: async (phone: Page, link: string) => {
      await phone.goto(link)
      await standsAt(phone, AT.name)
      await tap(phone, 'Set it up')
      await standsAt(phone, AT.code)
      return wordsOf(phone, '.digits')
    },
    /** Sets up a device for an account, as far as both know. */
    enroll: async (page: Page, phone: Page, login: string) => {
      const signed = await stage.ask(page, login)
      await standsAt(page, AT.enroll)
      const code = await stage.open(phone, await stage.link(page))
      await page.locator('input[name=code]').fill(code)
      await leave(page, () => page.locator('input[name=code]').press('Enter'))
      await signed()
      await standsAt(phone, AT.ready)
      await tap(phone, 'Done')
      await standsAt(phone, AT.waiting)
    },
    /** The enrolment link on the page. */
    link: async (page: Page) => (await page.locator('a[href*="#enroll="]').first().getAttribute('href')) ?? '',
    /** Signs in until the page shows a number and the device asks for it. */
    question: async (page: Page, phone: Page, login: string) => {
      const signed = await stage.ask(page, login)
      await standsAt(page, AT.number)
      await standsAt(phone, AT.question)
      return { signed, number: await wordsOf(page, '.number') }
    },
    /** What the app says went wrong. */
    said: async (phone: Page) => {
      await phone.locator('#notice .fault').waitFor()
      return wordsOf(phone, '#notice .fault')
    },
  }
  return stage
}
