type Body = () => Promise<void>

/** Registers suites with a runner that only remembers their tests. */
export const collect = (register: () => void): ReadonlyMap<string, Body> => {
  const { describe, it } = globalThis
  const tests = new Map<string, Body>()
  const remember = (title: string, body: Body) => void tests.set(title, body)
  Object.assign(globalThis, { describe: (_title: string, body: () => void) => body(), it: remember })
  try {
    register()
  } finally {
    Object.assign(globalThis, { describe, it })
  }
  return tests
}

/** Runs collected tests and answers the titles of those that failed. */
export const failures = async (tests: ReadonlyMap<string, Body>): Promise<string[]> => {
  const failed: string[] = []
  for (const [title, body] of tests) {
    await body().catch(() => failed.push(title))
  }
  return failed
}
