// The page of a passkey or security key. Its form says what to ask the browser for:
//   data-webauthn              create, for a new one, or get, for one that is set up
//   data-options               for the browser, as JSON
//   data-seconds               how long the page can be answered
//   data-automatic             it is asked at once, and not only by the button
//   data-unsupported, data-stopped, data-known, data-forbidden
//                              what to say where it cannot be asked, or nothing came of it
//   data-title                 the page's title then
// What the browser answers goes into the field "response", and into "kind" which kind of thing it is.
{
  const library = globalThis.SimpleWebAuthnBrowser
  const form = document.querySelector('form[data-webauthn]')
  const { webauthn: purpose, options, seconds, automatic, title, ...words } = form.dataset
  const { response, kind } = form.elements
  const button = form.querySelector('[type=submit]')
  const optionsJSON = JSON.parse(options)
  let asked = 0

  const say = (text) => {
    const fault = document.createElement('strong')
    fault.className = 'fault'
    fault.textContent = text
    document.querySelector('#notice').replaceChildren(fault)
    document.title = title
  }

  const create = async () => {
    const answer = await library.startRegistration({ optionsJSON })
    const { clientDataJSON, attestationObject, transports = [] } = answer.response
    const isDevice = answer.authenticatorAttachment === 'platform' || transports.includes('hybrid')
    kind.value = isDevice ? kind.dataset.device : kind.dataset.key
    // The browser tells some of it twice.
    return { ...answer, response: { clientDataJSON, attestationObject, transports } }
  }

  const wordsFor = ({ name }) =>
    (name === 'SecurityError' && words.forbidden) || (name === 'InvalidStateError' && words.known) || words.stopped

  const ask = async () => {
    // A page that is too old would make a key that nobody takes.
    if (performance.now() > seconds * 1000) return location.replace(location.href)
    asked += 1
    const turn = asked
    try {
      const answer = purpose === 'create' ? await create() : await library.startAuthentication({ optionsJSON })
      response.value = JSON.stringify(answer)
      form.submit()
    } catch (error) {
      // The button ends what is asked already; nobody needs to be told of that.
      if (turn === asked) say(wordsFor(error))
    }
  }

  for (const part of form.querySelectorAll('[data-scripted]')) part.hidden = false
  const notice = document.querySelector('#notice')
  notice.setAttribute('role', 'alert')
  if (library?.browserSupportsWebAuthn()) {
    button.disabled = false
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void ask()
    })
    if (purpose === 'get') button.focus()
    // A window in the background is not allowed to ask.
    if (automatic !== undefined && document.hasFocus()) void ask()
    else if (automatic !== undefined) addEventListener('focus', ask, { once: true })
  } else say(words.unsupported)
}
