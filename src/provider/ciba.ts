import type { Configuration } from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { DeviceEnding } from '../flow/devices.ts'
import { type AskTools, createAsk } from './ciba/ask.ts'
import { type ConcludeTools, createConclude } from './ciba/conclude.ts'
import { assertComparable } from './ciba/request.ts'

type Ciba = NonNullable<NonNullable<Configuration['features']>['ciba']>

/** What the backchannel works with. */
export interface BackchannelTools extends AskTools, ConcludeTools {}

/** Client-initiated backchannel authentication on the devices of accounts. */
export interface Backchannel {
  /** The feature with our part in it; the host's own functions are called as well. */
  feature(own: Ciba): Ciba
  /** Ends a request as its device has answered. */
  conclude(ending: DeviceEnding): Promise<void>
}

/** Nothing is known by which a code could be checked. */
const refuseUserCode: NonNullable<Ciba['verifyUserCode']> = (_ctx, _account, code) => {
  if (code !== undefined) throw new errors.InvalidRequest('user_code is not supported')
}

/**
 * Builds it; undefined where no configured factor has devices.
 *
 * @see OpenID Connect Client-Initiated Backchannel Authentication Flow - Core 1.0
 */
export const createBackchannel = (tools: BackchannelTools): Backchannel | undefined => {
  const factor = tools.config.factors.find(({ devices }) => devices !== undefined)
  if (factor === undefined) return undefined
  const ask = createAsk(tools, factor)
  return Object.freeze<Backchannel>({
    feature: (own) => ({
      validateRequestContext: () => undefined,
      verifyUserCode: refuseUserCode,
      ...own,
      async validateBindingMessage(ctx, message) {
        await own.validateBindingMessage?.(ctx, message)
        assertComparable(ctx, message)
      },
      triggerAuthenticationDevice: (ctx, request, account, client) =>
        ask(ctx, request, account, client, () => own.triggerAuthenticationDevice?.(ctx, request, account, client)),
    }),
    conclude: createConclude(tools),
  })
}
