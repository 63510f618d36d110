import type { Location, NetworkType } from '../policy/facts.ts'

/** Networks that hide where somebody is, the surest first; a data center alone does not. */
const ANONYMIZERS: readonly NetworkType[] = ['tor', 'vpn', 'residential-proxy', 'proxy', 'anonymous']

/** What hides where somebody is; undefined where nothing does, or no database could tell. */
export const anonymizerOf = (location: Location | undefined): NetworkType | undefined =>
  ANONYMIZERS.find((type) => location?.networks?.includes(type))
