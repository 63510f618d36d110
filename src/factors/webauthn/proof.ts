import type { Proof } from '../../assurance/evidence.ts'

/**
 * What an answer has shown. Who holds the key has it; whom it has verified by fingerprint, face or PIN is also the one
 * it belongs to. Synced keys have no `hardware`: they are wherever their keeper's account is.
 *
 * @see RFC 8176 section 2 (`pop`, `hwk`, `swk`, `user`)
 */
export const proofOf = (userVerified: boolean, backupEligible: boolean): Proof => ({
  kinds: userVerified ? ['possession', 'inherence'] : ['possession'],
  traits: [
    'phishing-resistant',
    'replay-resistant',
    ...(userVerified ? (['user-verified'] as const) : []),
    ...(backupEligible ? [] : (['hardware'] as const)),
  ],
  amr: ['pop', backupEligible ? 'swk' : 'hwk', 'user'],
})
