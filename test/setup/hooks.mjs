export const mochaHooks = {
  async afterAll() {
    const { chromium } = globalThis
    globalThis.chromium = undefined
    await (await chromium)?.close()
  },
}
