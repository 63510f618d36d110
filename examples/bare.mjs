import { createServer } from 'node:http'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, options, signIn } from './host.mjs'

const { PORT = 3000 } = process.env
const issuer = `http://localhost:${PORT}`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

const oidc = provider.callback()
const loginPage = signIn(provider)

const app = createServer((req, res) => (req.url.startsWith('/sign-in/') ? loginPage(req, res) : oidc(req, res)))
app.listen(PORT, 'localhost', () => console.log(`ready ${issuer}`))
