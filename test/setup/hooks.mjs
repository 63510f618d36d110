import { cheapenHashes } from '../support/hashes.ts'

cheapenHashes()

/** Whether mocha runs files side by side: then it calls the root hooks anew for each of them. */
const isWorker = process.env.MOCHA_WORKER_ID !== undefined
const IDLE_MILLISECONDS = 60_000

const closeChromium = async () => {
  const { chromium } = globalThis
  globalThis.chromium = undefined
  globalThis.chromiumIdle = undefined
  await (await chromium?.catch(() => undefined))?.close()
}

export const mochaHooks = {
  /** A worker keeps its Chromium for its next file, which stops this clock. Playwright kills it where the worker ends. */
  async afterAll() {
    if (!isWorker) await closeChromium()
    else if (globalThis.chromium) globalThis.chromiumIdle ??= setTimeout(closeChromium, IDLE_MILLISECONDS).unref()
  },
}
