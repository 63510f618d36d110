import axe from 'axe-core'
import type { Page } from 'playwright-core'

const WIDTHS = [320, 390, 1280]
// Everything else that axe looks at is the same in both.
const DARK = { runOnly: { type: 'rule' as const, values: ['color-contrast', 'link-in-text-block'] } }
const LIGHT = { rules: { 'target-size': { enabled: true } } }

const violations = async (page: Page, options: axe.RunOptions) => {
  const found: axe.AxeResults['violations'] = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then((results) => results.violations)`,
  )
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
}

/** Every complaint about the page that is open, in both color schemes and at every width. */
export const complaints = async (page: Page) => {
  const found: string[] = []
  await page.evaluate(axe.source)
  for (const [colorScheme, options] of [
    ['dark', DARK],
    ['light', LIGHT],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    found.push(...(await violations(page, options)).map((one) => `${colorScheme}: ${one}`))
  }
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 700 })
    const needed = await page.evaluate(() => document.documentElement.scrollWidth)
    if (needed > width) found.push(`${needed} px wide at ${width} px`)
    const low = await page
      .locator(
        '.card :is(.primary, .tool, .check, .link, .ways a, .secret a, input:not([type=hidden], [type=checkbox])), .button, .quiet, summary',
      )
      .evaluateAll((targets) =>
        targets
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
          .map((one) => one.outerHTML),
      )
    found.push(...low.map((html) => `lower than 44 px at ${width} px: ${html}`))
  }
  return found
}
