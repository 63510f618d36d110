import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** What has the focus: its words, and whether a person can see that. */
export const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement | null
    if (element === null || element === document.body) return { name: '', visible: true }
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const label =
      element instanceof HTMLInputElement ? element.labels?.[0] : (element.querySelector('strong') ?? element)
    const { top, bottom } = element.getBoundingClientRect()
    // Browsers scroll by whole pixels, and elements end between them.
    const onScreen = top > -1 && bottom < innerHeight + 1
    return {
      name: label?.textContent?.trim() ?? '',
      visible: onScreen && outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
    }
  })

/** The stops that Tab makes from where the focus is, by their words; each has to be seen. */
export const tabThrough = async (page: Page, last: string) => {
  const stops: string[] = []
  for (let presses = 0; presses < 30 && stops.at(-1) !== last; presses += 1) {
    await page.keyboard.press('Tab')
    const { name, visible } = await focused(page)
    assert.ok(visible, `the focus on "${name}" can be seen`)
    stops.push(name)
  }
  return stops
}
