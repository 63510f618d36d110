// A page that waits for another device goes on by itself. A form asks by data attributes:
//   data-waits                 tells of changes of data-version at data-events; data-state where nothing can tell
//   data-answered              has only to be sent
//   data-expires-at            the epoch second at which the page shows something else

const POLL_MILLISECONDS = 3000

/** Not a reload: the page may be the answer to a form, and nothing is to be sent twice. */
const showAgain = () => location.replace(location.href)

const ask = async ({ dataset }) => (await fetch(dataset.state)).json()

/** Sends the form where the device has answered, else shows what has changed. */
const goOn = async (form) => {
  const { answered } = await ask(form)
  if (answered) form.requestSubmit()
  else showAgain()
}

const poll = (form) => {
  setTimeout(async () => {
    try {
      const { version } = await ask(form)
      if (version !== form.dataset.version) return await goOn(form)
    } catch {
      // Out of reach for a moment.
    }
    poll(form)
  }, POLL_MILLISECONDS)
}

const waitFor = (form) => {
  const { events, answered, expiresAt } = form.dataset
  if (answered !== undefined) return form.requestSubmit()
  if (expiresAt !== undefined) setTimeout(showAgain, Math.max(0, Number(expiresAt) * 1000 - Date.now()) + 1000)
  const source = new EventSource(events)
  source.addEventListener('changed', () => {
    source.close()
    goOn(form).catch(() => poll(form))
  })
  // A line that ends is opened again by the browser itself; where none can be held, the page asks now and then.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) poll(form)
  })
}

for (const form of document.querySelectorAll('form[data-waits]')) waitFor(form)
