import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { APIRequestContext, APIResponse, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { demo } from '../../../src/cli/demo.ts'
import { virtualClock } from '../../../src/testing/virtual-clock.ts'
import { freePort } from '../../cli/free-port.ts'
import { openChromium, standsAt } from '../../support/chromium.ts'
import { codeAt } from '../../support/host.ts'

const STEP_SECONDS = 30

/** What an app for codes is called where there is a choice. */
export const APP = 'Authenticator app'

/** Headings of the pages on the way. */
export const AT = {
  signIn: 'Sign in',
  consent: 'Allow this app to use your account?',
  challenge: 'Enter the code from your authenticator app',
  enroll: 'Set up your authenticator app',
  save: 'Save your recovery codes',
  email: 'Enter the code from your email',
  protection: 'Choose how to protect your account',
  renewal: 'Set up a new way to sign in',
  offer: 'Use this device next time',
  choose: 'Choose how to confirm it is you',
  recover: 'Enter one of your recovery codes',
  protect: 'Set up your account’s protection',
  protected: 'All is set up',
  unreachable: 'This app asks for more proof',
  documents: 'Documents',
  transfer: 'Transfer money',
  signOut: 'Do you want to sign out?',
  done: 'Your money is on its way',
  limits: 'Your limits stay as they are',
  wentBack: 'You went back',
  stronger: 'That needs a stronger sign-in',
  expired: 'This page has expired',
  outbox: 'Outbox',
} as const

/** Does what leads to another page, and waits for that page: an old one with the same words would not do. */
export const leave = async (page: Page, act: () => Promise<void>) => {
  await Promise.all([page.waitForEvent('domcontentloaded'), act()])
}

/** Clicks a button by its words. */
export const press = (page: Page, name: string) =>
  leave(page, () => page.getByRole('button', { name, exact: true }).click())

/** Clicks a link by its words. */
export const follow = (page: Page, name: string) => leave(page, () => page.getByRole('link', { name }).click())

interface Fetched {
  readonly url: string
  readonly text: string
}

const fetched = async (response: APIResponse): Promise<Fetched> => {
  assert.ok(response.ok(), `${response.status()} ${response.url()}`)
  return { url: response.url(), text: await response.text() }
}

const welcome = (username: 'alice' | 'bob') => `Welcome, ${username === 'bob' ? 'Bob' : 'Alice'}`

/** Sends a form of a page that was only fetched, with its hidden fields; answers what that leads to. */
const submit = async (
  request: APIRequestContext,
  page: Fetched,
  fields: Readonly<Record<string, string>> = {},
  selector = 'form.main',
): Promise<Fetched> => {
  const form = load(page.text)(selector).first()
  const hidden = form.find('input[type=hidden]').get()
  const known = Object.fromEntries(hidden.map(({ attribs }) => [attribs.name ?? '', attribs.value ?? '']))
  return fetched(
    await request.post(new URL(form.attr('action') ?? '', page.url).href, { form: { ...known, ...fields } }),
  )
}

/** The demo as `npm start` runs it, on free ports, with a clock that tests move. */
export const openStage = async () => {
  const printed: string[] = []
  const [port, bankPort] = [await freePort(), await freePort()]
  const running = await demo({ port, bankPort, print: (line) => printed.push(line) })
  const clock = virtualClock()
  const issuer = `http://localhost:${port}`
  const bank = `http://localhost:${bankPort}`
  const contexts: BrowserContext[] = []
  const faults: string[] = []
  let lastStep = 0

  const told = (start: string) => {
    const line = printed.find((one) => one.startsWith(start))
    assert.ok(line, `the demo prints "${start}"`)
    return line.slice(start.length)
  }

  const watch = (context: BrowserContext) => {
    context.on('response', (response) => {
      if (response.status() >= 500) faults.push(`${response.status()} ${response.url()}`)
    })
    // What a page refuses to load or run; a 4xx answer is also told here, and is no fault of the page.
    context.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) faults.push(message.text())
    })
    context.on('weberror', (error) => faults.push(String(error.error())))
  }

  return {
    issuer,
    bank,
    clock,
    password: (username: string) => told(`${username} password: `),
    secret: () => told('bob authenticator secret: '),
    recoveryCodes: () => told('bob recovery codes: ').split(' '),
    setupLink: () => told('alice setup link: '),

    /** The code that an app shows now; where one of this half minute was asked for before, the next one. */
    code: (secret: string) => {
      const step = Math.floor(clock.now() / STEP_SECONDS)
      if (step <= lastStep) clock.advance((lastStep + 1 - step) * STEP_SECONDS)
      lastStep = Math.floor(clock.now() / STEP_SECONDS)
      return codeAt(secret)
    },

    /** A new browser, with one page. */
    visitor: async (options: BrowserContextOptions = {}) => {
      const context = await openChromium(options)
      contexts.push(context)
      watch(context)
      return context.newPage()
    },

    /** Fills in the login page that is open. */
    async logIn(page: Page, username: string, password = told(`${username} password: `)) {
      await page.getByLabel('Username').fill(username)
      await page.getByLabel('Password').fill(password)
      await press(page, 'Sign in')
    },

    /** Signs in at Bank for the first time in this browser, page by page, as far as the overview. */
    async signIn(page: Page, username: 'alice' | 'bob') {
      await page.goto(`${bank}/sign-in`)
      await this.logIn(page, username)
      await standsAt(page, AT.consent)
      await press(page, 'Allow')
      await standsAt(page, welcome(username))
    },

    /** Signs out at Bank and at its sign-in service, page by page. */
    async signOut(page: Page) {
      await page.goto(bank)
      await press(page, 'Sign out')
      await standsAt(page, AT.signOut)
      await press(page, 'Sign out')
      await page.waitForURL(`${bank}/signed-out`)
    },

    /** Is signed in like that, for tests of what comes after it: only the overview is drawn. */
    async enter(page: Page, username: 'alice' | 'bob') {
      const { request } = page.context()
      const login = await fetched(await request.get(`${bank}/sign-in`))
      const consent = await submit(request, login, { username, password: told(`${username} password: `) })
      const { url } = await submit(request, consent)
      assert.equal(new URL(url).origin, bank)
      await page.goto(bank)
      await standsAt(page, welcome(username))
    },

    /** Is signed out like that. */
    async leave(page: Page) {
      const { request } = page.context()
      const question = await submit(request, await fetched(await request.get(bank)), {}, 'form')
      const { url } = await submit(request, question, { logout: 'yes' })
      assert.equal(url, `${bank}/signed-out`)
      await page.goto(url)
    },

    /** The code that the newest message in the outbox has for this address or number. */
    async sent(to: string) {
      const $ = load(await (await fetch(`${issuer}/outbox`)).text())
      const [newest] = $('section').get()
      assert.equal($('.context dd', newest).first().text(), to)
      return /\d{6}/.exec($('p', newest).text())?.[0] ?? ''
    },

    /** Goes on where alice is to set up her first protection: shows that her mails reach her, and chooses a way. */
    async choose(page: Page, way = APP) {
      await standsAt(page, AT.email)
      await answer(page, await this.sent('alice@example.com'))
      await standsAt(page, AT.protection)
      await follow(page, way)
    },

    /** Ends the browsers of one test, and says whether a page broke in them. */
    async clear() {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
      assert.deepEqual(faults.splice(0), [], 'faults that the browsers saw')
    },

    async close() {
      clock.restore()
      await running.close()
    },
  }
}

/** A stage as tests hold it. */
export type Stage = Awaited<ReturnType<typeof openStage>>

/** Types a code and sends it. */
export const answer = async (page: Page, code: string, button = 'Continue') => {
  await page.getByLabel('6-digit code').fill(code)
  await press(page, button)
}

/** Turns down a passkey where it is offered now, which it is once a month. */
const turnDown = async (page: Page) => {
  if ((await wordsOf(page, 'h1')) === AT.offer) await press(page, 'Not now')
}

/** Confirms with a code, and wants nothing better than that. */
export const confirm = async (page: Page, code: string) => {
  await answer(page, code)
  await turnDown(page)
}

/** Says that the recovery codes on the page are saved, and goes on. */
export const keepCodes = async (page: Page) => {
  await standsAt(page, AT.save)
  await page.getByLabel('I have saved these codes').check()
  await press(page, 'Continue')
  await turnDown(page)
}

/** The words of the first element that a selector finds. */
export const wordsOf = async (page: Page, selector: string) =>
  ((await page.locator(selector).first().textContent()) ?? '').trim()

/** The secret that the open enrolment page shows. */
export const secretOn = async (page: Page) => (await wordsOf(page, '.secret code')).replaceAll(/\s/g, '')
