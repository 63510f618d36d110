import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type axe from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'

const WIDTHS = [320, 390, 1280]
// Of all that is in order, axe would note every element, which takes it as long again.
const WRONG = { resultTypes: ['violations' as const] }
// Everything else that axe looks at is the same in both.
const DARK = { ...WRONG, runOnly: { type: 'rule' as const, values: ['color-contrast', 'link-in-text-block'] } }
const LIGHT = { ...WRONG, rules: { 'target-size': { enabled: true } } }
const TARGETS =
  '.card :is(.primary, .tool, .check, .link, .ways a, .secret a, input:not([type=hidden], [type=checkbox])), .button, .quiet, summary'

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const equipped = new WeakSet<BrowserContext>()

/**
 * Brings axe to the page that is open, and within reach of every later one: sending it each time would take longer
 * than all that it does.
 */
const bringAxe = async (page: Page) => {
  const context = page.context()
  if (!equipped.has(context)) {
    equipped.add(context)
    await context.addInitScript(`globalThis.bringAxe = () => { ${AXE} }`)
    await page.evaluate(AXE)
  }
  // What this gives is axe itself, and takes long to hand over.
  await page.evaluate('void (globalThis.axe || globalThis.bringAxe())')
}

const violations = async (page: Page, options: axe.RunOptions) => {
  const found: axe.AxeResults['violations'] = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then((results) => results.violations)`,
  )
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
}

/** How wide the page that is open needs to be, and the targets on it that are low. */
const measures = (page: Page) =>
  page.evaluate((selector) => {
    const targets = [...document.querySelectorAll(selector)]
    const low = targets.filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
    return { needed: document.documentElement.scrollWidth, low: low.map((one) => one.outerHTML) }
  }, TARGETS)

/** Every complaint about the page that is open, in both color schemes and at every width. */
export const complaints = async (page: Page) => {
  const found: string[] = []
  await bringAxe(page)
  for (const [colorScheme, options] of [
    ['dark', DARK],
    ['light', LIGHT],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    found.push(...(await violations(page, options)).map((one) => `${colorScheme}: ${one}`))
  }
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 700 })
    const { needed, low } = await measures(page)
    if (needed > width) found.push(`${needed} px wide at ${width} px`)
    found.push(...low.map((html) => `lower than 44 px at ${width} px: ${html}`))
  }
  return found
}

/** Puts another document into the window, to the end of its loading: a new window would have to get all of axe anew. */
export const write = (page: Page, html: string) =>
  page.evaluate((text) => {
    document.open()
    const loaded = new Promise((resolve) => addEventListener('load', () => resolve(undefined), { once: true }))
    document.write(text)
    document.close()
    return loaded
  }, html)
