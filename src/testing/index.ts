export type {
  ExplainedAccount,
  ExplainedFactor,
  ExplainedLevel,
  ExplainedRequest,
  Explanation,
} from '../explain/explanation.ts'
export type { AskedEvidence } from '../explain/question.ts'
export { accountsSuite } from './accounts-suite.ts'
export { type ExpectingCase, policyCases, type RegisterTest } from './policy-cases.ts'
export {
  type EnrolledFactor,
  type PolicyCase,
  type PolicyExpectation,
  type PolicyTester,
  type PolicyTesterOptions,
  policyTester,
} from './policy-tester.ts'
export type { CreateSubject, Subject } from './runner.ts'
export { storeSuite } from './store-suite.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
