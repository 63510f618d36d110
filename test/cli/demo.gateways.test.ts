import assert from 'node:assert/strict'
import { startSmtp } from '../support/smtp.ts'
import { startTwilio } from '../support/twilio.ts'
import { AT, linkOn, type OpenDemo, openDemo } from './demo-people.ts'

const ALICE = '+12025550123'

describe('cli/demo with gateways', function slow() {
  this.timeout('60s')
  let smtp: Awaited<ReturnType<typeof startSmtp>>
  let twilio: Awaited<ReturnType<typeof startTwilio>>
  let stage: OpenDemo | undefined
  before(async () => {
    ;[smtp, twilio] = await Promise.all([startSmtp(), startTwilio()])
  })
  afterEach(async () => {
    await stage?.close()
    stage = undefined
  })
  after(() => Promise.all([smtp.close(), twilio.close()]))

  const account = () => ({
    TWILIO_ACCOUNT_SID: twilio.access.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_API_URL: twilio.url,
  })

  /** Alice, where she chooses her first protection. */
  const aliceAt = async ({ signedIn }: OpenDemo, code: () => Promise<string> | string) => {
    const alice = await signedIn('alice')
    const email = await alice.visit('/transfer')
    assert.equal(email.heading, AT.email)
    const protection = await alice.send(email, { code: await code() })
    assert.equal(protection.heading, AT.protection)
    return { alice, protection }
  }

  /** Sets up her own phone, whose country is chosen already. */
  const setUpPhone = async ({ alice, protection }: Awaited<ReturnType<typeof aliceAt>>) => {
    const number = await alice.provider.get(linkOn(protection, '/sms'))
    assert.equal(number.heading, AT.number)
    assert.match(number.text, /value="US" selected/)
    const code = await alice.send(number, { country: 'US', number: '(202) 555-0123' })
    assert.equal(code.heading, AT.text)
    const save = await alice.send(code, { code: twilio.codeFor(ALICE) })
    assert.equal(save.heading, AT.save)
    return alice.turnDown(await alice.send(save, { kept: 'yes' }))
  }

  it('sends mails by SMTP and text messages by Twilio, and has no outbox then', async () => {
    const env = { SMTP_URL: smtp.url, MAIL_FROM: 'Demo <demo@example.org>', ...account(), TWILIO_FROM: twilio.from }
    stage = await openDemo({ env })
    assert.equal(stage.told('outbox: '), '')
    const mailed = () => {
      const [mail] = smtp.take('alice@example.com')
      assert.equal(mail?.headers.from, 'Demo <demo@example.org>')
      return mail?.code ?? ''
    }
    assert.equal((await setUpPhone(await aliceAt(stage, mailed))).heading, AT.transfer)
    assert.deepEqual([twilio.sent.at(-1)?.by, twilio.sent.at(-1)?.form.From], ['message', twilio.from])
    const { provider, bank } = stage.person('alice')
    assert.equal((await provider.get('/outbox')).status, 404)
    const targets = [...(await provider.get('/')).targets, ...(await bank.get('/')).targets]
    assert.deepEqual(
      targets.filter((target) => target.includes('outbox')),
      [],
    )
    assert.deepEqual(twilio.complaints, [])
  })

  it('lets Twilio Verify make the codes, while mails still wait in the outbox', async () => {
    const opened = await openDemo({ env: { ...account(), TWILIO_VERIFY_SERVICE_SID: twilio.serviceSid } })
    stage = opened
    const shown = async () => (await opened.outbox())[0]?.code ?? ''
    assert.equal((await setUpPhone(await aliceAt(opened, shown))).heading, AT.transfer)
    assert.equal(twilio.sent.at(-1)?.by, 'verify')
    assert.deepEqual(
      (await opened.outbox()).map(({ facts }) => facts['Mail to']),
      ['alice@example.com'],
    )
    assert.deepEqual(twilio.complaints, [])
  })

  it('shows text messages and calls in the outbox where there is no gateway', async () => {
    const opened = await openDemo()
    stage = opened
    const shown = async () => (await opened.outbox())[0]?.code ?? ''
    const { alice, protection } = await aliceAt(opened, shown)
    const number = await alice.provider.get(linkOn(protection, '/sms'))
    const code = await alice.send(number, { country: 'US', number: '(202) 555-0123' })
    assert.equal(code.heading, AT.text)
    const [text] = await opened.outbox()
    assert.equal(text?.facts['Text message to'], ALICE)
    assert.match(text?.text ?? '', /@localhost #\d{6}$/)
    const save = await alice.send(code, { code: await shown() })
    assert.equal(save.heading, AT.save)
  })

  it('ends where a port is taken, its gateways too', async () => {
    const held = await openDemo()
    stage = held
    const port = Number(new URL(held.issuer).port)
    await assert.rejects(openDemo({ port, env: { SMTP_URL: smtp.url } }), { code: 'ERR_CONFIG', message: /is in use/ })
  })
})
