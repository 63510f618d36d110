/** Tells whoever runs this what is wrong with Duo, once for as long as it stays the same. */
export interface Complaints {
  /** What Duo said; where it said nothing that helps, whether that was an outage. */
  heard<Result>(asking: Promise<Result>): Promise<{ readonly said: Result } | { readonly outage: boolean }>
  /** Duo let somebody pass who had shown nothing. */
  unasked(): void
  /** Somebody came through: whatever is wrong next is worth telling. */
  allIsWell(): void
}

const UNASKED =
  'Duo lets people pass without asking for anything, and they are refused: its policy has to ask each time'

/** A fault of Duo's own: no answer, or one that says so. A refusal of what we asked is none. */
export const outage = (message: string): Error => Object.assign(new Error(message), { isOutage: true })

const isOutage = (fault: unknown) => (fault as { readonly isOutage?: unknown }).isOutage === true

/** Builds it. Warnings are of the process, with the code `STEP_UP_DUO`. */
export const createComplaints = (): Complaints => {
  let last: string | undefined
  const complain = (message: string) => {
    if (message !== last) process.emitWarning(message, { type: 'StepUpWarning', code: 'STEP_UP_DUO' })
    last = message
  }
  return {
    heard: async (asking) => {
      try {
        return { said: await asking }
      } catch (fault) {
        complain((fault as Error).message)
        return { outage: isOutage(fault) }
      }
    },
    unasked: () => complain(UNASKED),
    allIsWell: () => {
      last = undefined
    },
  }
}
