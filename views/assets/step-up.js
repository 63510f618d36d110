// What pages do more handily where scripts run; every page works without. A page asks by data attributes:
//   data-scripted hidden       is shown, since this runs
//   data-copy="#x"             a button that copies the text of #x; says data-done, or data-failed with #x selected
//   data-download="#x"         a button that saves it as the file data-filename
//   data-print                 a button that prints the page
//   data-today                 gets today's date
//   data-from-fragment         an input that gets the address's fragment, which then leaves the address bar;
//                              what is data-unless-found around it is hidden then
// What the text is in another form than shown stands in #x as data-text. Buttons share a parent with a role=status.

const textOf = (element) =>
  element.dataset.text ??
  element.textContent
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')

const say = (button, text) => {
  const status = button.parentElement.querySelector('[role=status]')
  status.textContent = ''
  // A moment later: screen readers tell only what changes, and the same words may come twice.
  setTimeout(() => {
    status.textContent = text
  }, 50)
}

const copy = async (button) => {
  const source = document.querySelector(button.dataset.copy)
  try {
    await navigator.clipboard.writeText(textOf(source))
    say(button, button.dataset.done)
  } catch {
    // No permission, or no clipboard at all: browsers have one on https pages only.
    getSelection().selectAllChildren(source)
    say(button, button.dataset.failed)
  }
}

const download = (button) => {
  const text = `${textOf(document.querySelector(button.dataset.download))}\n`
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
  Object.assign(document.createElement('a'), { href: url, download: button.dataset.filename }).click()
  // Not at once: the browser has yet to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

const takeFragment = () => {
  const field = document.querySelector('input[data-from-fragment]')
  if (field === null || location.hash === '') return
  field.value = location.hash.slice(1)
  const part = field.closest('[data-unless-found]')
  if (part !== null) part.hidden = true
  history.replaceState(history.state, '', location.pathname + location.search)
}

document.addEventListener('click', ({ target }) => {
  const button = target.closest('[data-copy], [data-download], [data-print]')
  if (button === null) return
  if ('copy' in button.dataset) void copy(button)
  else if ('download' in button.dataset) download(button)
  else print()
})

for (const date of document.querySelectorAll('[data-today]'))
  date.textContent = new Date().toLocaleDateString(document.documentElement.lang, { dateStyle: 'long' })
for (const part of document.querySelectorAll('[data-scripted]')) part.hidden = false

takeFragment()
// The same link, opened again in the tab that shows the page.
addEventListener('hashchange', takeFragment)
