import axe from 'axe-core'
import type { Page } from 'playwright-core'

const WIDTHS = [320, 1280]
// Colors are few and the same on all pages, and nothing that axe looks at takes as long.
const COLORS = ['color-contrast', 'link-in-text-block']
const SHAPES = {
  rules: {
    'target-size': { enabled: true },
    ...Object.fromEntries(COLORS.map((rule) => [rule, { enabled: false }])),
  },
}
const CONTRAST = { runOnly: { type: 'rule' as const, values: COLORS } }
const SCHEMES = ['dark', 'light'] as const

const violations = async (page: Page, options: axe.RunOptions) => {
  const found: axe.AxeResults['violations'] = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then((results) => results.violations)`,
  )
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
}

/** Every how manyth page is looked at for its colors, in both schemes. */
const COLORS_EVERY = 4
let looks = 0

/** Every complaint about the page that is open: its shape at every width, and at every fourth look its colors. */
export const complaints = async (page: Page) => {
  const found: string[] = []
  await page.evaluate(axe.source)
  for (const colorScheme of looks % COLORS_EVERY === 0 ? SCHEMES : []) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    found.push(...(await violations(page, CONTRAST)).map((one) => `${colorScheme}: ${one}`))
  }
  looks += 1
  found.push(...(await violations(page, SHAPES)))
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
