import { h } from '../dom.js'

/** How a question or an enrolment ended, and nothing to do but to go on. `again` tries it once more. */
export const endingScreen = (app, id, { account, again } = {}) => {
  const { t, device } = app
  const on = async () => {
    if (id === 'removed') {
      await device.forget(account)
      app.changed()
    }
    await app.go()
  }
  const primary = h(
    'button',
    { class: 'primary', type: 'button', onclick: again ?? on },
    t(again === undefined ? 'done' : 'try.again'),
  )
  return {
    heading: t(`${id}.heading`),
    isQuiet: again === undefined && id !== 'removed',
    body: [
      h('p', { class: 'lead' }, t(`${id}.text`, { account: account?.account })),
      h('div', { class: 'main' }, primary),
    ],
  }
}
