// A page that waits for a phone shows itself anew when something has come of it.
const LOOK_MILLISECONDS = 1000

const waiting = document.querySelector('[data-state-href]')

const look = async () => {
  try {
    const { state } = await (await fetch(waiting.dataset.stateHref)).json()
    if (state !== 'waiting') return location.replace(location.href)
  } catch {
    // Out of reach for a moment.
  }
  setTimeout(look, LOOK_MILLISECONDS)
}

if (waiting) setTimeout(look, LOOK_MILLISECONDS)
