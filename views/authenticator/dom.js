/**
 * Makes an element. `on…` properties are listeners, `true` is an attribute without a value, and what is undefined or
 * false is left out. Children are elements or texts; markup in a text stays text.
 */
export const h = (name, properties = {}, ...children) => {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(key.slice(2), value)
    else element.setAttribute(key, value === true ? '' : value)
  }
  element.append(...children.flat(2).filter((child) => child !== undefined))
  return element
}

/** The one place of a form for a hint and for what replaces it, so that nothing moves. */
export const createNotice = (hint) => {
  const element = h('p', { class: 'notice', id: 'notice', role: 'alert' }, hint)
  return {
    element,
    /** Says what was wrong, and where to mend it. */
    fault: (text, field) => {
      element.replaceChildren(h('strong', { class: 'fault' }, text))
      field?.setAttribute('aria-invalid', 'true')
      field?.focus()
      field?.select()
    },
    clear: (field) => {
      element.replaceChildren(hint)
      field?.removeAttribute('aria-invalid')
    },
  }
}

/** Runs one thing at a time: what is pressed again meanwhile counts once. */
export const createTurn = (element) => {
  let isBusy = false
  return async (work) => {
    if (isBusy) return
    isBusy = true
    element.setAttribute('aria-busy', 'true')
    try {
      await work()
    } finally {
      isBusy = false
      element.removeAttribute('aria-busy')
    }
  }
}

/** A list of names and values; what has no value is left out. */
export const context = (entries) =>
  h(
    'dl',
    { class: 'context' },
    entries
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => h('div', {}, h('dt', {}, name), ' ', h('dd', {}, h('bdi', {}, value)))),
  )

/** A plain link that does something. */
export const link = (text, onclick) => h('button', { class: 'link', type: 'button', onclick }, text)

/** Every other way, beneath. */
export const ways = (label, ...links) => h('nav', { class: 'ways', 'aria-label': label }, links)
