import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, options, signIn } from '../../../examples/host.mjs'

// Mounted under a path that the issuer does not have, and in Nest without a controller.
const { PORT } = process.env
const issuer = `http://localhost:${PORT}`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

class AppModule {}
Module({})(AppModule)

const app = await NestFactory.create(AppModule, { logger: false })
app.use((req, res, next) => {
  if (req.url === '/mfa/setup') return res.redirect('/oidc/mfa/setup')
  if (req.url.startsWith('/.well-known/')) req.url = `/oidc${req.url}`
  next()
})
app.use('/ticket', async (_req, res) => res.send((await mfa.accounts.issueTicket('1')).url))
app.use('/oidc', provider.callback())
app.use('/sign-in', signIn(provider))
await app.listen(PORT, 'localhost')
console.log(`ready ${issuer}`)
