import Koa from 'koa'
import mount from 'koa-mount'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, fromRoot, options, signIn } from './host.mjs'

const { PORT = 3000 } = process.env
const issuer = `http://localhost:${PORT}/oidc`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)

const app = new Koa()
// The outer app makes the context, so its keys sign the provider's cookies, and its `proxy` is the one that counts.
app.keys = configuration.cookies.keys
app.use((ctx, next) => {
  ctx.url = fromRoot(ctx.url)
  return next()
})
app.use(mount('/oidc', provider))
const loginPage = signIn(provider)
app.use(
  mount('/sign-in', async (ctx) => {
    ctx.respond = false
    await loginPage(ctx.req, ctx.res)
  }),
)
app.use((ctx, next) => {
  if (ctx.path !== '/') return next()
  ctx.body = '<h1>Acme</h1>'
})
app.listen(PORT, 'localhost', () => console.log(`ready ${issuer}`))
