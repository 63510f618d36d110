// Signing in with a passkey, on a login page. Its form has
//   data-passkey-options       what passkeyLogin.begin() gave
//   a field named passkey      which gets the browser's answer; the form is submitted then
//   a button with data-passkey hidden until it is of use: it asks at once
//   an element role=status     which then says the button's data-stopped where nothing came of it
// Where the page has a field with autocomplete="username webauthn", the browser offers passkeys in it as well.
{
  const library = globalThis.SimpleWebAuthnBrowser
  const form = document.querySelector('form[data-passkey-options]')
  const button = form.querySelector('[data-passkey]')
  const status = form.querySelector('[role=status]')
  const { options: optionsJSON, seconds } = JSON.parse(form.dataset.passkeyOptions)

  const ask = async (useBrowserAutofill) => {
    form.elements.passkey.value = JSON.stringify(await library.startAuthentication({ optionsJSON, useBrowserAutofill }))
    form.submit()
  }

  const offer = async () => {
    const hasField = document.querySelector('input[autocomplete$="webauthn"]') !== null
    if (!hasField || !(await library.browserSupportsWebAuthnAutofill())) return
    try {
      await ask(true)
    } catch {
      // The button ends it; and where it fails, nobody had asked for it.
    }
  }

  const askNow = async () => {
    // What is too old is not taken any more.
    if (performance.now() > seconds * 1000) return location.replace(location.href)
    status.textContent = ''
    try {
      await ask(false)
    } catch (error) {
      // Pressed again.
      if (error.name === 'AbortError') return
      status.textContent = button.dataset.stopped
      void offer()
    }
  }

  if (library?.browserSupportsWebAuthn()) {
    button.hidden = false
    button.addEventListener('click', () => void askNow())
    void offer()
  }
}
