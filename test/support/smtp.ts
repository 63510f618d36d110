import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { ownCertificate } from './certificates.ts'

/** One mail as it came in. */
export interface Mail {
  /** What MAIL FROM said. */
  readonly from: string
  /** What each RCPT TO said, in their order. */
  readonly to: readonly string[]
  /** Header fields by their names in small letters, unfolded and decoded; of several with one name the last. */
  readonly headers: Readonly<Record<string, string>>
  /** How often each header field came. */
  readonly counts: Readonly<Record<string, number>>
  readonly text: string
  readonly html: string
  /** The code in it. */
  readonly code: string
  /** All of it, as it was sent. */
  readonly raw: string
}

/** What one answer of the server is: a status with its words, or undefined for "fine". */
type Refusal = readonly [status: number, words: string] | undefined

/** How the server behaves; a test may change it at any time. */
export interface Script {
  /** Milliseconds before it greets. */
  banner?: number
  /** What it says to RCPT TO; `attempt` counts from 1. */
  recipient?: (address: string, attempt: number) => Refusal
  /** What it says at the end of the data. */
  data?: () => Refusal
  /** When it hangs up without a word. */
  hangUp?: 'at once' | 'at the recipient' | 'after the data'
  /** It never says anything. */
  silent?: boolean
}

const decodedWords = (value: string) =>
  value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_word, way: string, text: string) =>
      way.toUpperCase() === 'B' ? Buffer.from(text, 'base64').toString() : fromQuoted(text.replaceAll('_', ' ')),
    )

const fromQuoted = (text: string) =>
  Buffer.from(
    text
      .replace(/=\r?\n/g, '')
      .replace(/=([0-9A-F]{2})/gi, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString()

const split = (raw: string) => {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), decodedWords(line.slice(colon + 1).trim())]
  })
  return { fields, headers: Object.fromEntries(fields), body: raw.slice(end + 4) }
}

/** The parts of a mail by their type; nested ones too. */
const partsOf = (raw: string): Readonly<Record<string, string>> => {
  const { headers, body } = split(raw)
  const type = headers['content-type'] ?? 'text/plain'
  const boundary = /boundary="?([^";]+)/.exec(type)?.[1]
  if (boundary !== undefined)
    return Object.assign(
      {},
      ...body
        .split(`--${boundary}`)
        .slice(1, -1)
        .map((part) => partsOf(part.trimStart())),
    )
  const encoding = headers['content-transfer-encoding']?.toLowerCase()
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString()
      : encoding === 'quoted-printable'
        ? fromQuoted(body)
        : body
  return { [type.split(';')[0] ?? '']: text.replaceAll('\r\n', '\n').trim() }
}

const mailOf = (raw: string, from: string, to: readonly string[]): Mail => {
  const { fields, headers } = split(raw)
  const counts: Record<string, number> = {}
  for (const [name] of fields) counts[name] = (counts[name] ?? 0) + 1
  const { 'text/plain': text = '', 'text/html': html = '' } = partsOf(raw)
  return { from, to, headers, counts, text, html, code: /^\d{6}$/m.exec(text)?.[0] ?? '', raw }
}

const errorOf = (refusal: Refusal) => refusal && Object.assign(new Error(refusal[1]), { responseCode: refusal[0] })

/** What a test may want of the server from the start. */
export interface SmtpSettings {
  readonly script?: Script
  /** TLS from the start, or by STARTTLS; default none. */
  readonly tls?: 'smtps' | 'starttls'
  readonly certificate?: ReturnType<typeof ownCertificate>
  /** Who may send; default anybody. */
  readonly login?: { readonly user: string; readonly pass: string }
}

/** A real SMTP server on loopback that does as it is told and keeps what it gets. */
export const startSmtp = async ({ script = {}, tls, certificate, login }: SmtpSettings = {}) => {
  const mails: Mail[] = []
  const attempts = new Map<string, number>()
  const seen = { connections: 0, recipients: [] as string[], secure: false }
  const open = new Set<{ destroy: () => void }>()

  const server = new SMTPServer({
    secure: tls === 'smtps',
    ...(certificate ?? {}),
    authOptional: login === undefined,
    allowInsecureAuth: true,
    disabledCommands: [...(tls === undefined ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 10,
    onConnect: (_session, done) => {
      seen.connections += 1
      if (script.silent === true) return
      setTimeout(done, script.banner ?? 0)
    },
    onAuth: ({ username, password }, _session, done) =>
      username === login?.user && password === login?.pass ? done(null, { user: username }) : done(new Error('who?')),
    onRcptTo: ({ address }, { secure }, done) => {
      seen.recipients.push(address)
      seen.secure = secure
      if (script.hangUp === 'at the recipient') return hangUp()
      const attempt = (attempts.get(address) ?? 0) + 1
      attempts.set(address, attempt)
      done(errorOf(script.recipient?.(address, attempt)))
    },
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (script.hangUp === 'after the data') return hangUp()
        const refusal = script.data?.()
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const to = envelope.rcptTo.map(({ address }) => address)
        if (refusal === undefined) mails.push(mailOf(Buffer.concat(chunks).toString(), from, to))
        done(errorOf(refusal))
      })
    },
  })
  const hangUp = () => {
    for (const socket of open) socket.destroy()
  }
  // Faults of one connection are the client's to notice.
  server.on('error', () => undefined)
  server.server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    if (script.hangUp === 'at once') socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const user = login === undefined ? '' : `${encodeURIComponent(login.user)}:${encodeURIComponent(login.pass)}@`

  return {
    url: `${tls === 'smtps' ? 'smtps' : 'smtp'}://${user}localhost:${port}`,
    script,
    /** What was accepted, oldest first. */
    mails,
    /** What it saw of its clients. */
    seen,
    /** The mails to one address since the last call for it. */
    take: (address: string) => {
      const taken = mails.filter(({ to }) => to.includes(address))
      for (const mail of taken) mails.splice(mails.indexOf(mail), 1)
      return taken
    },
    /** Ends all connections without a word. */
    hangUp,
    close: async () => {
      hangUp()
      await new Promise<void>((resolve) => server.close(resolve))
    },
  }
}
