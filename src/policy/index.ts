export type { Upstream } from '../assurance/evidence.ts'
export { type HostLogin, type UpstreamLoginOptions, type UpstreamTrust, upstreamLogin } from '../upstream.ts'
export { all, any, type Condition, known, not } from './condition.ts'
export {
  type AttributePath,
  accountAttribute,
  accountHas,
  type GroupOptions,
  group,
  tenant,
} from './conditions/account.ts'
export { fact } from './conditions/host.ts'
export type { Scalar } from './conditions/matching.ts'
export { asn, ipRange, network } from './conditions/network.ts'
export { type Circle, changedLocation, country, type LocationChange, region, within } from './conditions/place.ts'
export { client, resource, scope } from './conditions/request.ts'
export { confidenceAtMost } from './conditions/risk.ts'
export {
  daysSinceFactor,
  enrolled,
  loginMethod,
  newDevice,
  type UpstreamQuestion,
  upstream,
} from './conditions/sign-in.ts'
export { type TimeOfDay, timeOfDay, type Weekday, type WeekdayOptions, weekday } from './conditions/time.ts'
// All of it, and not name by name: only so can a host declare further facts into it.
export type * from './facts.ts'
export { rulesFromJson } from './json-rules.ts'
export { always, type Demand, type Rule, type RuleOptions, when } from './rule.ts'
