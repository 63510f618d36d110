import { deviceName } from '../device-name.js'
import { createNotice, createTurn, h, link as plain, ways } from '../dom.js'
import { canScan, scan } from '../scan.js'
import { readLink } from '../sdk/index.js'
import { codeScreen } from './code.js'

const isLink = (text) => {
  try {
    readLink(text)
    return true
  } catch {
    return false
  }
}

/** Takes a link, pasted or scanned; says what is wrong with it where something is. */
const take = (app, text, say) => {
  if (!isLink(text)) return say(app.t('start.invalid'))
  if (readLink(text).issuer !== app.issuer) return say(app.t('start.elsewhere'))
  return app.begin(text)
}

/** The camera, until it sees a link. */
const scanScreen = (app, isFirst) => {
  const { t } = app
  const controller = new AbortController()
  const video = h('video', { playsinline: true, muted: true, 'aria-label': t('scan.heading') })
  video.muted = true
  const notice = createNotice('')
  const begin = async () => {
    try {
      const text = await scan(video, isLink, controller.signal)
      if (text !== undefined) take(app, text, notice.fault)
    } catch {
      video.hidden = true
      notice.fault(t('scan.failed'))
      app.fault()
    }
  }
  void begin()
  return {
    heading: t('scan.heading'),
    leave: () => controller.abort(),
    body: [
      h('p', { class: 'lead' }, t('scan.text')),
      video,
      notice.element,
      ways(
        t('other.ways'),
        plain(t('scan.paste'), () => app.show(startScreen(app, isFirst))),
      ),
    ],
  }
}

/** No account yet, or one more is wanted: where the link comes from. */
export const startScreen = (app, isFirst = true) => {
  const { t } = app
  const notice = createNotice(t('start.link.hint'))
  const field = h('input', {
    id: 'link',
    type: 'url',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-describedby': 'notice',
  })
  const fault = (text) => {
    notice.fault(text, field)
    app.fault()
  }
  const form = h(
    'form',
    {
      class: 'main',
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault()
        take(app, field.value.trim(), fault)
      },
    },
    h('label', { for: 'link' }, t('start.link')),
    notice.element,
    field,
    h('button', { class: canScan() ? 'tool' : 'primary', type: 'submit' }, t('start.submit')),
  )
  const camera = canScan()
    ? h(
        'div',
        { class: 'buttons' },
        h(
          'button',
          { class: 'primary', type: 'button', onclick: () => app.show(scanScreen(app, isFirst)) },
          t('start.scan'),
        ),
      )
    : undefined
  return {
    heading: t('start.heading'),
    isQuiet: isFirst,
    body: [
      h('p', { class: 'lead' }, t('start.text')),
      camera,
      form,
      isFirst
        ? undefined
        : ways(
            t('other.ways'),
            plain(t('cancel'), () => app.go()),
          ),
    ],
  }
}

/** Which screen tells of a failed enrolment. */
const endings = {
  invalid_ticket: 'used',
  unreachable: 'unreachable',
  temporarily_unavailable: 'unreachable',
  too_many_requests: 'unreachable',
  invalid_link: 'used',
}

const failed = (app, error, link) => {
  if (error.code === undefined) return app.end('storage')
  const id = endings[error.code] ?? 'broken'
  return app.end(id, id === 'unreachable' ? { again: () => app.begin(link) } : {})
}

/** A link was opened: nothing happens before its person says so. */
export const nameScreen = (app, link) => {
  const { t, device } = app
  const notice = createNotice(t('name.hint'))
  const field = h('input', {
    id: 'name',
    type: 'text',
    autocomplete: 'off',
    maxlength: 64,
    value: deviceName(navigator.userAgent),
    'aria-describedby': 'notice',
  })
  const enroll = async () => {
    const name = field.value.trim()
    if (name === '') {
      notice.fault(t('name.invalid'), field)
      return app.fault()
    }
    try {
      // Without it some browsers clear away what a page has stored, keys included.
      await navigator.storage?.persist?.()
      const { confirmed: _confirmed, ...account } = await device.enroll(link, { name })
      app.show(codeScreen(app, account))
    } catch (error) {
      failed(app, error, link)
    }
  }
  const form = h(
    'form',
    { class: 'main', novalidate: true },
    h('label', { for: 'name' }, t('name.label')),
    notice.element,
    field,
    h('button', { class: 'primary', type: 'submit' }, t('name.submit')),
  )
  const inTurn = createTurn(form)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void inTurn(enroll)
  })
  return {
    heading: t('name.heading'),
    body: [
      h('p', { class: 'lead' }, t('name.text')),
      form,
      ways(
        t('other.ways'),
        plain(t('cancel'), () => app.go()),
      ),
    ],
  }
}
