import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import { twilioLookup, twilioMessaging, twilioVerify } from '../../src/senders/twilio.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { noticeOn, press } from '../support/notices.ts'
import { isAnswer } from '../support/relying-party.ts'
import { arrive, mobile, NUMBER_PAGE, openSms, TEXT_PAGE, typed, waysOn } from '../support/sms.ts'
import { type Fault, startTwilio, type Twilio } from '../support/twilio.ts'

const TO = '+4915112345678'
const CODE = '918273'

/** No call may take longer than the page has patience. */
const LIMIT_SECONDS = 5

/** What must stand in no error, however it is looked at. */
const SECRETS = [
  TO,
  TO.slice(1),
  CODE,
  'auth-token-of-the-test',
  Buffer.from('auth-token').toString('base64').slice(0, 8),
]

describe('F-09: Twilio in trouble', () => {
  let server: Twilio
  beforeEach(async () => {
    server = await startTwilio()
  })
  afterEach(async () => {
    await server.close()
  })

  const message = (): OutgoingMessage => ({
    to: TO,
    channel: 'text',
    locale: 'en',
    text: `${CODE} is your code`,
    expiresAt: Math.floor(Date.now() / 1000) + 300,
  })

  /** All that asks Twilio, each as a sign-in would. */
  const callers = (deadlineSeconds?: number) => {
    const access = { ...server.access, ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }) }
    const verify = twilioVerify({ ...access, serviceSid: server.serviceSid })
    return {
      message: () => twilioMessaging({ ...access, from: server.from })(message()),
      call: () => twilioMessaging({ ...access, from: server.from })({ ...message(), channel: 'voice' }),
      verify: () => verify.send(message()),
      check: () => verify.check(TO, CODE),
      lookup: () => twilioLookup(access)(TO),
    }
  }

  const failureOf = async (work: () => Promise<unknown>) => {
    const begun = performance.now()
    const thrown = await work().then(
      () => assert.fail('went well'),
      (fault: unknown) => fault,
    )
    assert.ok(thrown instanceof Error)
    for (const secret of SECRETS)
      assert.equal(inspect(thrown, { depth: null, showHidden: true }).includes(secret), false, `leaks ${secret}`)
    return { thrown, seconds: (performance.now() - begun) / 1000 }
  }

  for (const fault of [
    { status: 429, code: 20429 },
    { status: 500, code: 20500 },
    { status: 503, code: 20503 },
    { status: 502, body: '<html>' },
  ] as const satisfies Fault[])
    it(`tries ${inspect(fault)} again, at most twice`, async () => {
      const { message: send, check } = callers()
      server.failNext(fault, fault)
      await send()
      assert.equal(server.requests.length, 3)
      assert.equal(server.sent.length, 1)
      server.failNext(fault, fault, fault)
      const { thrown, seconds } = await failureOf(check)
      assert.match(thrown.message, new RegExp(`status ${fault.status}`))
      assert.equal(server.requests.length, 6)
      assert.ok(seconds < LIMIT_SECONDS)
    })

  for (const fault of ['hang', 'drip', 'drop'] as const satisfies Fault[])
    it(`gives ${fault} up in time and does not send again what may be on its way`, async () => {
      const work = Object.entries(callers(0.3))
      server.failNext(...work.map(() => fault))
      await Promise.all(
        work.map(async ([what, ask]) => {
          const { thrown, seconds } = await failureOf(ask)
          assert.match(thrown.message, fault === 'drop' ? /ECONNRESET/ : /did not answer in time/)
          assert.ok(seconds < 1.5, `${what} took ${seconds} s`)
        }),
      )
      assert.equal(server.requests.length, work.length)
    })

  it('keeps to the deadline however the tries are spread', async () => {
    server.failNext({ status: 503, code: 20503 }, 'hang')
    const { seconds } = await failureOf(callers(1).message)
    assert.ok(seconds < 1.5, `${seconds} s`)
  })

  it('takes no nonsense for an answer', async () => {
    for (const body of ['', 'null', '"queued"', '{"sid":', '<html></html>', '[]'])
      for (const ask of Object.values(callers())) {
        server.failNext({ status: 200, body })
        await failureOf(ask)
      }
  })

  it('cannot reach Twilio', async () => {
    const asks = Object.values(callers())
    await server.close()
    for (const ask of asks) assert.match((await failureOf(ask)).thrown.message, /ECONNREFUSED/)
    server = await startTwilio()
  })

  const numbers = [
    21211, 21214, 21217, 21266, 21408, 21606, 21608, 21610, 21612, 21614, 21635, 30003, 30005, 30006, 30450, 30453,
    60200, 60205, 60410, 60412, 60605, 60999,
  ]
  const gateway = [20003, 20404, 20429, 21210, 21212, 21617, 21659, 21705, 30001, 30002, 60204, 60223]
  for (const code of [...numbers, ...gateway])
    it(`${numbers.includes(code) ? 'calls a number unreachable' : 'blames no number'} on error ${code}`, async () => {
      const { message: send, verify } = callers()
      for (const work of [send, verify]) {
        server.failNext({ status: 400, code })
        const { thrown } = await failureOf(work)
        assert.equal((thrown as { code?: string }).code, numbers.includes(code) ? 'ERR_ADDRESS' : undefined)
        assert.ok(thrown.message.includes(String(code)))
      }
      assert.equal(server.requests.length, 2)
    })

  for (const [status, code, isNumber] of [
    [403, 60410, true],
    [429, 60203, true],
    [429, 60212, true],
    [429, 60003, false],
    [401, 21211, false],
    [503, 21211, false],
  ] as const)
    it(`status ${status} with error ${code} is ${isNumber ? 'the number’s' : 'the gateway’s'}`, async () => {
      server.failNext(...Array.from({ length: 3 }, () => ({ status, code })))
      const { thrown } = await failureOf(callers().verify)
      assert.equal((thrown as { code?: string }).code, isNumber ? 'ERR_ADDRESS' : undefined)
    })
})

describe('F-09: Twilio in trouble, as people meet it', () => {
  const DOWN: Fault = { status: 400, code: 20003 }
  let desk: Awaited<ReturnType<typeof openSms>>
  let clock: ReturnType<typeof virtualClock>
  beforeEach(async () => {
    clock = virtualClock()
    desk = await openSms({ people: Array.from({ length: 8 }, (_none, index) => `p${index}`), app: true })
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = desk.host
    await desk.close()
    assert.deepEqual(errors, [])
  })
  const open = async (login = 'p0') => {
    const person = await arrive(desk, login)
    const page = await person.browser.get(person.page.targets.find((target) => target.endsWith('/sms')) ?? '')
    assert.equal(page.heading, NUMBER_PAGE)
    return { ...person, page }
  }

  it('says that a message could not be sent, shows other ways, and sends the next one at once', async () => {
    const { browser, page } = await open()
    desk.twilio.failNext(DOWN)
    const failed = await typed(browser, page, mobile())
    assert.deepEqual([failed.status, failed.heading], [422, TEXT_PAGE])
    assert.match(noticeOn(failed), /^We could not send the code just now/)
    assert.ok(waysOn(failed).includes('Set up something else'))
    const again = await press(browser, failed, 'Send another code')
    assert.equal(again.status, 200)
    assert.ok(isAnswer(await browser.post(again, { code: desk.twilio.codeFor(mobile()) })))
  })

  it('says that a number cannot be reached, and takes another', async () => {
    const { browser, page } = await open()
    desk.twilio.refuse(mobile(), { status: 400, code: 21610 })
    const failed = await typed(browser, page, mobile())
    assert.match(noticeOn(failed), /^We cannot send a code there/)
    const back = await press(browser, failed, 'Use another number')
    assert.equal((await typed(browser, back, mobile(1))).status, 200)
  })

  it('asks Twilio no more after five failures in 30 s, for 30 s, and offers other ways', async () => {
    desk.twilio.failNext(DOWN, DOWN, DOWN, DOWN, DOWN)
    for (let index = 0; index < 5; index += 1) {
      const { browser, page } = await open(`p${index}`)
      await typed(browser, page, mobile(index))
    }
    assert.equal(desk.twilio.requests.length, 5)
    const { browser, page } = await open('p5')
    const held = await typed(browser, page, mobile(5))
    assert.match(noticeOn(held), /^We could not send the code just now/)
    assert.ok(waysOn(held).includes('Set up something else'))
    assert.equal(desk.twilio.requests.length, 5)
    clock.advance(31)
    assert.equal((await typed(browser, held, mobile(5))).status, 200)
    assert.equal(desk.twilio.sent.length, 1)
  })

  it('goes on without the page where Twilio takes its time', async () => {
    const { browser, page } = await open()
    desk.twilio.failNext('hang')
    const begun = performance.now()
    const shown = await typed(browser, page, mobile())
    assert.deepEqual([shown.status, shown.heading], [200, TEXT_PAGE])
    assert.ok(performance.now() - begun < 3000)
  })
})
