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

let browser: Promise<Browser> | undefined

/** A browser of one person: its own cookies, in the one Chromium of the whole run. */
export const openChromium = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
  browser ??= launch()
  const context = await (await browser).newContext({ locale: 'en-GB', ...options })
  context.setDefaultTimeout(PATIENCE_MILLISECONDS)
  return context
}

// Outside of every suite: runs once, after the last test of all files.
after('closes Chromium', async () => (await browser)?.close())

/** Waits for the page with this first heading. */
export const standsAt = (page: Page, heading: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
