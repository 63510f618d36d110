export type { Account } from './account.ts'
export type { Evidence, Kind, LoginProof, Proof, Trait, Upstream } from './assurance/evidence.ts'
export type { Level, Needs } from './assurance/levels.ts'
export type { Missing } from './assurance/missing.ts'
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
export type { Enrollment, Offers, RememberBrowser, StepUpOptions } from './config.ts'
export { type ErrorCode, StepUpError } from './errors.ts'
export type { AccountEvent, EnrolledBy, EventCatalogue, EventName, Events, FactorEvent, Listener } from './events.ts'
export type {
  ExplainedAccount,
  ExplainedFactor,
  ExplainedLevel,
  ExplainedRequest,
  Explanation,
} from './explain/explanation.ts'
export type { AskedEvidence, Question } from './explain/question.ts'
export type { Explain } from './explain.ts'
export type * from './factors/factor.ts'
export type { AccountAdministration, TicketLink } from './flow/administration.ts'
export type { ListedBrowser } from './flow/browsers.ts'
export type { AccountOverview, AuthenticatorOverview } from './flow/overview.ts'
export type { Decision, OfferReason } from './policy/decision.ts'
export type { Geo } from './policy/geo.ts'
export type { AdaptivePolicy, ClientPolicy, FloorTable, Policy } from './policy/policy.ts'
export type { AcrValuesReading, MaxAgeReading } from './policy/requirement.ts'
export type * from './policy/trace.ts'
export type { PasskeyLogin, PasskeyLoginPage } from './provider/passkey-login.ts'
export type { RequestPair, SessionLevel } from './provider/session-level.ts'
export type { DecisionRecorder } from './recording/recorder.ts'
export type { Assessor, OverallConfidence, Risk } from './risk/assessor.ts'
export { type Pieces, type StepUp, type StepUpMiddleware, stepUp } from './step-up.ts'
export type { AccountEntry, Accounts } from './store/accounts.ts'
export type { PutOptions, Store, StoreEntry, StoreKey } from './store/store.ts'
