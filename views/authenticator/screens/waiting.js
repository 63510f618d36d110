import { createNotice, h, link, ways } from '../dom.js'
import { accountsScreen } from './accounts.js'
import { notifyButton } from './ready.js'
import { startScreen } from './start.js'

/** Nothing is asked. */
export const waitingScreen = (app) => {
  const { t, push, installer } = app
  const notice = createNotice(t('waiting.open'))
  return {
    heading: t('waiting.heading'),
    isQuiet: true,
    isWaiting: true,
    body: [
      h('p', { class: 'lead' }, t('waiting.text')),
      h('div', { class: 'main' }, notice.element, push.canAsk() ? notifyButton(app, notice) : ''),
      ways(
        t('other.ways'),
        link(t('waiting.accounts'), () => accountsScreen(app).then(app.show)),
        link(t('waiting.add'), () => app.show(startScreen(app, false))),
        installer.canInstall() ? link(t('waiting.install'), installer.install) : undefined,
      ),
    ],
  }
}
