import { text } from 'node:stream/consumers'
import { interactionPolicy } from 'oidc-provider'
import { CLIENTS, MULTI_FACTOR, REDIRECT_URI, SINGLE_FACTOR, secretOfClient } from './registration.mjs'

const clientOf = (clientId) => ({
  client_id: clientId,
  client_secret: secretOfClient(clientId),
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
})

/** One grant by session and client, and no consent page. */
const loadExistingGrant = async ({ oidc }) => {
  const { session, client, provider } = oidc
  const grantId = session.grantIdFor(client.clientId)
  if (grantId !== undefined) return provider.Grant.find(grantId)
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId })
  grant.addOIDCScope('openid')
  await grant.save()
  return grant
}

const LIVES = {
  AccessToken: 3600,
  AuthorizationCode: 60,
  Grant: 86_400,
  IdToken: 3600,
  Interaction: 3600,
  Session: 86_400,
}

/**
 * The configuration that every variant shares: same claims, same signing key, same clients, same lifetimes.
 *
 * @param {{ jwk: object, adapter: Function, ttl?: Record<string, number> }} parts
 */
export const hostConfiguration = ({ jwk, adapter, ttl }) => ({
  adapter,
  acrValues: [SINGLE_FACTOR, MULTI_FACTOR],
  claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
  clients: Object.values(CLIENTS).map(clientOf),
  cookies: { keys: ['a cookie key of the benchmark'] },
  features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  jwks: { keys: [jwk] },
  loadExistingGrant,
  pkce: { required: () => true },
  ttl: { ...LIVES, ...ttl },
})

const SECOND = 'second'

/**
 * What a host writes by hand who wants two steps and no more: a prompt after the login that is owed under the same
 * conditions as ours and accepts whatever is typed.
 */
export const policyWithSecondPrompt = () => {
  const { Check, Prompt, base } = interactionPolicy
  const policy = base()
  const isOwed = ({ oidc: { client, params, session } }) =>
    session.acr !== MULTI_FACTOR &&
    (client.clientId === CLIENTS.guarded || params.acr_values?.split(' ').includes(MULTI_FACTOR) === true)
  const check = new Check('second_factor', 'a second factor is required', 'interaction_required', isOwed)
  policy.add(new Prompt({ name: SECOND, requestable: false }, check), 1)
  return policy
}

const page = (heading, field, action) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${heading}</title></head>
<body>
<h1>${heading}</h1>
<form class="main" method="post" action="${action}">
<label for="${field}">${heading}</label>
<input id="${field}" name="${field}" autofocus>
<button>Continue</button>
</form>
</body>
</html>`

const PAGES = {
  login: { heading: 'Sign in', field: 'login' },
  [SECOND]: { heading: 'Enter your code', field: 'code' },
}

const resultOf = ({ prompt, session }, form) =>
  prompt.name === SECOND
    ? { login: { accountId: session.accountId, acr: MULTI_FACTOR, amr: ['pwd', 'otp', 'mfa'] }, [SECOND]: {} }
    : { login: { accountId: form.get('login'), acr: SINGLE_FACTOR, amr: ['pwd'] } }

/**
 * The host's pages at `/interaction/:uid`, as a Koa middleware: whoever types a name is that account, since the hash
 * of a password would drown all that is measured here. It ends an interaction in the cheapest way there is, by
 * writing the result into the record that it read, which `interactionFinished` would read once more.
 *
 * @param {import('oidc-provider').Provider} provider
 */
export const hostPages = (provider) => async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  const interaction = await provider.interactionDetails(ctx.req, ctx.res)
  if (ctx.method === 'GET') {
    const { heading, field } = PAGES[interaction.prompt.name]
    ctx.set('cache-control', 'no-store')
    ctx.type = 'html'
    ctx.body = page(heading, field, ctx.path)
    return
  }
  interaction.result = resultOf(interaction, new URLSearchParams(await text(ctx.req)))
  await interaction.persist()
  ctx.redirect(interaction.returnTo)
  ctx.status = 303
}
