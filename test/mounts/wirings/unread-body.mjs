import express from 'express'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, options, signIn } from '../../../examples/host.mjs'

// An app within an app, and a parser that leaves an empty body where it has read nothing, as Express 4's json() does.
const { PORT } = process.env
const issuer = `http://localhost:${PORT}/tenants/oidc`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

const tenants = express()
tenants.use('/oidc', provider.callback())
const app = express()
app.use((req, _res, next) => {
  req.body = {}
  next()
})
app.use('/tenants', tenants)
app.use('/sign-in', signIn(provider))
app.listen(PORT, 'localhost', () => console.log(`ready ${issuer}`))
