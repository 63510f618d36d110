/** Tells whoever runs this what is wrong with Duo, once for as long as it stays the same. */
export interface Complaints {
  /** What Duo said; undefined where it could not be asked. */
  heard<Result>(asking: Promise<Result>): Promise<{ readonly said: Result } | undefined>
  /** Duo let somebody pass who had shown nothing. */
  unasked(): void
  /** Somebody came through: whatever is wrong next is worth telling. */
  allIsWell(): void
}

const UNASKED =
  'Duo lets people pass without asking for anything, and they are refused: its policy has to ask each time'

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
        return undefined
      }
    },
    unasked: () => complain(UNASKED),
    allIsWell: () => {
      last = undefined
    },
  }
}
