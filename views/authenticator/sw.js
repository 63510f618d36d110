// The server puts in front: const SHELL = { version, files: [{ path, integrity }] }
const { scope } = registration
const CACHE = `${scope} ${SHELL.version}`

const WORDS = {
  en: ['Are you signing in?', 'Open this to see what you are asked.'],
  de: ['Melden Sie sich gerade an?', 'Öffnen Sie dies, um zu sehen, was Sie gefragt werden.'],
}

const keep = async () => {
  const cache = await caches.open(CACHE)
  // Only what belongs to this version, even where servers of two versions answer at once.
  await cache.addAll(SHELL.files.map(({ path, integrity }) => new Request(path, { cache: 'no-cache', integrity })))
  await skipWaiting()
}

const tidy = async () => {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith(`${scope} `) && name !== CACHE)
  await Promise.all(old.map((name) => caches.delete(name)))
  await clients.claim()
}

const urls = new Set(SHELL.files.map(({ path }) => new URL(path, scope).href))

const windows = async () =>
  (await clients.matchAll({ type: 'window', includeUncontrolled: true })).filter(({ url }) => url.startsWith(scope))

const referenceIn = (data) => {
  try {
    const { reference } = data.json()
    return typeof reference === 'string' ? reference : ''
  } catch {
    return ''
  }
}

const tell = async (data) => {
  const open = await windows()
  for (const client of open) client.postMessage('look')
  // Whoever looks at the app sees the question itself.
  if (open.some(({ visibilityState }) => visibilityState === 'visible')) return
  const [title, body] = WORDS[navigator.language.slice(0, 2)] ?? WORDS.en
  await registration.showNotification(title, {
    body,
    tag: referenceIn(data),
    icon: 'icon.svg',
    badge: 'badge.svg',
    requireInteraction: true,
  })
}

const openApp = async () => {
  const [first] = await windows()
  if (first === undefined) return clients.openWindow(scope)
  first.postMessage('look')
  return first.focus()
}

addEventListener('install', (event) => event.waitUntil(keep()))
addEventListener('activate', (event) => event.waitUntil(tidy()))
addEventListener('fetch', (event) => {
  const { request } = event
  const { href } = new URL(request.mode === 'navigate' ? scope : request.url)
  if (request.method !== 'GET' || !urls.has(href)) return
  event.respondWith(caches.open(CACHE).then(async (cache) => (await cache.match(href)) ?? fetch(request)))
})
addEventListener('push', (event) => event.waitUntil(tell(event.data)))
addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(openApp())
})
// The page knows the keys that a new address is told with; it looks at each start.
addEventListener('pushsubscriptionchange', (event) =>
  event.waitUntil(windows().then((open) => open.map((client) => client.postMessage('look')))),
)
