import { load } from 'cheerio'
import type { Browser, Page } from './browser.ts'

/** What the page says about the last answer, or its hint. */
export const noticeOn = ({ text }: Page): string => load(text)('#notice').text().trim()

/** Presses the small button with these words. */
export const press = (browser: Browser, page: Page, words: string): Promise<Page> => {
  const $ = load(page.text)
  const form = $('form')
    .filter((_index, element) => $(element).find('button').text().trim() === words)
    .first()
  const button = form.find('button')
  if (form.length === 0) throw new Error(`no button "${words}" on "${page.heading}"`)
  const own = button.attr('name')
  const fields = form
    .find('input')
    .map((_index, element) => [[$(element).attr('name') ?? '', $(element).attr('value') ?? '']])
    .get()
  const pairs = [...fields, ...(own === undefined ? [] : [[own, button.attr('value') ?? '']])] as [string, string][]
  return browser.send(new URL(form.attr('action') ?? '', page.url), { form: Object.fromEntries(pairs) })
}
