import { context, h, link, ways } from '../dom.js'
import { readyScreen } from './ready.js'

/** The code to type on the page that showed the link, until somebody did. */
export const codeScreen = (app, account) => {
  const { t, device } = app
  const { code, expiresAt, issuer } = account
  const controller = new AbortController()
  const { signal } = controller
  const left = h('p', { class: 'notice' })
  const tick = () => {
    const text = t('code.left', { seconds: Math.max(0, expiresAt - device.now(issuer)) })
    if (left.textContent !== text) left.textContent = text
  }
  tick()
  const timer = setInterval(tick, 1000)

  const wait = async () => {
    try {
      const confirmed = await device.confirmed(account, { signal })
      app.changed()
      await app.push.join()
      if (!signal.aborted) app.show(readyScreen(app, confirmed))
    } catch ({ code: reason }) {
      if (signal.aborted) return
      if (reason === 'unknown_account') await app.go()
      else app.end(reason === 'enrollment_expired' ? 'late' : 'broken')
    }
  }
  void wait()

  const stop = async () => {
    controller.abort()
    await device.forget(account)
    await app.go()
  }
  return {
    heading: t('code.heading'),
    leave: () => {
      controller.abort()
      clearInterval(timer)
    },
    body: [
      h('p', { class: 'lead' }, t('code.text')),
      h('output', { class: 'digits', 'aria-label': [...code].join(' ') }, code),
      left,
      context([[t('code.account'), account.account]]),
      ways(t('other.ways'), link(t('code.cancel'), stop)),
    ],
  }
}
