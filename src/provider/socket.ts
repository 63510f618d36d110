import type Provider from 'oidc-provider'
import { StepUpError } from '../errors.ts'
import { assertWhole, type Pieces } from './pieces.ts'

const refuse = (message: string): never => {
  throw new StepUpError('ERR_CONFIG', message)
}

/** The provider, once there is one: `attach` is called when it was made, and only once. */
export const createSocket = () => {
  const asked = new Set<keyof Pieces>()
  let warned = false
  let attached: Provider | undefined
  return {
    ask: (name: keyof Pieces) => void asked.add(name),
    /** Whether this was asked before. */
    isWarned: () => {
      const before = warned
      warned = true
      return before
    },
    attach: (provider: Provider) => {
      if (asked.size === 0) refuse('attach(): make the provider from what configure(hostConfiguration) returns, first')
      assertWhole(asked)
      if (attached !== undefined) refuse('attach(): a provider is attached already; each provider has its own stepUp()')
      attached = provider
    },
    /** Undefined as long as there is none. */
    attached: () => attached,
    provider: (what: string): Provider => attached ?? refuse(`${what}: attach(provider) was not called`),
  }
}
