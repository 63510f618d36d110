import { createNotice, createTurn, h, link, ways } from '../dom.js'
import { answer } from './answer.js'

const REASONS = ['unknown-request', 'unknown-place', 'other']

/** Why it was not its person; whichever is chosen, it is refused. */
export const reportScreen = (app, challenge, back) => {
  const { t, device } = app
  const notice = createNotice(t('report.text'))
  const send = (reason) => () =>
    answer(
      app,
      challenge,
      () => device.report(challenge, reason),
      (text) => {
        notice.fault(text)
        app.fault()
      },
    )
  const buttons = h('div', { class: 'buttons' })
  const inTurn = createTurn(buttons)
  buttons.append(
    ...REASONS.map((reason) =>
      h('button', { class: 'tool', type: 'button', onclick: () => inTurn(send(reason)) }, t(`report.${reason}`)),
    ),
  )
  return {
    heading: t('report.heading'),
    reference: challenge.reference,
    body: [h('div', { class: 'main' }, notice.element, buttons), ways(t('other.ways'), link(t('back'), back))],
  }
}
