import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'

const REDIRECT_URI = 'http://localhost:9/callback'

const AUTHORIZATION = new URLSearchParams({
  client_id: 'app',
  redirect_uri: REDIRECT_URI,
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
})

/** The host's own pages: whoever comes to the login page is alice. */
const hostPages = (provider) => async (ctx, next) => {
  if (ctx.path !== '/login') return next()
  const { prompt } = await provider.interactionDetails(ctx.req, ctx.res)
  assert.equal(prompt.name, 'login')
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'alice' } })
  ctx.respond = false
}

/** A browser that keeps cookies and follows redirects, and lists the paths it was sent to. */
const visit = async (start) => {
  const cookies = new Map()
  const paths = []
  let url = new URL(start)
  for (;;) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html', cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) return { paths, status: response.status, text: await response.text() }
    await response.arrayBuffer()
    url = new URL(location, url)
    paths.push(url.pathname.replace(/[\w-]{20,}/g, ':uid'))
    assert.ok(paths.length < 10, paths.join(' '))
  }
}

/**
 * Serves a provider as the README makes one and signs in until the plugin's first page. Returns what a caller can
 * compare: metadata, the paths of the redirects, the page's heading, and whether its style sheet is served.
 */
export const journey = async ({ Provider, stepUp, totp, recoveryCodes }) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const issuer = `http://127.0.0.1:${server.address().port}`
    const mfa = stepUp({
      account: (id) => ({ id, label: id }),
      factors: [totp({ issuer: 'Acme' }), recoveryCodes()],
      sealingKeys: [Buffer.alloc(32, 1).toString('base64url')],
      policy: { default: 'always' },
    })
    const provider = new Provider(
      issuer,
      mfa.configure({
        clients: [{ client_id: 'app', token_endpoint_auth_method: 'none', redirect_uris: [REDIRECT_URI] }],
        cookies: { keys: ['a text of at least 32 characters…'] },
        findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
        interactions: { url: () => '/login' },
      }),
    )
    provider.use(hostPages(provider))
    mfa.attach(provider)
    server.on('request', provider.callback())

    const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
    const { paths, status, text } = await visit(`${issuer}/auth?${AUTHORIZATION}`)
    const [, heading = text.slice(0, 300)] = /<h1[^>]*>\s*([^<]*?)\s*</.exec(text) ?? []
    const [, styles = '/none'] = /<link[^>]*href="([^"]+\.css[^"]*)"/.exec(text) ?? []
    const sheet = await fetch(new URL(styles, issuer))
    return { acrValues: discovery.acr_values_supported, paths, status, heading, styles: sheet.status }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
