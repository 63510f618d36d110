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
app.use((req, _res, next) => {
  req.url = fromRoot(req.url)
  next()
})
app.use('/oidc', provider.callback())
app.use('/sign-in', signIn(provider))
app.get('/', (_req, res) => res.send('<h1>Acme</h1>'))
app.listen(PORT, 'localhost', (error) => {
  if (error) throw error
  console.log(`ready ${issuer}`)
})
