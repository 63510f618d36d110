import { systemClock } from '../../clock.ts'

/** A token with which we say who we are, and when it is good to use, in epoch seconds. */
export interface Issued {
  readonly token: string
  readonly from: number
  readonly until: number
}

/** Keeps one. */
export interface Credential {
  /** The one that is kept, else a new one; whoever asks meanwhile gets the same. */
  get(): Promise<string>
  /** This one was refused: the next is another. */
  drop(token: string): void
}

/** Keeps a token for as long as it is good. One that could not be had is asked for again. */
export const createCredential = (issue: () => Promise<Issued>): Credential => {
  let kept: Issued | undefined
  let coming: Promise<Issued> | undefined
  const renew = async () => {
    try {
      kept = await issue()
      return kept
    } finally {
      coming = undefined
    }
  }
  return Object.freeze({
    async get() {
      const now = systemClock()
      if (kept !== undefined && kept.from <= now && now < kept.until) return kept.token
      coming ??= renew()
      return (await coming).token
    },
    drop(token: string) {
      if (kept?.token === token) kept = undefined
    },
  })
}
