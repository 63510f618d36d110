import middie from '@fastify/middie'
import Fastify from 'fastify'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, fromRoot, options, signIn } from './host.mjs'

const { PORT = 3000 } = process.env
const issuer = `http://localhost:${PORT}/oidc`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

const app = Fastify({ rewriteUrl: (req) => fromRoot(req.url) })
await app.register(middie)
app.use('/oidc', provider.callback())
app.use('/sign-in', signIn(provider))
app.get('/', (_req, reply) => reply.type('text/html').send('<h1>Acme</h1>'))
await app.listen({ port: PORT, host: 'localhost' })
console.log(`ready ${issuer}`)
