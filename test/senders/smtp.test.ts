import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import { type SmtpOptions, type SmtpSender, smtp } from '../../src/senders/smtp.ts'
import { ownCertificate } from '../support/certificates.ts'
import { type SmtpSettings, startSmtp } from '../support/smtp.ts'

const FROM = 'Example <no-reply@example.com>'

const message = (more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  to: 'bob@example.com',
  channel: 'text',
  locale: 'de',
  subject: 'Ihr Code für Bücher',
  text: 'Grüße\n\n493817\n\nEnde',
  html: '<p>Grüße <b>493817</b></p>',
  expiresAt: Math.floor(Date.now() / 1000) + 300,
  ...more,
})

/** Whether it is an ordinary error that names nobody and no secret. */
const isPlain = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error && !(error instanceof StepUpError))
  assert.match(error.message, words)
  assert.equal(error.cause, undefined)
  assert.doesNotMatch(JSON.stringify([error.message, error.stack, error]), /bob|493817|wrong-pass|unknown user/)
  return true
}

describe('senders/smtp', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  const open = async (settings: SmtpSettings = {}, options: Partial<SmtpOptions> = {}) => {
    const server = await startSmtp(settings)
    const sender: SmtpSender = smtp({ url: server.url, from: FROM, ...options })
    closing.push(sender.close, server.close)
    return { server, sender }
  }

  it('sends text and HTML to the one address, which is the whole envelope', async () => {
    const { server, sender } = await open({}, { replyTo: 'help@example.com' })
    await sender(message())
    const [mail] = server.mails
    assert.ok(mail)
    assert.deepEqual([mail.from, mail.to], ['no-reply@example.com', ['bob@example.com']])
    assert.deepEqual(server.seen.recipients, ['bob@example.com'])
    const { headers } = mail
    assert.equal(headers.from, 'Example <no-reply@example.com>')
    assert.equal(headers.to, 'bob@example.com')
    assert.equal(headers['reply-to'], 'help@example.com')
    assert.equal(headers.subject, 'Ihr Code für Bücher')
    assert.equal(headers['auto-submitted'], 'auto-generated')
    assert.match(headers['message-id'] ?? '', /^<[^<>\s]+@example\.com>$/)
    assert.ok(Math.abs(Date.parse(headers.date ?? '') - Date.now()) < 60_000)
    assert.equal(headers['x-mailer'], undefined)
    assert.equal(headers.cc ?? headers.bcc, undefined)
    assert.ok(Object.values(mail.counts).every((count) => count === 1))
    assert.equal(mail.text, 'Grüße\n\n493817\n\nEnde')
    assert.equal(mail.html, '<p>Grüße <b>493817</b></p>')
  })

  it('sends text alone where there is no HTML, over the connection it has', async () => {
    const { server, sender } = await open()
    const { html: _html, subject: _subject, ...plain } = message()
    await sender(plain)
    await sender(plain)
    assert.deepEqual(
      server.mails.map(({ text, html }) => [text, html]),
      Array(2).fill(['Grüße\n\n493817\n\nEnde', '']),
    )
    assert.equal(server.seen.connections, 1)
  })

  it('AC-71: asks no server for what is no plain address', async () => {
    const { server, sender } = await open()
    for (const to of [
      '',
      'bob',
      'bob@example.com\r\nBcc: eve@evil.example',
      'bob@example.com, eve@evil.example',
      'Bob <bob@example.com>',
      '"bob@evil.example"@example.com',
    ])
      await assert.rejects(
        sender(message({ to })),
        (error) => error instanceof StepUpError && error.code === 'ERR_ADDRESS' && !/bob|eve/.test(error.message),
      )
    assert.equal(server.seen.connections, 0)
  })

  it('AC-71: makes no header of a subject and reads no file for a text', async () => {
    const { server, sender } = await open()
    const subject = 'x\r\nBcc: eve@evil.example\r\n\r\nbody'
    await sender(message({ subject, text: '/etc/passwd', html: '<img src="file:///etc/passwd">' }))
    const [mail] = server.mails
    assert.deepEqual([mail?.to, mail?.headers.bcc], [['bob@example.com'], undefined])
    assert.deepEqual([mail?.text, mail?.html], ['/etc/passwd', '<img src="file:///etc/passwd">'])
  })

  const replies: readonly (readonly [number, string, 'never' | 'not now'])[] = [
    [550, '5.1.1 <bob@example.com> unknown user', 'never'],
    [550, 'unknown user bob@example.com', 'never'],
    [550, '5.2.1 mailbox of bob disabled', 'never'],
    [550, '5.4.1 bob: recipient address rejected', 'never'],
    [553, 'unknown user bob', 'never'],
    [556, '5.1.10 bob: domain takes no mail', 'never'],
    [550, '5.7.1 bob: relaying denied', 'not now'],
    [554, '5.7.1 your address is on a list, bob', 'not now'],
    [552, '5.2.2 mailbox of bob full', 'not now'],
    [530, '5.7.0 must authenticate before bob', 'not now'],
    [451, '4.7.1 greylisted, bob, come back', 'not now'],
    [450, 'mailbox of bob busy', 'not now'],
  ]
  for (const [status, words, outcome] of replies)
    it(`takes "${status} ${words}" for "${outcome}"`, async () => {
      const { server, sender } = await open({ script: { recipient: () => [status, words] } })
      const never = (error: unknown) => {
        assert.ok(error instanceof StepUpError && error.code === 'ERR_ADDRESS')
        assert.doesNotMatch(`${error.message} ${error.stack} ${error.cause}`, /bob@|unknown user/)
        return true
      }
      await assert.rejects(sender(message()), outcome === 'never' ? never : isPlain(new RegExp(String(status))))
      assert.deepEqual(server.mails, [])
    })

  it('takes a refusal of the text for "not now", whatever its status', async () => {
    const { sender } = await open({ script: { data: () => [550, '5.1.1 no, bob'] } })
    await assert.rejects(sender(message()), isPlain(/550/))
  })

  it('insists on TLS where the server is not this machine, or TLS options are given', async () => {
    const { server, sender } = await open({}, { tls: {} })
    await assert.rejects(sender(message()), isPlain(/ETLS/))
    assert.deepEqual(server.mails, [])
  })

  describe('over TLS', function slow() {
    this.timeout('20s')
    let certificate: ReturnType<typeof ownCertificate>
    before(() => {
      certificate = ownCertificate()
    })

    for (const tls of ['smtps', 'starttls'] as const) {
      it(`speaks ${tls} with a server whose certificate it is told to trust, and logs in`, async () => {
        const login = { user: 'a user', pass: 'p@ss:/word%' }
        const { server, sender } = await open({ tls, certificate, login }, { tls: { ca: certificate.cert } })
        await sender(message())
        assert.equal(server.mails.length, 1)
        assert.equal(server.seen.secure, true)
      })

      it(`sends nothing by ${tls} to a server with a certificate that nobody vouches for`, async () => {
        const { server, sender } = await open({ tls, certificate }, { tls: {} })
        await assert.rejects(sender(message()), isPlain(/ESOCKET|ETLS/))
        assert.deepEqual([server.mails, server.seen.recipients], [[], []])
      })
    }

    it('says that it may not log in, without the password', async () => {
      const settings = { tls: 'smtps', certificate, login: { user: 'u', pass: 'right' } } as const
      const { server } = await open(settings)
      const url = server.url.replace('u:right', 'u:wrong-pass')
      const sender = smtp({ url, from: FROM, tls: { ca: certificate.cert } })
      closing.push(sender.close)
      await assert.rejects(sender(message()), isPlain(/EAUTH/))
    })
  })

  const wrong: readonly (readonly [string, object])[] = [
    ['url', { url: '' }],
    ['url', { url: undefined }],
    ['url', { url: 'mail.example.com' }],
    ['url', { url: 'http://u:secret-pass@mail.example.com' }],
    ['url', { url: 'smtps://u:secret-pass@mail.example.com?logger=true' }],
    ['url', { url: 'smtps://u:secret-pass@mail.example.com/path' }],
    ['url', { url: 'smtps://u:secret-pass%zz@mail.example.com' }],
    ['from', { from: 'nobody' }],
    ['from', { from: 'A <a@example.com>, b@example.com' }],
    ['from', { from: 'A <a@example.com>\r\nBcc: eve@evil.example' }],
    ['replyTo', { replyTo: 'A <a@example.com' }],
    ['tls', { url: 'smtps://mail.example.com', tls: false }],
    ['connectionTimeoutSeconds', { connectionTimeoutSeconds: 0 }],
    ['idleTimeoutSeconds', { idleTimeoutSeconds: Number.NaN }],
    ['sendTimeoutSeconds', { sendTimeoutSeconds: -1 }],
    ['maxConnections', { maxConnections: 1.5 }],
    ['user', { user: 'bob' }],
  ]
  for (const [name, change] of wrong)
    it(`refuses the option ${name} in ${JSON.stringify(change)}`, () =>
      assert.throws(
        () => smtp({ url: 'smtp://localhost', from: FROM, ...change } as SmtpOptions),
        (error) => {
          assert.ok(error instanceof StepUpError && error.code === 'ERR_CONFIG')
          assert.ok(error.message.startsWith(`smtp({ ${name} })`))
          assert.doesNotMatch(`${error.message} ${error.cause}`, /secret-pass/)
          return true
        },
      ))

  it('says what is missing, and which options there are', () => {
    for (const options of [undefined, null, {}, { url: undefined }, { url: '' }])
      assert.throws(() => smtp(options as never), {
        message: /^smtp\(\{ url \}\): found nothing; must be your mail server/,
      })
    assert.throws(() => smtp({ url: 'smtp://localhost' } as never), {
      message: /^smtp\(\{ from \}\): found nothing; must/,
    })
    assert.throws(() => smtp({ url: 'smtp://localhost', from: FROM, user: 'bob' } as never), {
      message: /^smtp\(\{ user \}\): there is no such option; allowed: url, from, replyTo, tls, /,
    })
  })
})
