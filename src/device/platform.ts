/*
 * What is used of a runtime, in the fewest words: browsers, Node and React Native all have types of their own for it,
 * and these fit each.
 */

/** A key of WebCrypto, as opaque as it is meant to be. */
export interface DeviceKey {
  readonly type: string
  readonly extractable: boolean
}

/** A key pair of WebCrypto. */
export interface DeviceKeyPair {
  readonly publicKey: DeviceKey
  readonly privateKey: DeviceKey
}

/** What is used of a JSON Web Key (RFC 7517). */
export interface ExportedKey {
  crv?: string
  kty?: string
  x?: string
  y?: string
}

/** What is used of WebCrypto; `globalThis.crypto` is one. */
export interface DeviceCrypto {
  /** Fills the array with random bytes. */
  getRandomValues(array: Uint8Array): unknown
  /** SubtleCrypto, as far as it is used (Web Cryptography API section 14). */
  readonly subtle: {
    /** SHA-256 of the bytes. */
    digest(algorithm: 'SHA-256', data: ArrayBuffer): Promise<ArrayBuffer>
    /** A new key pair; its private key is never extractable. */
    generateKey(
      algorithm: { name: 'ECDSA'; namedCurve: 'P-256' },
      extractable: boolean,
      usages: ('sign' | 'verify')[],
    ): Promise<DeviceKeyPair>
    /** The public key as a JWK. */
    exportKey(format: 'jwk', key: DeviceKey): Promise<ExportedKey>
    /** The signature in its raw form: r and s, 32 bytes each. */
    sign(algorithm: { name: 'ECDSA'; hash: 'SHA-256' }, key: DeviceKey, data: ArrayBuffer): Promise<ArrayBuffer>
  }
}

/** What a request is made of. */
export interface DeviceRequest {
  method: 'POST'
  headers: Record<string, string>
  body: string
  credentials: 'omit'
  cache: 'no-store'
  redirect: 'error'
  signal: AbortSignal
}

/** What is used of a body that arrives in parts. */
export interface DeviceStream {
  /** Takes the body over; only one reader can. */
  getReader(): {
    /** The next part; `done` after the last. */
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
    /** Gives the rest up. */
    cancel(): Promise<unknown>
  }
}

/** What is used of an answer. Runtimes that cannot read a stream have no `body`. */
export interface DeviceResponse {
  readonly status: number
  readonly headers: {
    /** The header's value; `null` where there is none. */
    get(name: string): string | null
  }
  readonly body?: DeviceStream | null
  /** The whole body. */
  text(): Promise<string>
}

/** What is used of `fetch`. */
export type DeviceFetch = (url: string, request: DeviceRequest) => Promise<DeviceResponse>

/** What a device is built on. */
export interface Platform {
  readonly fetch: DeviceFetch
  readonly crypto: DeviceCrypto
  /** Epoch seconds by this device's own clock, right or wrong. */
  readonly now: () => number
}

/** This runtime's own. Looked up at each use, so that what a page replaces later counts. */
export const ownFetch: DeviceFetch = (url, request) => globalThis.fetch(url, request)

/** This runtime's own clock. */
export const ownNow = (): number => Math.floor(Date.now() / 1000)

interface Locks {
  request<Result>(name: string, work: () => Promise<Result>): Promise<Result>
}

const tails = new Map<string, Promise<unknown>>()

const inTurn = <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
  const turn = (tails.get(name) ?? Promise.resolve()).then(work, work)
  tails.set(name, turn)
  return turn
}

/** Runs one after another what has the same name: in all tabs where the runtime has Web Locks, else in this process. */
export const exclusively = <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
  const { navigator } = globalThis as { navigator?: { locks?: Locks } }
  return navigator?.locks === undefined ? inTurn(name, work) : navigator.locks.request(name, work)
}

/** Waits this long, or until the signal is aborted; it never throws. */
export const pause = (seconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, seconds * 1000)
    signal?.addEventListener('abort', end)
  })
