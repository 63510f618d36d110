export { accountsSuite } from './accounts-suite.ts'
export type { CreateSubject, Subject } from './runner.ts'
export { storeSuite } from './store-suite.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
