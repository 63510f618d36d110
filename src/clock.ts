/** Tells the present instant in whole epoch seconds. One clock judges every lifetime in the process. */
export type Clock = () => number

/** The machine's clock, rounded down to the second; the only reader of `Date.now` in this package. */
export const systemClock: Clock = () => Math.floor(Date.now() / 1000)
