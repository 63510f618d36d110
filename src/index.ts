export type { Account } from './account.ts'
export type { Evidence, Kind, Proof, Trait } from './assurance/evidence.ts'
export type { Level, Needs } from './assurance/levels.ts'
export {
  MULTI_FACTOR,
  nist,
  PHISHING_RESISTANT,
  PHISHING_RESISTANT_HARDWARE,
  type Preset,
  SINGLE_FACTOR,
  standard,
} from './assurance/presets.ts'
export type { Clock } from './clock.ts'
export type { StepUpOptions } from './config.ts'
export { type ErrorCode, StepUpError } from './errors.ts'
export type {
  AnyFactor,
  Authenticator,
  Ceremony,
  CeremonyContext,
  Change,
  Factor,
  FirstStep,
  Input,
  Message,
  Refusal,
  Sender,
  Step,
} from './factors/factor.ts'
export type { FloorTable, Policy } from './policy/policy.ts'
export type { AcrValuesReading, MaxAgeReading } from './policy/requirement.ts'
export { type StepUp, stepUp } from './step-up.ts'
export type { AccountEntry, Accounts } from './store/accounts.ts'
export type { PutOptions, Store, StoreEntry, StoreKey } from './store/store.ts'
