import { context, createNotice, createTurn, h, link, ways } from '../dom.js'
import { answer } from './answer.js'
import { reportScreen } from './report.js'

const TICK_MILLISECONDS = 5000
const SETTLE_MILLISECONDS = 500

const textOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value))

/** What is to be authorized, by the names that the app gave it. */
const detailsOf = (details) =>
  details.map((detail) =>
    h(
      'dl',
      { class: 'details' },
      Object.entries(detail).map(([name, value]) => [
        h('dt', {}, h('bdi', {}, name)),
        h('dd', {}, h('bdi', {}, textOf(value))),
      ]),
    ),
  )

const messageOf = ({ t }, { match, message, client }) => {
  if (message === undefined) return []
  const compare = t('challenge.compare', { client: client ?? t('challenge.compare.app') })
  return [
    match === 'message' ? h('p', { class: 'lead' }, compare) : undefined,
    h('p', { class: 'said' }, h('bdi', {}, message)),
  ]
}

/** Who asks for what; the time since then goes on. */
const factsOf = ({ t, ago, device }, challenge) => {
  const { account, client, place, address, browser, at, issuer } = challenge
  const since = () => (at === undefined ? undefined : ago(Math.max(0, device.now(issuer) - at)))
  const list = context([
    [t('challenge.account'), account],
    [t('challenge.client'), client],
    [t('challenge.place'), place],
    [t('challenge.address'), address],
    [t('challenge.browser'), browser],
    [t('challenge.when'), since()],
  ])
  const timer = setInterval(() => {
    if (at !== undefined) list.querySelector('div:last-child bdi').textContent = since()
  }, TICK_MILLISECONDS)
  return { list, end: () => clearInterval(timer) }
}

const numberField = () =>
  h('input', {
    class: 'code',
    id: 'number',
    type: 'text',
    inputmode: 'numeric',
    autocomplete: 'off',
    maxlength: 12,
    'aria-describedby': 'notice',
  })

/** Where nothing is typed it waits a moment: the screen before may have had a button at this very place. */
const createYes = (words, isAtOnce) => {
  const yes = h('button', { class: 'primary', type: 'submit', disabled: !isAtOnce }, words)
  if (!isAtOnce)
    setTimeout(() => {
      yes.disabled = false
    }, SETTLE_MILLISECONDS)
  return yes
}

/** A question: who asks for what, and yes, no, or "it was not me". */
export const challengeScreen = (app, challenge) => {
  const { t, device } = app
  const { reference, match, details = [], browser, address } = challenge
  // An app that asks by itself has neither: nobody is signing in there.
  const isSignIn = match === 'number' && (browser ?? address) !== undefined
  const isNumber = match === 'number'
  const field = isNumber ? numberField() : undefined
  const notice = createNotice(t(isNumber ? 'challenge.hint' : 'challenge.read'))
  const facts = factsOf(app, challenge)
  const say = (text) => {
    notice.fault(text, field)
    app.fault()
  }
  const approve = async () => {
    const number = field?.value.replace(/\s/g, '')
    if (number === '') return say(t('challenge.empty'))
    notice.clear(field)
    await answer(app, challenge, () => device.approve(challenge, isNumber ? { number } : {}), say)
  }
  const deny = () => answer(app, challenge, () => device.deny(challenge), say)
  const yes = createYes(t('challenge.approve'), isNumber)
  const form = h(
    'form',
    { class: 'main', novalidate: true },
    isNumber ? h('label', { for: 'number' }, t('challenge.label')) : undefined,
    notice.element,
    field,
    h(
      'div',
      { class: 'buttons' },
      yes,
      h('button', { class: 'tool', type: 'button', onclick: () => inTurn(deny) }, t('challenge.deny')),
    ),
  )
  const inTurn = createTurn(form)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void inTurn(approve)
  })
  return {
    heading: t(isSignIn ? 'challenge.heading' : 'challenge.heading.message'),
    reference,
    leave: facts.end,
    body: [
      facts.list,
      ...messageOf(app, challenge),
      ...detailsOf(details),
      form,
      ways(
        t('other.ways'),
        link(t('challenge.report'), () =>
          app.show(reportScreen(app, challenge, () => app.show(challengeScreen(app, challenge)))),
        ),
      ),
    ],
  }
}
