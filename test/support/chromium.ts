import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

// Real time, not the virtual clock's: longer than any page takes on a busy machine.
const PATIENCE_MILLISECONDS = 20_000

const FLAGS = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

// The test command finds it; a single file run by hand takes Debian's. Playwright makes and removes the profile.
const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
    timeout: PATIENCE_MILLISECONDS,
  })

// Closed by the root hook in test/setup/hooks.mjs: after the last test, or after each file where files run side by side.
const shared = globalThis as { chromium?: Promise<Browser> | undefined }

/** A browser of one person: its own cookies, in the one Chromium of its process. */
export const openChromium = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
  shared.chromium ??= launch()
  const context = await (await shared.chromium).newContext({ locale: 'en-GB', ...options })
  context.setDefaultTimeout(PATIENCE_MILLISECONDS)
  return context
}

/** Waits for the page with this first heading. */
export const standsAt = (page: Page, heading: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
