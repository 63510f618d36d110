const isSupported = () => 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis

const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')

const channelOf = (subscription) => {
  const { endpoint, keys } = subscription.toJSON()
  return { service: 'web-push', endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }
}

/** The subscription for this key of the server; one for another key is of no use any more. */
const subscribe = async (pushManager, vapidPublicKey) => {
  const existing = await pushManager.getSubscription()
  if (existing !== null) {
    const key = existing.options.applicationServerKey
    if (key !== null && base64url(key) === vapidPublicKey) return existing
    await existing.unsubscribe()
  }
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidPublicKey })
}

/** Notifications, where both the server and the browser have them. */
export const createPush = (app) => {
  const { device, issuer } = app
  let vapidPublicKey
  let isRefused = false

  /** Tells the server where pushes go, for every account that it does not know it for. */
  const register = async () => {
    const registration = await navigator.serviceWorker.ready
    const channel = channelOf(await subscribe(registration.pushManager, vapidPublicKey))
    const accounts = (await device.accounts()).filter(
      (account) => account.status === 'active' && account.channel?.endpoint !== channel.endpoint,
    )
    for (const account of accounts) await device.update(account, { channel })
  }

  const canUse = () => vapidPublicKey !== undefined && isSupported() && !isRefused

  const start = async () => {
    if (!('serviceWorker' in navigator)) return
    navigator.serviceWorker.addEventListener('message', () => app.connection.restart())
    try {
      await navigator.serviceWorker.register('sw.js')
      vapidPublicKey = (await device.about(issuer)).vapidPublicKey
      if (canUse() && Notification.permission === 'granted') await register()
      app.refresh()
    } catch {
      // No service worker, no connection or no push service: the app works while it is open.
    }
  }

  return {
    start,
    /** Whether it makes sense to ask for the permission. */
    canAsk: () => canUse() && Notification.permission === 'default',
    /** For an account that came later. */
    join: async () => {
      if (canUse() && Notification.permission === 'granted') await register().catch(() => undefined)
    },
    /** Asks for the permission. Answers `on`, `denied` or `failed`. */
    enable: async () => {
      if ((await Notification.requestPermission()) !== 'granted') return 'denied'
      try {
        await register()
        return 'on'
      } catch {
        isRefused = true
        return 'failed'
      }
    },
    /** Takes away what has been answered. */
    clear: async () => {
      const registration = await navigator.serviceWorker?.getRegistration()
      for (const notification of (await registration?.getNotifications()) ?? []) notification.close()
    },
  }
}
