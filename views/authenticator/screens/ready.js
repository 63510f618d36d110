import { createNotice, createTurn, h, link, ways } from '../dom.js'

/** Asks the browser for notifications, and says what came of it. */
export const notifyButton = (app, notice) => {
  const { t, push } = app
  const button = h('button', { class: 'primary', type: 'button' }, t('notify.submit'))
  const inTurn = createTurn(button)
  const ask = async () => {
    const outcome = await push.enable()
    if (outcome === 'on') return app.go()
    notice.fault(t(`notify.${outcome}`))
    button.remove()
  }
  button.addEventListener('click', () => inTurn(ask))
  return button
}

/** The device is one of the account's. */
export const readyScreen = (app, { account }) => {
  const { t, push } = app
  const heading = t('ready.heading')
  const text = h('p', { class: 'lead' }, t('ready.text', { account }))
  const on = () => app.go()
  if (!push.canAsk()) {
    const done = h('button', { class: 'primary', type: 'button', onclick: on }, t('done'))
    return { heading, isQuiet: true, body: [text, h('div', { class: 'main' }, done)] }
  }
  const notice = createNotice(t('ready.notify'))
  return {
    heading,
    isQuiet: true,
    body: [
      text,
      h('div', { class: 'main' }, notice.element, notifyButton(app, notice)),
      ways(t('other.ways'), link(t('notify.later'), on)),
    ],
  }
}
