import { createConnection } from './connection.js'
import { h } from './dom.js'
import { createInstaller } from './install.js'
import { createPush } from './push.js'
import { challengeScreen } from './screens/challenge.js'
import { codeScreen } from './screens/code.js'
import { endingScreen } from './screens/ending.js'
import { nameScreen, startScreen } from './screens/start.js'
import { waitingScreen } from './screens/waiting.js'
import { createDevice, indexedDbStorage } from './sdk/index.js'
import { wordsFor } from './words.js'

const place = document.querySelector('main')
const words = wordsFor(navigator.languages)
const { t, language } = words
const issuer = location.href.replace(/\/authenticator\/?(?:[?#].*)?$/, '')
const device = createDevice({ storage: indexedDbStorage(`confirm-sign-ins ${new URL(issuer).pathname}`) })

let current = {}

/** Shows a screen: `{ heading, body, focus?, leave?, reference?, isQuiet? }`. A quiet one gives way to a question. */
const show = (screen) => {
  current.leave?.()
  current = screen
  const heading = h('h1', { tabindex: '-1' }, screen.heading)
  place.replaceChildren(heading, ...screen.body.filter((part) => part !== undefined))
  document.title = screen.reference && document.hidden ? t('page.asked', { title: screen.heading }) : screen.heading
  // A screen that comes by itself is read from its heading on.
  const target = screen.focus ?? heading
  target.focus()
  scrollTo(0, 0)
}

const app = {
  ...words,
  device,
  issuer,
  show,
  /** References of what was answered here, which the server may still name for a moment. */
  answered: new Set(),
  /** The title says that something was wrong. */
  fault: () => {
    document.title = t('page.error', { title: current.heading })
  },
  end: (id, more) => show(endingScreen(app, id, more)),
  begin: (link) => show(nameScreen(app, link)),
  /** The oldest question that can still be answered. */
  question: () =>
    app.connection
      .challenges()
      .filter(({ reference, expiresAt }) => !app.answered.has(reference) && device.now(issuer) < expiresAt)
      .sort((one, other) => (one.at ?? 0) - (other.at ?? 0))[0],
  /** Goes where there is something to do. */
  go: async () => {
    try {
      const accounts = await device.accounts()
      const unconfirmed = accounts.find(({ status }) => status === 'unconfirmed')
      const question = app.question()
      if (unconfirmed !== undefined) show(codeScreen(app, unconfirmed))
      else if (question !== undefined) show(challengeScreen(app, question))
      else show(accounts.length > 0 ? waitingScreen(app) : startScreen(app))
    } catch {
      app.end('storage')
    }
  },
  /** What the account list shows has changed: here, and so in every other tab. */
  changed: () => {
    channel.postMessage('changed')
    app.connection.restart()
  },
  /** Something beside the screen has changed. */
  refresh: () => {
    if (current.isWaiting) show(waitingScreen(app))
  },
}

const channel = new BroadcastChannel(`confirm-sign-ins ${issuer}`)
channel.addEventListener('message', () => {
  app.connection.restart()
  if (current.isQuiet) void app.go()
})

/** Looks at what is asked now: brings up a question, and takes one away that is over. */
const look = () => {
  const { reference } = current
  if (reference !== undefined && !app.answered.has(reference)) {
    const isOpen = app.connection.challenges().some((one) => one.reference === reference)
    if (!isOpen) app.end('expired')
  }
  if (!current.isQuiet) return
  const question = app.question()
  if (question !== undefined) show(challengeScreen(app, question))
}

app.installer = createInstaller(app)
app.push = createPush(app)
app.connection = createConnection(app, {
  look,
  removed: (account) => {
    if (current.isQuiet || current.reference !== undefined) app.end('removed', { account })
  },
})

/** Takes the link out of the address bar, and so out of the history. */
const takeLink = () => {
  const { href, hash } = location
  if (!hash.startsWith('#enroll=')) return undefined
  history.replaceState(null, '', location.pathname)
  return href
}

const start = async () => {
  const link = takeLink()
  document.documentElement.lang = language
  document.querySelector('link[rel=manifest]').href = `manifest.${language}.webmanifest`
  addEventListener('hashchange', () => {
    const another = takeLink()
    if (another !== undefined) app.begin(another)
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && current.heading !== undefined) document.title = current.heading
  })
  if (link === undefined) await app.go()
  else app.begin(link)
  app.connection.restart()
  await app.push.start()
}

void start()
