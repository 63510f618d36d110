export type { Challenge } from './challenge.ts'
export {
  type AccountReference,
  type Approval,
  createDevice,
  type Device,
  type DeviceOptions,
  type EnrolledAccount,
  type ReportReason,
  type ServerInfo,
} from './device.ts'
export type { ConfirmedOptions, EnrollOptions } from './enrollment.ts'
export {
  DeviceError,
  type DeviceErrorCode,
  type DeviceErrorDetails,
  isDeviceError,
  type ProtocolErrorCode,
} from './error.ts'
export { indexedDbStorage } from './indexed-db.ts'
export { type EnrollmentLink, readLink } from './link.ts'
export type { ListenOptions } from './listen.ts'
export type {
  DeviceCrypto,
  DeviceFetch,
  DeviceKey,
  DeviceKeyPair,
  DeviceRequest,
  DeviceResponse,
  DeviceStream,
  ExportedKey,
} from './platform.ts'
export type { DeviceAccount, PushChannel } from './records.ts'
export { type DeviceStorage, memoryStorage } from './storage.ts'
