import { z } from 'zod'

/** Looked at before anything is parsed. The largest that is known, a TPM's attestation with its chain, takes half. */
const MAX_RESPONSE = 16_384
/** WebAuthn Level 3 section 4, "Credential ID": at most 1023 bytes, here in base64url. */
const MAX_CREDENTIAL_ID = 1364
/** WebAuthn Level 3 section 4, "User Handle": at most 64 bytes, here in base64url. */
const MAX_USER_HANDLE = 86
const MAX_TRANSPORTS = 8

const encoded = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/)

const credential = {
  id: encoded(MAX_CREDENTIAL_ID),
  rawId: encoded(MAX_CREDENTIAL_ID),
  type: z.literal('public-key'),
}

const registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: encoded(MAX_RESPONSE),
    attestationObject: encoded(MAX_RESPONSE),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,32}$/))
      .max(MAX_TRANSPORTS)
      .default([]),
  }),
  clientExtensionResults: z
    .object({ credProps: z.object({ rk: z.boolean().exactOptional() }).exactOptional() })
    .default({}),
})

const assertion = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: encoded(MAX_RESPONSE),
    authenticatorData: encoded(MAX_RESPONSE),
    signature: encoded(MAX_RESPONSE),
    userHandle: encoded(MAX_USER_HANDLE).exactOptional(),
  }),
  clientExtensionResults: z.object({}).default({}),
})

/** What the browser says about where it was asked (WebAuthn Level 3 section 5.8.1). */
const clientData = z.object({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.undefined().optional(),
})

/** A new key, as the browser hands it over; members that are not needed are left out. */
export type Registration = z.infer<typeof registration>

/** A signed answer to a challenge, as the browser hands it over; members that are not needed are left out. */
export type Assertion = z.infer<typeof assertion>

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether it was asked by a page that stands by itself, and not in a frame of somebody else's. */
const isOwnPage = (clientDataJSON: string) => {
  const { data } = clientData.safeParse(parsed(Buffer.from(clientDataJSON, 'base64url').toString()))
  return data !== undefined && data.crossOrigin !== true
}

const read = <Response extends { readonly response: { readonly clientDataJSON: string } }>(
  shape: z.ZodType<Response>,
  text = '',
): Response | undefined => {
  if (text.length > MAX_RESPONSE) return undefined
  const { data } = shape.safeParse(parsed(text))
  return data !== undefined && isOwnPage(data.response.clientDataJSON) ? data : undefined
}

/** The registration in a form field; undefined for anything else, or where it came from inside another site's page. */
export const registrationIn = (text: string | undefined): Registration | undefined => read(registration, text)

/** The assertion in a form field; undefined for anything else, or where it came from inside another site's page. */
export const assertionIn = (text: string | undefined): Assertion | undefined => read(assertion, text)

/** The one spelling of a credential id: base64url has several for most lengths. */
export const canonical = (id: string): string => Buffer.from(id, 'base64url').toString('base64url')
