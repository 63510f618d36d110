import { bodyParser } from '@koa/bodyparser'
import Koa from 'koa'
import mount from 'koa-mount'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, options, signIn } from '../../../examples/host.mjs'

// The outer Koa trusts its proxy and parses every body, once for JSON alone and then for all it knows.
const { PORT } = process.env
const issuer = `http://localhost:${PORT}/oidc`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

const app = new Koa({ proxy: true, keys: configuration.cookies.keys })
const loginPage = signIn(provider)
app.use(
  mount('/sign-in', async (ctx) => {
    ctx.respond = false
    await loginPage(ctx.req, ctx.res)
  }),
)
app.use(bodyParser({ enableTypes: ['json'] }))
app.use((ctx, next) => {
  if (!ctx.get('x-parse')) return next()
  ctx.request.body = undefined
  return bodyParser()(ctx, next)
})
app.use(mount('/oidc', provider))
app.listen(PORT, 'localhost', () => console.log(`ready ${issuer}`))
