import { existsSync } from 'node:fs'
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

const DEBIAN = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']

// The test command finds it; a single file run by hand takes Debian's. Playwright makes and removes the profile.
const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? DEBIAN.find(existsSync) ?? 'chromium',
    args: FLAGS,
    timeout: PATIENCE_MILLISECONDS,
  })

// Closed by the root hook in test/setup/hooks.mjs: after the last test, or when no test of its process wants it for long.
const shared = globalThis as {
  chromium?: Promise<Browser> | undefined
  chromiumIdle?: NodeJS.Timeout | undefined
}

// One that broke down fails the test that was using it, not all that come after.
const running = async () => {
  const known = shared.chromium
  const isRunning = (await known?.catch(() => undefined))?.isConnected()
  if (!isRunning && shared.chromium === known) shared.chromium = launch()
  return shared.chromium as Promise<Browser>
}

/** A browser of one person: its own cookies, in the one Chromium of its process. */
export const openChromium = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
  clearTimeout(shared.chromiumIdle)
  shared.chromiumIdle = undefined
  const context = await (await running()).newContext({ locale: 'en-GB', ...options })
  context.setDefaultTimeout(PATIENCE_MILLISECONDS)
  return context
}

/** Waits for the page with this first heading. */
export const standsAt = (page: Page, heading: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
