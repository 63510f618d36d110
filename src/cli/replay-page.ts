import { createHash } from 'node:crypto'
import { CATEGORIES, type Category } from '../replay/compare.ts'
import type { Counts, Summary } from '../replay/summary.ts'
import { CATEGORY_WORDS, counted, many, plain, remarks, SHOWN, share } from './replay-text.ts'

const STYLE = `
:root{color-scheme:light dark;--page:#f3f4f7;--card:#fff;--text:#14171c;--muted:#515a66;--line:#dde1e7;--same:#b6bec9;--asked:#1d4ed8;--enrolled:#7a3fc4;--refused:#b3261e;--passed:#b45309;--other:#0f766e}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--card:#171b21;--text:#eceff3;--muted:#a9b2be;--line:#303742;--same:#4a5361;--asked:#8ab4ff;--enrolled:#c8a2ff;--refused:#ff9a90;--passed:#f5b651;--other:#5fd0c0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;padding:32px 16px 48px;background:var(--page);color:var(--text);font:400 1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif}
main{max-width:60rem;margin:0 auto}
h1,h2,p,ul,dl,dd,figure{margin:0;padding:0}
h1{font-size:1.5rem;font-weight:650;line-height:1.25;letter-spacing:-.01em}
h2{font-size:1.0625rem;font-weight:600}
.lead{margin-top:4px;color:var(--muted)}
section{margin-top:16px;padding:24px;background:var(--card);border:1px solid var(--line);border-radius:12px;box-shadow:0 1px 2px rgb(16 24 40/6%)}
section>h2+*{margin-top:16px}
svg{display:block;width:100%;height:12px}
.whole svg{height:24px}
.tiles{display:grid;grid-template-columns:repeat(3,1fr);gap:20px 24px;margin-top:24px}
.tiles dt{color:var(--muted);font-size:.875rem;display:flex;align-items:center;gap:8px}
.tiles dd{font-size:1.5rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles small{font-size:.875rem;font-weight:400;color:var(--muted)}
.key{flex:none;width:12px;height:12px}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.9375rem;font-variant-numeric:tabular-nums}
th{color:var(--muted);font-weight:500;font-size:.875rem;vertical-align:bottom}
th,td{padding:8px 0 8px 16px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{padding-left:0;text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:9rem}
tr:last-child td{border-bottom:0}
td.bar{min-width:7rem;width:30%}
ul{list-style:none}
li{padding:8px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
li:last-child{border-bottom:0;padding-bottom:0}
.same{fill:var(--same)}.asked{fill:var(--asked)}.enrolled{fill:var(--enrolled)}.refused{fill:var(--refused)}.passed{fill:var(--passed)}.other{fill:var(--other)}
@media (max-width:30rem){body{padding:20px 12px 32px}section{padding:20px 16px}.tiles{grid-template-columns:repeat(2,1fr)}th,td{padding-left:12px}th:first-child,td:first-child{min-width:4rem}td.bar{min-width:4rem}}
@media (forced-colors:active){svg{forced-color-adjust:none}}
@media print{body{background:none;padding:0}section{break-inside:avoid;box-shadow:none}}
`

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string) => plain(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

const WIDTH = 1000

/** All categories side by side; what is there at all is seen. */
const stacked = (counts: Counts, all: number): string => {
  let x = 0
  const parts = CATEGORIES.map((category) => {
    const width = all === 0 ? 0 : (WIDTH * counts[category]) / all
    const rect = `<rect class="${category}" x="${x.toFixed(2)}" y="0" width="${Math.max(width, width > 0 ? 2 : 0).toFixed(2)}" height="12"/>`
    x += width
    return width === 0 ? '' : rect
  })
  const label = CATEGORIES.filter((category) => counts[category] > 0)
    .map((category) => `${CATEGORY_WORDS[category]} ${share(counts[category], all)}`)
    .join(', ')
  return `<svg viewBox="0 0 ${WIDTH} 12" preserveAspectRatio="none" role="img" aria-label="${escaped(label)}">${parts.join('')}</svg>`
}

const key = (category: Category) =>
  `<svg class="key" viewBox="0 0 12 12" aria-hidden="true"><rect class="${category}" width="12" height="12" rx="3"/></svg>`

const overview = ({ counts, decisions }: Summary) => `<section><h2>All decisions</h2>
<div class="whole">${stacked(counts, decisions)}</div>
<dl class="tiles">${CATEGORIES.map(
  (category) =>
    `<div><dt>${key(category)}${CATEGORY_WORDS[category]}</dt><dd>${share(counts[category], decisions)}<br><small>${counted(counts[category])}</small></dd></div>`,
).join('')}</dl></section>`

const table = (head: readonly string[], rows: readonly string[]) =>
  `<div class="wide"><table><thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`

const clients = ({ clients: all, otherClients }: Summary) => {
  if (all.length === 0) return ''
  const beyond = all.slice(SHOWN).reduce((sum, { decisions }) => sum + decisions, otherClients.decisions)
  const rows = all
    .slice(0, SHOWN)
    .map(
      ({ client, decisions, counts }) =>
        `<tr><td>${escaped(client)}</td><td class="bar">${stacked(counts, decisions)}</td><td>${share(decisions - counts.same, decisions)}</td><td>${counted(decisions)}</td></tr>`,
    )
  const rest = beyond === 0 ? [] : [`<tr><td>all others</td><td></td><td></td><td>${counted(beyond)}</td></tr>`]
  return `<section><h2>By app</h2>${table(['app', '', 'changed', 'decisions'], [...rows, ...rest])}</section>`
}

const rules = ({ rules: all }: Summary) =>
  all.length === 0
    ? ''
    : `<section><h2>What made the difference</h2>${table(
        ['rule', 'speaks now', 'silent now'],
        all
          .slice(0, SHOWN)
          .map(
            ({ name, speaks, silent }) =>
              `<tr><td>${escaped(name)}</td><td>${counted(speaks)}</td><td>${counted(silent)}</td></tr>`,
          ),
      )}</section>`

const changes = ({ changes: all }: Summary) =>
  all.length === 0
    ? ''
    : `<section><h2>What became of what</h2>${table(
        ['before and now', 'decisions'],
        all.slice(0, SHOWN).map(({ name, count }) => `<tr><td>${escaped(name)}</td><td>${counted(count)}</td></tr>`),
      )}</section>`

const notes = (summary: Summary) => {
  const all = remarks(summary).slice(0, SHOWN)
  return all.length === 0
    ? ''
    : `<section><h2>To be known</h2><ul>${all.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul></section>`
}

/**
 * A summary as one page that needs nothing else and runs nothing: its policy lets no script, no font and no picture in.
 *
 * @param names - What was replayed, and against what, as they are called.
 */
export const summaryPage = (
  summary: Summary,
  names: { readonly recording: string; readonly config: string },
): string => {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  const { recording, config } = names
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Replay of ${escaped(recording)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>What another policy would have done</h1>
<p class="lead">${many(summary.decisions, 'decision')} of ${escaped(recording)}, decided again by ${escaped(config)}</p>
${overview(summary)}
${clients(summary)}
${rules(summary)}
${changes(summary)}
${notes(summary)}
</main>
</body>
</html>
`
}
