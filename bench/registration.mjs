/** The levels by which all flows are checked: those of the preset `standard`. */
export const SINGLE_FACTOR = 'urn:oidc-step-up:acr:1fa'
export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export const PHISHING_RESISTANT_HARDWARE = 'phrh'

/** Where tokens are sent; nothing listens there, browsers stop before it. */
export const REDIRECT_URI = 'https://rp.example/callback'

/** `guarded` owes a second factor at every sign-in, `plain` only what its request asks for. */
export const CLIENTS = Object.freeze({ guarded: 'guarded', plain: 'plain' })

/** @param {string} clientId */
export const secretOfClient = (clientId) => `${clientId}-client-secret`
