import { generateKeyPairSync, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { totp } from 'oidc-step-up/factors/totp'

const random = () => randomBytes(32).toString('base64url')

const {
  PASSWORD = random().slice(0, 12),
  CLIENT_SECRET = random(),
  REDIRECT_URI = 'http://localhost:3002/callback',
  SEALING_KEY = random(),
  COOKIE_KEY = random(),
} = process.env

if (process.env.PASSWORD === undefined) console.log(`sign in as maria, password ${PASSWORD}`)

const hash = promisify(scrypt)
const salt = randomBytes(16)
const accounts = new Map([
  ['maria', { id: '1', label: 'maria@example.com', passwordHash: await hash(PASSWORD, salt, 32) }],
])

const findAccount = (id) => [...accounts.values()].find((account) => account.id === id)

/** What stepUp() gets. */
export const options = {
  account: findAccount,
  factors: [totp({ issuer: 'Acme' })],
  sealingKeys: [SEALING_KEY],
}

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })

/** What oidc-provider gets, by way of mfa.configure(). */
export const configuration = {
  clients: [
    {
      client_id: 'app',
      client_secret: CLIENT_SECRET,
      redirect_uris: [REDIRECT_URI],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  cookies: { keys: [COOKIE_KEY] },
  findAccount: (_ctx, sub) => findAccount(sub) && { accountId: sub, claims: () => ({ sub }) },
  // The path as the browser sees it, from the root: the cookie of the interaction is sent to it and to no other.
  interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
  jwks: { keys: [{ ...signingKey, alg: 'ES256', use: 'sig' }] },
  loadExistingGrant: async ({ oidc: { provider, client, session } }) => {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId })
    grant.addOIDCScope('openid')
    await grant.save()
    return grant
  },
}

/** For an issuer that ends in `/oidc`, `/.well-known/<name>/oidc` is answered below the mount (RFC 8414 section 3.1). */
export const fromRoot = (url) => url.replace(/^(\/\.well-known\/[a-z-]+)\/oidc(?=\?|$)/, '/oidc$1')

const page = (res, status, message) => {
  res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  res.end(`<!doctype html><html lang="en"><title>Acme</title><h1>Sign in to Acme</h1><p>${message}</p>
    <form method="post"><label>Name <input name="name"></label>
    <label>Password <input name="password" type="password"></label> <button>Sign in</button></form>`)
}

const MAX_FORM_LENGTH = 4096

/** The posted form, whether or not a body parser has read it already. */
const formOf = async (req) => {
  if (!req.readable) return req.body ?? {}
  let text = ''
  for await (const chunk of req) {
    text += chunk
    if (text.length > MAX_FORM_LENGTH) throw new Error('this is no sign-in form')
  }
  return Object.fromEntries(new URLSearchParams(text))
}

/** The login page of this host, for any framework: a listener for `/sign-in/:uid`. */
export const signIn = (provider) => async (req, res) => {
  try {
    await provider.interactionDetails(req, res)
    if (req.method !== 'POST') return page(res, 200, '')
    const { name, password } = await formOf(req)
    const account = accounts.get(name)
    const given = await hash(String(password), salt, 32)
    if (account === undefined || !timingSafeEqual(given, account.passwordHash))
      return page(res, 422, 'Name or password is wrong.')
    await provider.interactionFinished(req, res, { login: { accountId: account.id } })
  } catch {
    if (!res.headersSent) page(res, 400, 'This page is no longer valid. Start again in the app you came from.')
  }
}
