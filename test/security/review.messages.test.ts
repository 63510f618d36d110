import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { email } from '../../src/factors/email.ts'
import type { OutgoingMessage, Sender } from '../../src/factors/factor.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { type NumberFacts, type SmsOptions, sms } from '../../src/factors/sms.ts'
import { totp } from '../../src/factors/totp.ts'
import type { Account, StepUpOptions } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { twilioMessaging } from '../../src/senders/twilio.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { at, make, NOW, outgoing, phone } from '../factors/sms-support.ts'
import type { Browser, Page } from '../support/browser.ts'
import { CLIENT, type Host, type HostOptions, startHost } from '../support/host.ts'
import { noticeOn, press } from '../support/notices.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import { mobile, TEXT_PAGE, typed } from '../support/sms.ts'
import { startTwilio } from '../support/twilio.ts'
import { recoverable } from './recovered.ts'
import { essential } from './support.ts'

const DAY = 86_400
const codeIn = ({ text }: Pick<OutgoingMessage, 'text'>) => /\b\d{6}\b/.exec(text)?.[0] ?? ''

describe('security: review of what messages are sent and believed', () => {
  let clock: VirtualClock
  let host: Host | undefined
  let sent: OutgoingMessage[]
  beforeEach(() => {
    clock = virtualClock()
    sent = []
  })
  afterEach(async () => {
    clock.restore()
    await host?.close()
    host = undefined
  })

  const keep: Sender = async (message) => void sent.push(message)
  const to = (number: string) => sent.filter((message) => message.to === number)

  const open = async (stepUp: Pick<StepUpOptions, 'factors'> & Partial<StepUpOptions>, more: HostOptions = {}) => {
    host = await startHost({ ...more, stepUp: { policy: { default: 'always' }, ...stepUp } })
    return host
  }
  const bySms = (options: Partial<SmsOptions> = {}, more: HostOptions = {}) =>
    open({ factors: [sms({ ...(options.verify ? {} : { sender: keep }), countries: ['DE'], ...options })] }, more)

  const arrive = async (login: string): Promise<{ browser: Browser; page: Page }> => {
    const journey = await createJourney(host as Host, login)
    return { browser: journey.browser, page: (await journey.go()).page }
  }
  const enrolls = async (login: string, number: string) => {
    const { browser, page } = await arrive(login)
    const code = await typed(browser, page, number)
    assert.equal(code.heading, TEXT_PAGE)
    const done = await browser.post(code, { code: codeIn(to(number).at(-1) ?? { text: '' }) })
    assert.ok(isAnswer(done))
    return browser
  }

  it('AC-22: look-ups, which cost as messages do, have an end: one account cannot ask for any number of them', async () => {
    let asked = 0
    const lookup = async (): Promise<NumberFacts> => {
      asked += 1
      return { lineType: 'mobile' }
    }
    await bySms({ lookup })
    const { browser, page } = await arrive('bob')
    for (let index = 0; index < 60; index += 1) await typed(browser, page, mobile(index))
    assert.equal(sent.length, 1)
    assert.ok(asked <= 20, `${asked} look-ups paid for one message, by one account within seconds`)
  })

  it('AC-22: a sign-in that is begun again and again asks no more about the SIM card than it sends', async () => {
    let asked = 0
    const lookup = async (): Promise<NumberFacts> => {
      asked += 1
      return { lineType: 'mobile', simSwappedAt: 0 }
    }
    await bySms({ lookup, simSwapSeconds: DAY })
    await enrolls('bob', mobile())
    asked = 0
    for (let index = 0; index < 30; index += 1) assert.equal((await arrive('bob')).page.heading, TEXT_PAGE)
    assert.ok(asked <= 20, `${asked} look-ups for ${sent.length - 1} messages`)
  })

  it('AC-22: sends nothing to a SIM card that was changed after the first code, also where another is asked for', async () => {
    let simSwappedAt = 0
    const lookup = async () => ({ simSwappedAt })
    const factor = make({ sender: keep, lookup, simSwapSeconds: DAY, voice: true })
    const own = [phone('one')]
    const first = await factor.challenge.begin(at(NOW, own))
    await factor.sender?.(outgoing(first))
    assert.equal(sent.length, 1)
    simSwappedAt = NOW + 60
    assert.ok(first.outcome === 'continue')
    for (const again of [{ resend: 'yes' }, { voice: 'yes' }])
      for (const seconds of [61, 600]) {
        const step = await factor.challenge.submit(first.state, again, at(NOW + seconds, own))
        await assert.rejects(async () => factor.sender?.(outgoing(step)), { code: 'ERR_ADDRESS' }, inspect(again))
      }
    assert.equal(sent.length, 1, 'nothing to a SIM card of some minutes')
  })

  it('a text to a number that somebody typed has not one word that an app chose', async () => {
    const words = 'Call +1 900 5550100 or see evil.example'
    const client = { ...CLIENT, redirect_uris: [...CLIENT.redirect_uris], client_name: words }
    await bySms({}, { clients: [client as never] })
    const { browser, page } = await arrive('bob')
    await typed(browser, page, mobile())
    assert.equal(sent.length, 1)
    assert.ok(!sent[0]?.text.includes('evil.example'), sent[0]?.text)
  })

  it('F-09: a number that a gateway refuses to send to stops nobody else’s messages', async () => {
    const twilio = await startTwilio()
    try {
      // As Twilio answers at once for a number it holds back: 400 with 21612, 403 with 60410.
      const refused = mobile(99)
      twilio.refuse(refused, { status: 403, code: 60410 })
      await bySms({ sender: twilioMessaging({ ...twilio.access, from: twilio.from }) })
      const mallory = await arrive('bob')
      let page = await typed(mallory.browser, mallory.page, refused)
      for (let again = 0; again < 4; again += 1) page = await press(mallory.browser, page, 'Send another code')
      assert.equal(twilio.requests.length, 5)
      const carol = await arrive('carol')
      const answer = await typed(carol.browser, carol.page, mobile(1))
      assert.deepEqual([twilio.sent.map(({ to: number }) => number), answer.status], [[mobile(1)], 200])
    } finally {
      await twilio.close()
    }
  })

  it('AC-08: whoever types another’s number for an account of their own does not keep its owner from signing in', async () => {
    await bySms()
    const victim = mobile()
    await enrolls('bob', victim)
    clock.advance(DAY)
    const mallory = await arrive('carol')
    let page = await typed(mallory.browser, mallory.page, victim)
    for (const pause of [30, 60, 120]) {
      clock.advance(pause + 1)
      page = await press(mallory.browser, page, 'Send another code')
    }
    clock.advance(31)
    const before = to(victim).length
    const { page: challenge } = await arrive('bob')
    assert.equal(to(victim).length, before + 1, `bob, with his password and his phone: "${noticeOn(challenge)}"`)
  })

  it('AC-23: one mailbox has one pause and one budget, in whatever case it is written', async () => {
    const accounts = new Map<string, Account>(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => [id, { id, label: id } as Account]),
    )
    await open({ factors: [email({ sender: keep, alone: true })] }, { accounts })
    for (const [login, address] of [
      ['a', 'victim@example.com'],
      ['b', 'Victim@example.com'],
      ['c', 'vIctim@example.com'],
      ['d', 'viCtim@example.com'],
      ['e', 'vicTim@example.com'],
      ['f', 'vicTIm@example.com'],
    ] as const) {
      const { browser, page } = await arrive(login)
      await browser.post(page, { address })
    }
    assert.equal(sent.length, 1, `${sent.length} mails to one mailbox within a second`)
  })

  it('AC-06: behind a proxy, what a client writes into X-Forwarded-For itself is not who it is', async () => {
    const budgets = [{ per: 'address', messages: 2, windowSeconds: 3600 }] as const
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const accounts = new Map<string, Account>(names.map((id) => [id, { id, label: id } as Account]))
    await bySms({ budgets }, { accounts, prepare: (provider) => void Object.assign(provider, { proxy: true }) })
    for (const [index, login] of names.entries()) {
      const { browser, page } = await arrive(login)
      // A proxy appends the address that it was asked from, as nginx does by $proxy_add_x_forwarded_for.
      const headers = { 'x-forwarded-for': `198.51.100.${index}, 203.0.113.9` }
      const form = { csrf: page.csrf, country: 'DE', number: mobile(index) }
      await browser.send(new URL(page.action, page.url), { form, headers })
    }
    assert.equal(sent.length, 2, `${sent.length} messages asked for from one address`)
  })

  it('AC-14: with Verify, a page that had no code sent takes none that was sent for another page', async () => {
    let standing: string | undefined
    const verify = {
      send: async (message: OutgoingMessage) => {
        sent.push(message)
        standing = '314159'
      },
      check: async (_to: string, code: string) => {
        if (standing === undefined) return 'gone' as const
        if (code !== standing) return 'pending' as const
        standing = undefined
        return 'approved' as const
      },
    }
    await bySms({ verify })
    const bob = await arrive('bob')
    await bob.browser.post(await typed(bob.browser, bob.page, mobile()), { code: '314159' })
    clock.advance(DAY)
    await arrive('bob')
    assert.equal(sent.length, 2)
    const other = await arrive('bob')
    assert.match(noticeOn(other.page), /^You asked for a code a moment ago/)
    assert.equal(sent.length, 2, 'nothing was sent for the second page')
    assert.ok(!isAnswer(await other.browser.post(other.page, { code: '314159' })), 'and yet it takes the code')
  })

  it('what a mailbox proved ends once the account has another one', async () => {
    const bob = { id: 'bob', label: 'bob', email: 'old@example.com', emailVerified: true }
    const accounts = new Map<string, Account>([['bob', bob]])
    await open({ factors: [email({ sender: keep, alone: true })], policy: { default: 'never' } }, { accounts })
    const journey = await createJourney(host as Host, 'bob')
    const { page } = await journey.go(essential(MULTI_FACTOR))
    assert.ok(isAnswer(await journey.browser.post(page, { code: codeIn(sent[0] ?? { text: '' }) })))
    accounts.set('bob', { ...bob, email: 'new@example.com' })
    clock.advance(700)
    const { page: again } = await journey.go(essential(MULTI_FACTOR))
    assert.ok(!isAnswer(again), 'the session still stands on the mailbox of before')
  })

  it('who has recovery codes left, and nothing else, is not taken over by password and mailbox', async () => {
    const strict = { acr: 'urn:test:no-recovery', needs: { kinds: 2, without: ['recovery'] } } as const
    const bob = { id: 'bob', label: 'bob', email: 'bob@example.com', emailVerified: true }
    const opened = await open(
      {
        factors: [totp({ issuer: 'Test' }), recoveryCodes(), email({ sender: keep })],
        levels: [strict],
        policy: { default: 'never' },
      },
      { accounts: new Map<string, Account>([['bob', bob]]) },
    )
    await recoverable({ host: opened, clock })
    const { authenticators } = await opened.mfa.accounts.list('bob')
    // The phone is lost, and an operator takes its app away.
    const app = authenticators.find(({ factor }) => factor === 'totp')
    await opened.mfa.accounts.remove('bob', app?.id ?? '')
    const journey = await createJourney(opened, 'bob')
    const { page } = await journey.go(essential(strict.acr))
    const mail = await journey.browser.get(`${page.url.pathname.replace(/\/email$/, '')}/email`)
    const after = await journey.browser.post(mail, { code: codeIn(sent.at(-1) ?? { text: '' }) })
    const done = after.text.includes('secret=') ? await journey.enroll(after) : after
    assert.ok(
      !isAnswer(done) || errorOf(done) !== undefined,
      'a new app, a level without recovery, and no recovery code',
    )
  })
})
