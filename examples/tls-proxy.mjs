import { once } from 'node:events'
import { createServer, request } from 'node:http'
import https from 'node:https'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { selfSigned } from './certificate.mjs'
import { configuration, options, signIn } from './host.mjs'

const { PORT = 3000 } = process.env
const issuer = `https://localhost:${PORT}`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
// Only where nobody but the proxy can connect: it takes X-Forwarded-Proto and X-Forwarded-Host for the truth.
provider.proxy = true
mfa.attach(provider)

const oidc = provider.callback()
const loginPage = signIn(provider)
const app = createServer((req, res) => (req.url.startsWith('/sign-in/') ? loginPage(req, res) : oidc(req, res)))
app.listen(0, '127.0.0.1')
await once(app, 'listening')

// What nginx or a load balancer does: it speaks TLS, and overwrites what the browser says about host and protocol.
const { host } = new URL(issuer)
const upstream = { host: '127.0.0.1', port: app.address().port }
const proxy = https.createServer(selfSigned('localhost'), (req, res) => {
  if (!req.url.startsWith('/')) return res.writeHead(400).end()
  const forwarded = {
    'x-forwarded-for': req.socket.remoteAddress,
    'x-forwarded-host': host,
    'x-forwarded-proto': 'https',
  }
  const { method, url, headers } = req
  const onward = request({ ...upstream, method, path: url, headers: { ...headers, host, ...forwarded } }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers)
    answer.pipe(res)
  })
  onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()))
  req.pipe(onward)
})
proxy.listen(PORT, 'localhost', () => console.log(`ready ${issuer}`))
