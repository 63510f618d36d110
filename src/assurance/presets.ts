import type { Level } from './levels.ts'

/** `acr` of the preset `standard`: one kind was proved. */
export const SINGLE_FACTOR = 'urn:oidc-step-up:acr:1fa'
/** `acr` of the preset `standard`: two different kinds were proved (PAPE 1.0, "multi-factor"). */
export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
/** Phishing-resistant (OpenID Connect Extended Authentication Profile ACR Values 1.0 section 2). */
export const PHISHING_RESISTANT = 'phr'
/** Phishing-resistant with a hardware-protected key (the same document, section 2). */
export const PHISHING_RESISTANT_HARDWARE = 'phrh'

const AAL = 'http://idmanagement.gov/ns/assurance/aal'
const DAY_SECONDS = 86_400

/** The levels most relying parties know, weakest first; none of them grows stale by itself. */
export const standard: readonly Level[] = Object.freeze([
  { acr: SINGLE_FACTOR, aliases: ['urn:okta:loa:1fa:any'], needs: { kinds: 1 } },
  {
    acr: MULTI_FACTOR,
    aliases: ['https://refeds.org/profile/mfa', 'urn:okta:loa:2fa:any'],
    needs: { kinds: 2 },
  },
  { acr: PHISHING_RESISTANT, needs: { traits: ['phishing-resistant'] } },
  { acr: PHISHING_RESISTANT_HARDWARE, needs: { traits: ['phishing-resistant', 'hardware'] } },
] as const)

/**
 * Authenticator assurance levels with the overall time-outs of NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and
 * 2.3.3. An address is no out-of-band authenticator there (section 3.1.3.1), so it never counts for AAL2.
 */
export const nist: readonly Level[] = Object.freeze([
  { acr: `${AAL}/1`, needs: { kinds: 1 }, overallMaxAgeSeconds: 30 * DAY_SECONDS },
  { acr: `${AAL}/2`, needs: { kinds: 2, without: ['address'] }, overallMaxAgeSeconds: DAY_SECONDS },
  {
    acr: `${AAL}/3`,
    needs: { kinds: 2, traits: ['phishing-resistant', 'hardware'] },
    overallMaxAgeSeconds: DAY_SECONDS / 2,
  },
] as const)

/** The presets by name. */
export const presets = Object.freeze({ standard, nist })

/** The name of a preset. */
export type Preset = keyof typeof presets
