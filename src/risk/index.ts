export type {
  Assessment,
  Confidence,
  DeviceFact,
  FactName,
  Facts,
  FactsOf,
  LastLogin,
  Location,
  NetworkType,
  RiskAssessment,
  VelocityFact,
} from '../policy/facts.ts'
export { type Assessor, lowestConfidence, type OverallConfidence, type Risk } from './assessor.ts'
export { type DormantOptions, dormant } from './dormant.ts'
export { type ImpossibleTravelOptions, impossibleTravel } from './impossible-travel.ts'
export { newDevice } from './new-device.ts'
export { type PhoneLookUp, type PhoneNumberOptions, type PhoneSignals, phoneNumber } from './phone-number.ts'
export { type AddressFeed, type AddressMatch, type UntrustedIpOptions, untrustedIp } from './untrusted-ip.ts'
export { type VelocityOptions, velocity } from './velocity.ts'
