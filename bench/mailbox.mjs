import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

const CODE = /\b(\d{6})\b/

/** A mail server in this process that hands out the codes in the mails it gets. */
export const openMailbox = async () => {
  const waiting = new Map()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, { envelope }, done) {
      text(stream).then((mail) => {
        const body = mail.slice(mail.indexOf('\r\n\r\n'))
        done()
        take(envelope.rcptTo[0].address, CODE.exec(body)?.[1])
      }, done)
    },
  })
  const take = (address, code) => {
    const reader = waiting.get(address)
    waiting.delete(address)
    if (typeof reader === 'function') reader(code)
    else waiting.set(address, code)
  }
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return Object.freeze({
    url: `smtp://127.0.0.1:${server.server.address().port}`,
    /** The code in the next mail to this address. */
    code: (address) =>
      new Promise((resolve) => {
        const code = waiting.get(address)
        waiting.delete(address)
        if (typeof code === 'string') resolve(code)
        else waiting.set(address, resolve)
      }),
    close: () => new Promise((resolve) => server.close(resolve)),
  })
}
