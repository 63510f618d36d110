import Provider, { type Configuration } from 'oidc-provider'
import { type Clock, systemClock } from '../clock.ts'
import type { StepUpOptions } from '../config.ts'
import { StepUpError } from '../errors.ts'
import { type Backing, openRedis } from './backing.ts'
import type { CheckedConfig } from './config.ts'

const configurationFault = (cause: unknown) =>
  new StepUpError('ERR_CONFIG', `configuration: ${(cause as Error).message}`, { cause })

/**
 * Makes a provider.
 *
 * @throws StepUpError `ERR_CONFIG` in oidc-provider's own words.
 */
export const construct = (issuer: string, configuration: Configuration) => {
  try {
    return new Provider(issuer, configuration)
  } catch (cause) {
    throw configurationFault(cause)
  }
}

const SETTINGS = [
  'levels',
  'acrValues',
  'maxAge',
  'policy',
  'risk',
  'geo',
  'trustedProxies',
  'recordDecisions',
  'enrollment',
  'rememberBrowser',
  'offers',
  'store',
] as const satisfies readonly (keyof CheckedConfig & keyof StepUpOptions)[]

/** What of a configuration is the plugin's; `account` comes from elsewhere. */
export const plugin = (checked: CheckedConfig, clock: Clock) => {
  const { factors, sealingKeys } = checked
  const set = SETTINGS.filter((name) => checked[name] !== undefined).map((name) => [name, checked[name]] as const)
  const settings: Pick<StepUpOptions, (typeof SETTINGS)[number]> = Object.fromEntries(set)
  return { ...settings, factors, sealingKeys, clock }
}

/** What a program around a configuration says of where things are kept. */
export interface BackingOptions {
  /** Used where the configuration says nothing of its own. */
  readonly redisUrl?: string | undefined
  readonly clock?: Clock
}

/** Where everything is kept if Redis is named; what the configuration brings itself stands above it. */
export const openBacking = async (
  { redis, store, configuration, sealingKeys }: CheckedConfig,
  { redisUrl, clock = systemClock }: BackingOptions,
) => {
  if (store !== undefined && configuration?.adapter !== undefined) return undefined
  if (redis !== undefined) return openRedis(redis, { sealingKeys, clock, name: 'redis' })
  return redisUrl ? openRedis({ url: redisUrl }, { sealingKeys, clock, name: 'REDIS_URL' }) : undefined
}

/** The configuration with what keeps everything. */
export const kept = (checked: CheckedConfig, backing: Backing | undefined): CheckedConfig =>
  backing === undefined
    ? checked
    : {
        ...checked,
        store: checked.store ?? backing.store,
        configuration: { adapter: backing.adapter, ...checked.configuration },
      }
