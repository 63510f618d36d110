import express from 'express'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, fromRoot, options, signIn } from './host.mjs'

const { PORT = 3000 } = process.env
const issuer = `http://localhost:${PORT}/oidc`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

const app = express()
// Both read a request's body before the provider does; it and our pages take the fields from req.body then.
app.use(express.urlencoded(), express.json())
app.use((req, _res, next) => {
  req.url = fromRoot(req.url)
  next()
})
app.use('/oidc', provider.callback())
app.use('/sign-in', signIn(provider))
app.get('/', (_req, res) => res.send('<h1>Acme</h1>'))
app.post('/contact', (req, res) => res.json({ thanks: req.body.name }))
app.listen(PORT, 'localhost', (error) => {
  if (error) throw error
  console.log(`ready ${issuer}`)
})
