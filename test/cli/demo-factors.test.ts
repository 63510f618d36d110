import assert from 'node:assert/strict'
import { demoFactors } from '../../src/cli/demo-factors.ts'
import type { Environment } from '../../src/cli/demo-gateways.ts'
import { createOutbox } from '../../src/cli/outbox.ts'
import { StepUpError } from '../../src/errors.ts'

const SID = `AC${'0'.repeat(32)}`
const TWILIO = { TWILIO_ACCOUNT_SID: SID, TWILIO_AUTH_TOKEN: 'S3CRET', TWILIO_FROM: '+15005550006' }
const VAPID = {
  VAPID_PUBLIC_KEY: 'BKjKxngzV_slxWzT4dXKxFm-mMPZYz_YgcbYwn7VDsNZXZ3A76kGkmolY70wm01TnkxvYOliW17mX9vNYebrFCw',
  VAPID_PRIVATE_KEY: 'XbNnmW9gD_r9Js6H0lVCnRdfBso0A6uH8iwv284PD8I',
}
const DUO = {
  DUO_CLIENT_ID: 'DIXXXXXXXXXXXXXXXXXX',
  DUO_CLIENT_SECRET: 'S3CRET'.padEnd(40, 'x'),
  DUO_API_HOST: 'api-1a2b3c4d.duosecurity.com',
}
const SMTP = { SMTP_URL: 'smtp://user:S3CRET@localhost:2525' }

const open = async (env: Environment, outbox = true) => {
  const printed: string[] = []
  const print = (line: string) => void printed.push(line)
  const made = await demoFactors({ env, outbox: outbox ? createOutbox(() => 0) : undefined, print })
  made.close()
  return { factors: made.factors, ids: made.factors.map(({ id }) => id), usesOutbox: made.usesOutbox, printed }
}

describe('cli/demo-factors', () => {
  const ALL = ['webauthn', 'totp', 'push', 'sms', 'email', 'recovery-codes']
  const TEXTS_OFF = 'text messages are off: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM'
  const DUO_IS_ON =
    'Duo is on: it asks only who has set up nothing else, such as alice until she uses her setup link; never bob'
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
    ['a key pair for notifications', VAPID, true, ALL, true, []],
    ['Duo', DUO, true, [...ALL.slice(0, -1), 'duo', 'recovery-codes'], true, [DUO_IS_ON]],
    [
      'no outbox',
      {},
      false,
      ['webauthn', 'totp', 'push', 'recovery-codes'],
      false,
      [TEXTS_OFF, 'mail is off: set SMTP_URL'],
    ],
    ['no outbox and mail', SMTP, false, ['webauthn', 'totp', 'push', 'email', 'recovery-codes'], false, [TEXTS_OFF]],
  ]
  for (const [name, env, outbox, ids, uses, printed] of sets) {
    it(`has with ${name} ${ids.join(', ')}`, async () => {
      const { factors: _factors, ...made } = await open(env, outbox)
      assert.deepEqual(made, { ids, usesOutbox: uses, printed })
    })
  }

  it('asks devices by notifications where there is a key pair for them, and else only those that are open', async () => {
    const aboutOf = async (env: Environment) =>
      (await open(env)).factors.find(({ id }) => id === 'push')?.devices?.about
    assert.deepEqual(await aboutOf({}), { channels: [] })
    const { VAPID_PUBLIC_KEY: vapidPublicKey } = VAPID
    assert.deepEqual(await aboutOf(VAPID), { channels: ['web-push'], vapidPublicKey })
  })

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
    [
      'a subject alone',
      { VAPID_SUBJECT: 'mailto:a@example.com' },
      /^VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY: found nothing; allowed: a value, beside VAPID_SUBJECT$/,
    ],
    [
      'half a key pair',
      { VAPID_PUBLIC_KEY: VAPID.VAPID_PUBLIC_KEY },
      /^VAPID_PRIVATE_KEY: found nothing; allowed: a value, beside VAPID_PUBLIC_KEY$/,
    ],
    [
      'a key pair that is none',
      { ...VAPID, VAPID_PRIVATE_KEY: 'S3CRET' },
      /^webPush\(\)\.privateKey: found a value of type string; allowed/,
    ],
    [
      'a host of Duo alone',
      { DUO_API_HOST: DUO.DUO_API_HOST },
      /^DUO_CLIENT_ID and DUO_CLIENT_SECRET: found nothing; allowed: a value, beside DUO_API_HOST$/,
    ],
    ['a secret of Duo that is none', { ...DUO, DUO_CLIENT_SECRET: 'S3CRET' }, /^duo.*clientSecret.*must be/],
    [
      'certificates that are not there',
      { ...DUO, DUO_CA_FILE: '/no/such/file.pem' },
      /^DUO_CA_FILE: found \/no\/such\/file\.pem out of reach \(ENOENT\); allowed: a file with certificates in PEM$/,
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
