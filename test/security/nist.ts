import { totp } from '../../src/factors/totp.ts'
import type { AnyFactor, StepUpOptions } from '../../src/index.ts'
import { nist, type Proof } from '../../src/index.ts'
import { acrClaim } from '../journeys/stage.ts'
import { PROOFS } from '../policy/makers.ts'
import type { HostOptions } from '../support/host.ts'

const [one, two, three] = nist
/** The levels of the preset. */
export const AAL1 = one?.acr ?? ''
export const AAL2 = two?.acr ?? ''
export const AAL3 = three?.acr ?? ''

/** This level or nothing. */
export const insist = (acr: string) => ({ claims: acrClaim({ essential: true, value: acr }) })

/** A hardware key that looks at a fingerprint: two kinds by itself. */
export const VERIFIED_KEY: Proof = {
  kinds: ['possession', 'inherence'],
  traits: ['phishing-resistant', 'hardware', 'user-verified'],
  amr: ['hwk', 'user'],
}

/** A method that this proves, on the pages of the authenticator app: what is judged is the proof alone. */
export const methodThatShows = ({ kinds, traits, amr }: Proof): AnyFactor => ({
  ...totp({ issuer: 'Test' }),
  kinds,
  traits,
  amr,
})

/** A hardware key that is only touched. */
export const KEY = methodThatShows(PROOFS.key)

/** A host with the preset, where nothing is owed by itself. */
export const withNist = (
  stepUp: Partial<StepUpOptions> = {},
  configuration: NonNullable<HostOptions['configuration']> = {},
): HostOptions => ({ stepUp: { levels: 'nist', policy: { default: 'never' }, ...stepUp }, configuration })
