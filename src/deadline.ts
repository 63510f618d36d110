/** How long the host's own functions may take where a sign-in waits for them, in seconds. */
export const HOST_SECONDS = 2

/**
 * Runs the work and gives it up after that time.
 *
 * @throws what the work throws; an error that says so where it was given up, with which `signal` is aborted as well.
 */
export const withinSeconds = async <T>(seconds: number, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> => {
  const deadline = new AbortController()
  const { signal } = deadline
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const timer = setTimeout(() => deadline.abort(new Error(`no answer within ${seconds} seconds`)), seconds * 1000)
  try {
    return await Promise.race([work(signal), late])
  } finally {
    clearTimeout(timer)
  }
}
