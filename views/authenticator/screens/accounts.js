import { createNotice, createTurn, h, link, ways } from '../dom.js'

const failed = (app, notice, field) => {
  notice.fault(app.t('remove.failed'), field)
  app.fault()
}

const renameScreen = (app, account) => {
  const { t, device } = app
  const notice = createNotice(t('name.hint'))
  const field = h('input', {
    id: 'name',
    type: 'text',
    autocomplete: 'off',
    maxlength: 64,
    value: account.name,
    'aria-describedby': 'notice',
  })
  const rename = async () => {
    if (field.value.trim() === '') return notice.fault(t('name.invalid'), field)
    try {
      await device.update(account, { name: field.value })
      app.changed()
      app.show(await accountsScreen(app))
    } catch {
      failed(app, notice, field)
    }
  }
  const form = h(
    'form',
    { class: 'main', novalidate: true },
    h('label', { for: 'name' }, t('name.label')),
    notice.element,
    field,
    h('button', { class: 'primary', type: 'submit' }, t('rename.submit')),
  )
  const inTurn = createTurn(form)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void inTurn(rename)
  })
  const cancel = link(t('cancel'), () => accountsScreen(app).then(app.show))
  return {
    heading: t('rename.heading'),
    focus: field,
    body: [h('p', { class: 'lead' }, h('bdi', {}, account.account)), form, ways(t('other.ways'), cancel)],
  }
}

const removeScreen = (app, account) => {
  const { t, device } = app
  const notice = createNotice('')
  const remove = async () => {
    try {
      await device.remove(account)
      app.changed()
      await app.go()
    } catch {
      failed(app, notice)
    }
  }
  const button = h('button', { class: 'primary', type: 'button' }, t('remove.submit'))
  const inTurn = createTurn(button)
  button.addEventListener('click', () => inTurn(remove))
  const cancel = link(t('cancel'), () => accountsScreen(app).then(app.show))
  return {
    heading: t('remove.heading'),
    body: [
      h('p', { class: 'lead' }, t('remove.text', { account: account.account })),
      notice.element,
      button,
      ways(t('other.ways'), cancel),
    ],
  }
}

/** Every account of this device, to be renamed or removed. */
export const accountsScreen = async (app) => {
  const { t, device } = app
  const accounts = (await device.accounts()).filter(({ status }) => status === 'active')
  const action = (account, id, screen) => {
    const button = link(t(`accounts.${id}`), () => app.show(screen(app, account)))
    button.setAttribute('aria-label', t(`accounts.${id}.of`, { account: account.account }))
    return button
  }
  const items = accounts.map((account) =>
    h(
      'li',
      {},
      h('strong', {}, h('bdi', {}, account.account)),
      h('span', {}, t('accounts.name', { name: account.name })),
      h('div', { class: 'actions' }, action(account, 'rename', renameScreen), action(account, 'remove', removeScreen)),
    ),
  )
  return {
    heading: t('accounts.heading'),
    isQuiet: true,
    body: [
      h('ul', { class: 'accounts' }, items),
      ways(
        t('other.ways'),
        link(t('back'), () => app.go()),
      ),
    ],
  }
}
