/** A program in TypeScript that uses the package as the README does, and imports these modules as a whole. */
export const typedConsumer = (specifiers) => `
import Provider, { type Configuration } from 'oidc-provider'
import { type Account, MULTI_FACTOR, type StepUp, StepUpError, type StepUpOptions, stepUp } from 'oidc-step-up'
import { recoveryCodes } from 'oidc-step-up/factors/recovery-codes'
import { totp } from 'oidc-step-up/factors/totp'
import { defineConfig, serve } from 'oidc-step-up/serve'
import { memoryStore } from 'oidc-step-up/store/memory'
import { accountsSuite, storeSuite } from 'oidc-step-up/testing'
${specifiers.map((specifier, index) => `import * as module${index} from '${specifier}'`).join('\n')}

export const modules: readonly object[] = [${specifiers.map((_, index) => `module${index}`).join(', ')}]

const users = new Map<string, Account>([['alice', { id: 'alice', label: 'alice@example.com' }]])

const options: StepUpOptions = {
  account: async (accountId) => users.get(accountId),
  factors: [totp({ issuer: 'Acme' }), recoveryCodes()],
  sealingKeys: [process.env['SEALING_KEY']],
  policy: { default: 'always', scopes: { payments: { floor: 'phr', allowRememberBrowser: false } } },
}

export const mfa: StepUp = stepUp(options)

export const start = (issuer: string, host: Configuration) => {
  const provider = new Provider(issuer, mfa.configure(host))
  mfa.attach(provider)
  mfa.events.on('authenticator.enrolled', ({ accountId, by }) => console.log(accountId.length, by))
  return provider.callback()
}

export const invite = async (accountId: string): Promise<string> => (await mfa.accounts.issueTicket(accountId)).url

export const page: Parameters<Provider['use']>[0] = async (ctx, next) => {
  const session = await mfa.sessionLevel(ctx)
  if (session?.levels.includes(MULTI_FACTOR)) await next()
}

export const run = async (password: string) => {
  try {
    const { url } = await serve(
      defineConfig({
        issuer: 'https://login.example.com',
        port: 3000,
        clients: [{ client_id: 'app', client_secret: 'secret', redirect_uris: ['https://app.example.com/cb'] }],
        accounts: [{ id: '1', username: 'maria', password }],
        sealingKeys: [process.env['SEALING_KEY']],
        cookieKeys: [process.env['COOKIE_KEY']],
        factors: [totp({ issuer: 'Example' })],
      }),
    )
    return url
  } catch (error) {
    return error instanceof StepUpError ? error.code : undefined
  }
}

storeSuite('a store', () => ({ store: memoryStore() }))
accountsSuite('accounts', () => ({ store: memoryStore() }))

// @ts-expect-error an option that does not exist
stepUp({ ...options, sealingKey: [] })
// @ts-expect-error a setting of the wrong type
totp({ issuer: 1 })
// @ts-expect-error an event that does not exist
mfa.events.on('authenticator.lost', () => undefined)
`
