/** Installs the app where the browser lets a page offer that. */
export const createInstaller = (app) => {
  let offer
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault()
    offer = event
    app.refresh()
  })
  addEventListener('appinstalled', () => {
    offer = undefined
    app.refresh()
  })
  return {
    canInstall: () => offer !== undefined,
    install: async () => {
      await offer.prompt()
      offer = undefined
      app.refresh()
    },
  }
}
