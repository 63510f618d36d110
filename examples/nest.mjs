import 'reflect-metadata'
import { All, Controller, Get, Module, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { configuration, fromRoot, options, signIn } from './host.mjs'

const { PORT = 3000 } = process.env
const issuer = `http://localhost:${PORT}/oidc`

const mfa = stepUp(options)
const provider = new Provider(issuer, mfa.configure(configuration))
mfa.attach(provider)
const oidc = provider.callback()
const loginPage = signIn(provider)

class AppController {
  home() {
    return '<h1>Acme</h1>'
  }

  signIn(req, res) {
    return loginPage(req, res)
  }

  oidc(req, res) {
    req.url = req.url.slice('/oidc'.length)
    return oidc(req, res)
  }
}

/** What `@Get('…') name(@Req() req, @Res() res)` says in TypeScript. */
const route = (decorator, name) => {
  decorator(AppController.prototype, name, Object.getOwnPropertyDescriptor(AppController.prototype, name))
  if (AppController.prototype[name].length === 0) return
  Req()(AppController.prototype, name, 0)
  Res()(AppController.prototype, name, 1)
}
route(Get(), 'home')
route(All('sign-in/:uid'), 'signIn')
route(All('oidc/*path'), 'oidc')
Controller()(AppController)

class AppModule {}
Module({ controllers: [AppController] })(AppModule)

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.use((req, _res, next) => {
  req.url = req.originalUrl = fromRoot(req.url)
  next()
})
await app.listen(PORT, 'localhost')
console.log(`ready ${issuer}`)
