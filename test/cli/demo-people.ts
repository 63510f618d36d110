import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { type DemoOptions, demo } from '../../src/cli/demo.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { freePort } from './free-port.ts'

/** Headings of pages on the way. */
export const AT = {
  save: 'Save your recovery codes',
  challenge: 'Enter the code from your authenticator app',
  email: 'Enter the code from your email',
  text: 'Enter the code from the text message',
  number: 'Set up codes by text message',
  enroll: 'Set up your authenticator app',
  key: 'Set up a passkey or security key',
  choose: 'Choose how to confirm it is you',
  protection: 'Choose how to protect your account',
  renewal: 'Set up a new way to sign in',
  offer: 'Use this device next time',
  protect: 'Set up your account’s protection',
  consent: 'Allow this app to use your account?',
  transfer: 'Transfer money',
  limits: 'Change limits',
} as const

/** Where a link on the page leads whose address ends so. */
export const linkOn = ({ targets }: Page, end: string) => targets.find((target) => target.endsWith(end)) ?? ''

/** A person with one browser for both sites, which is two jars here. */
const visitor = (issuer: string, origin: string) => {
  const bank = createBrowser(origin)
  const provider = createBrowser(issuer)
  /** Follows the way between the two sites until one shows a page. */
  const settle = async (page: Page): Promise<Page> => {
    let at = page
    for (let hop = 0; hop < 6 && at.status >= 300 && at.status < 400; hop += 1) {
      at = await (at.url.origin === origin ? bank : provider).get(at.url)
    }
    return at
  }
  /** Turns down what is offered once in a while. */
  const turnDown = async (page: Page) => {
    const decline = linkOn(page, '/decline')
    const isOffer = decline !== '' && (page.heading === AT.offer || page.heading === AT.protection)
    return isOffer ? settle(await provider.post(page, {}, decline)) : page
  }
  return {
    bank,
    provider,
    settle,
    turnDown,
    /** Goes to a page of Bank, as far as that leads by itself. */
    visit: async (path: string) => settle(await bank.get(path)),
    /** Fills in the page's form. */
    send: async (page: Page, fields: Readonly<Record<string, string>>) => settle(await provider.post(page, fields)),
    /** Confirms with a code, and wants nothing better than that. */
    confirm: async (page: Page, code: string, more: Readonly<Record<string, string>> = {}) =>
      turnDown(await settle(await provider.post(page, { code, ...more }))),
    /** Takes another way than the page's. */
    choose: async (page: Page, way: string) => {
      const choice = page.targets.some((target) => target.endsWith('/choose'))
        ? await provider.get(linkOn(page, '/choose'))
        : page
      return provider.get(linkOn(choice, `/${way}`))
    },
  }
}

/** A demo on free ports, with a clock that tests move. */
export const openDemo = async (options: Partial<DemoOptions> = {}) => {
  const printed: string[] = []
  const [port, bankPort] = [await freePort(), await freePort()]
  const running = await demo({ port, bankPort, print: (line) => printed.push(line), ...options })
  const clock = virtualClock()
  const issuer = `http://localhost:${port}`
  const origin = `http://localhost:${bankPort}`
  const told = (start: string) => printed.find((line) => line.startsWith(start))?.slice(start.length) ?? ''
  const person = (username: string) => {
    const who = visitor(issuer, origin)
    const signIn = (page: Page) => who.provider.post(page, { username, password: told(`${username} password: `) })
    return { ...who, signIn }
  }
  return {
    printed,
    clock,
    issuer,
    origin,
    told,
    person,
    /** A code that no test has used: each moves the time on to the app's next one. */
    newCode: (secret: string) => {
      clock.advance(30)
      return codeAt(secret)
    },
    /** A person who is signed in at Bank. */
    signedIn: async (username: string) => {
      const who = person(username)
      const consent = await who.settle(await who.signIn(await who.visit('/sign-in')))
      return { ...who, page: await who.settle(await who.provider.post(consent)) }
    },
    /** What the outbox shows, newest first. */
    outbox: async () => {
      const $ = load((await createBrowser(issuer).get('/outbox')).text)
      return $('section')
        .get()
        .map((section) => {
          const facts = $('.context div', section)
            .get()
            .map((row) => [$('dt', row).text(), $('dd', row).text()])
          const text = $('p', section).text()
          return {
            facts: Object.fromEntries(facts) as Record<string, string>,
            text,
            code: /\d{6}/.exec(text)?.[0] ?? '',
          }
        })
    },
    close: async () => {
      clock.restore()
      await running.close()
    },
  }
}

/** A demo as tests hold it. */
export type OpenDemo = Awaited<ReturnType<typeof openDemo>>

/** Somebody of it. */
export type Someone = Awaited<ReturnType<OpenDemo['signedIn']>>

/** Signs out at Bank and at its sign-in service. */
export const signOut = async ({ bank, provider, settle }: Someone) => {
  const { csrf } = await bank.get('/')
  const leaving = await settle(await bank.send('/sign-out', { form: { csrf } }))
  assert.equal(leaving.heading, 'Do you want to sign out?')
  const xsrf = /name="xsrf" value="(\w+)"/.exec(leaving.text)?.[1] ?? ''
  return settle(await provider.send(leaving.action, { form: { xsrf, logout: 'yes' } }))
}
