const LOOK_MILLISECONDS = 1000
/** Phones stop what runs in an app that is not seen, and do not always tell. */
const ASLEEP_MILLISECONDS = 10_000

const GONE = ['unknown_device', 'invalid_statement', 'unknown_account']

/** Hears what is asked, for as long as the app is open. */
export const createConnection = ({ t, device }, { look, removed }) => {
  const status = document.querySelector('#connection')
  let challenges = []
  let controller = new AbortController()
  let hiddenAt = 0

  const say = (text) => {
    if (status.textContent !== text) status.textContent = text
  }

  const restart = () => {
    controller.abort()
    controller = new AbortController()
    const { signal } = controller
    const take = (open) => {
      say('')
      challenges = open
      look()
    }
    const onTrouble = ({ code }, account) => {
      if (code === 'unknown_account') return
      if (GONE.includes(code)) removed(account)
      else say(t('connection.lost'))
    }
    // Where nothing can be stored, nothing can be heard; the screen says so.
    device.listen(take, { signal, onTrouble }).catch(() => undefined)
  }

  addEventListener('online', restart)
  addEventListener('offline', () => say(t('connection.lost')))
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenAt = Date.now()
    else if (Date.now() - hiddenAt > ASLEEP_MILLISECONDS) restart()
  })
  // What has run out is over even where the server cannot be heard.
  setInterval(() => {
    const open = challenges.filter(({ issuer, expiresAt }) => device.now(issuer) <= expiresAt)
    if (open.length === challenges.length) return
    challenges = open
    look()
  }, LOOK_MILLISECONDS)

  return { restart, challenges: () => challenges }
}
