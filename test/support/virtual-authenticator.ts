import type { CDPSession, Page } from 'playwright-core'

/** What kind of authenticator the browser is to have; what is left out is as most have it. */
export interface Virtual {
  /** `internal` is the device itself, `usb` a stick. Default `internal`. */
  readonly transport?: 'internal' | 'usb' | 'nfc' | 'ble' | 'hybrid'
  /** `u2f` is what old sticks speak. Default `ctap2`. */
  readonly protocol?: 'ctap2' | 'u2f'
  /** Whether it keeps keys so that it finds them by itself. Default true. */
  readonly resident?: boolean
  /** Whether it can verify its user at all. Default true. */
  readonly verifies?: boolean
  /** Whether its keys can be copied, and are. Default false. */
  readonly eligible?: boolean
  readonly backedUp?: boolean
  /** Whether somebody touches it as soon as it asks. Default true. */
  readonly touched?: boolean
}

/** A key in a virtual authenticator, as the protocol tells it. */
interface Credential {
  readonly credentialId: string
  readonly isResidentCredential: boolean
  readonly rpId?: string
  readonly privateKey: string
  readonly userHandle?: string
  readonly signCount: number
}

/**
 * Gives this page's browser an authenticator, by the DevTools protocol.
 *
 * @see Web Authentication Level 3 section 11 (User Agent Automation); the DevTools protocol's domain `WebAuthn`
 */
export const addAuthenticator = async (page: Page, virtual: Virtual = {}) => {
  const session: CDPSession = await page.context().newCDPSession(page)
  const { transport = 'internal', protocol = 'ctap2', touched = true } = virtual
  const { resident = true, verifies = true, eligible = false, backedUp = false } = virtual
  await session.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol,
      transport,
      hasResidentKey: resident,
      hasUserVerification: verifies,
      isUserVerified: verifies,
      automaticPresenceSimulation: touched,
      defaultBackupEligibility: eligible,
      defaultBackupState: backedUp,
    },
  })

  const credentials = async (): Promise<readonly Credential[]> =>
    (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials

  return {
    credentials,
    /** Brings in a key that another authenticator has made. */
    import: async (credential: Credential) =>
      session.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential } }),
    /** Loses all its keys. */
    clear: () => session.send('WebAuthn.clearCredentials', { authenticatorId }),
    /** Whether its user passes when it verifies them. */
    verify: (isUserVerified: boolean) => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    /** Whether somebody touches it as soon as it asks. */
    touch: (enabled: boolean) => session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }),
    /** Takes it out of the browser. */
    remove: () => session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }),
  }
}
