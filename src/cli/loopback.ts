import type Provider from 'oidc-provider'

interface ClientSchema {
  prototype: { invalidate(message: string, code?: string): void }
}

/** OpenID Connect Dynamic Client Registration 1.0 section 2, `application_type`. */
const FOR_PUBLIC_SITES = new Set(['implicit-force-https', 'implicit-forbid-localhost'])

/**
 * Lets clients of a provider on a loopback address use the implicit and hybrid flows at `http://localhost` too.
 *
 * @see node-oidc-provider, "Allowing HTTP and/or localhost for implicit response type web clients"
 */
export const allowLoopbackClients = (provider: Provider) => {
  const { prototype }: ClientSchema = Reflect.get(provider.Client, 'Schema')
  const { invalidate } = prototype
  prototype.invalidate = function refuse(message, code) {
    if (code === undefined || !FOR_PUBLIC_SITES.has(code)) invalidate.call(this, message, code)
  }
}
