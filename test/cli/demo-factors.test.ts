import assert from 'node:assert/strict'
import { demoFactors, type Environment } from '../../src/cli/demo-factors.ts'
import { createOutbox } from '../../src/cli/outbox.ts'
import { StepUpError } from '../../src/errors.ts'

const SID = `AC${'0'.repeat(32)}`
const TWILIO = { TWILIO_ACCOUNT_SID: SID, TWILIO_AUTH_TOKEN: 'S3CRET', TWILIO_FROM: '+15005550006' }
const SMTP = { SMTP_URL: 'smtp://user:S3CRET@localhost:2525' }

const open = async (env: Environment, outbox = true) => {
  const printed: string[] = []
  const print = (line: string) => void printed.push(line)
  const made = await demoFactors({ env, outbox: outbox ? createOutbox(() => 0) : undefined, print })
  made.close()
  return { ids: made.factors.map(({ id }) => id), usesOutbox: made.usesOutbox, printed }
}

describe('cli/demo-factors', () => {
  const ALL = ['webauthn', 'totp', 'sms', 'email', 'recovery-codes']
  const TEXTS_OFF = 'text messages are off: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM'
  const sets: [
    name: string,
    env: Environment,
    outbox: boolean,
    ids: readonly string[],
    uses: boolean,
    printed: string[],
  ][] = [
    ['nothing set', {}, true, ALL, true, []],
    ['variables that are empty', { SMTP_URL: '', TWILIO_ACCOUNT_SID: '' }, true, ALL, true, []],
    ['one gateway', SMTP, true, ALL, true, []],
    ['both gateways', { ...SMTP, ...TWILIO }, true, ALL, false, []],
    ['both gateways and no outbox', { ...SMTP, ...TWILIO }, false, ALL, false, []],
    ['no outbox', {}, false, ['webauthn', 'totp', 'recovery-codes'], false, [TEXTS_OFF, 'mail is off: set SMTP_URL']],
    ['no outbox and mail', SMTP, false, ['webauthn', 'totp', 'email', 'recovery-codes'], false, [TEXTS_OFF]],
  ]
  for (const [name, env, outbox, ids, uses, printed] of sets) {
    it(`has with ${name} ${ids.join(', ')}`, async () => {
      assert.deepEqual(await open(env, outbox), { ids, usesOutbox: uses, printed })
    })
  }

  const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM } = TWILIO
  const mistakes: [name: string, env: Environment, message: RegExp][] = [
    [
      'an account alone',
      { TWILIO_ACCOUNT_SID },
      /^TWILIO_AUTH_TOKEN and TWILIO_FROM \(or TWILIO_VERIFY_SERVICE_SID\): found nothing; allowed: a value, beside TWILIO_ACCOUNT_SID$/,
    ],
    [
      'no token',
      { TWILIO_ACCOUNT_SID, TWILIO_FROM },
      /^TWILIO_AUTH_TOKEN: found nothing; allowed: a value, beside TWILIO_ACCOUNT_SID, TWILIO_FROM$/,
    ],
    [
      'no number',
      { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN },
      /^TWILIO_FROM \(or TWILIO_VERIFY_SERVICE_SID\): found nothing/,
    ],
    [
      'a base URL alone',
      { TWILIO_API_URL: 'http://localhost:1' },
      /^TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN and TWILIO_FROM \(or/,
    ],
    [
      'a sender without a server',
      { MAIL_FROM: 'a@example.com' },
      /^SMTP_URL: found nothing; allowed: a value, beside MAIL_FROM$/,
    ],
    [
      'an account that is none',
      { ...TWILIO, TWILIO_ACCOUNT_SID: 'AC1' },
      /accountSid: found a value of type string; allowed: a SID/,
    ],
    ['a server that is none', { SMTP_URL: 'http://user:S3CRET@localhost' }, /url.*must be your mail server/],
    ['a sender that is none', { ...SMTP, MAIL_FROM: 'nobody' }, /from.*must be an address/],
  ]
  for (const [name, env, message] of mistakes) {
    it(`refuses ${name} without a secret in its words`, async () => {
      await assert.rejects(open(env), (error: unknown) => {
        assert.ok(error instanceof StepUpError)
        assert.equal(error.code, 'ERR_CONFIG')
        assert.match(error.message, message)
        assert.ok(!error.message.includes('S3CRET'), error.message)
        return true
      })
    })
  }
})
