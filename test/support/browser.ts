import { load } from 'cheerio'

/** What a page came to: its last response with its text, and where it stands. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The first heading. */
  readonly heading: string
  /** The hidden CSRF token of its first form. */
  readonly csrf: string
  /** Where its main form posts to. */
  readonly action: string
  /** Every `action` and `href` on it. */
  readonly targets: readonly string[]
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
  readonly expiresAt: number
}

/** How a request is sent; `hops` are the redirects that were followed. */
export interface Send {
  readonly method?: string
  readonly form?: Readonly<Record<string, string | readonly string[]>> | string
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Follow redirects on this origin. Default true; false follows only the way back to the page that was posted to, which
   * is how a refusal is shown.
   */
  readonly follow?: boolean
}

const MAX_HOPS = 20

const cookieOf = (line: string, at: URL): Cookie => {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const attribute = (name: string) =>
    attributes.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
  const expires = attribute('expires')
  const split = pair.indexOf('=')
  return {
    name: pair.slice(0, split),
    value: pair.slice(split + 1),
    path: attribute('path') ?? at.pathname,
    expiresAt: expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires),
  }
}

const pathMatches = ({ path }: Cookie, { pathname }: URL) =>
  pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)

const bodyOf = (form: Send['form']) => {
  if (form === undefined || typeof form === 'string') return form
  const fields = Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one] as [string, string]),
  )
  return new URLSearchParams(fields).toString()
}

/**
 * A browser without JavaScript: keeps cookies by path and expiry, follows redirects on its origin and stops
 * where one leaves for the relying party.
 */
export const createBrowser = (origin: string) => {
  const jar = new Map<string, Cookie>()

  const keep = (response: Response, at: URL) => {
    for (const line of response.headers.getSetCookie()) {
      const cookie = cookieOf(line, at)
      if (cookie.expiresAt <= Date.now()) jar.delete(`${cookie.name} ${cookie.path}`)
      else jar.set(`${cookie.name} ${cookie.path}`, cookie)
    }
  }

  const cookieHeader = (at: URL) =>
    [...jar.values()]
      .filter((cookie) => pathMatches(cookie, at))
      // RFC 6265 section 5.4: the longer path first, where two cookies have one name.
      .sort((one, other) => other.path.length - one.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')

  const pageOf = async (response: Response, url: URL): Promise<Page> => {
    const text = await response.text()
    const $ = load(text)
    const targets = $('[action],[href]')
      .map((_index, element) => $(element).attr('action') ?? $(element).attr('href') ?? '')
      .get()
    return {
      url,
      status: response.status,
      headers: response.headers,
      text,
      heading: $('h1').first().text().trim(),
      csrf: $('input[name=csrf]').first().attr('value') ?? '',
      action: $('form.main').first().attr('action') ?? '',
      targets,
    }
  }

  const ask = async (url: URL, method: string, body: string | undefined, headers: Send['headers']) => {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: cookieHeader(url),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    keep(response, url)
    return response
  }

  /** Goes where the response points, as long as that is this origin. */
  const settle = async (response: Response, url: URL, headers: Send['headers'], hops = 0): Promise<Page> => {
    if (hops > MAX_HOPS) throw new Error(`more than ${MAX_HOPS} redirects, at ${url.pathname}`)
    const location = response.headers.get('location')
    if (location === null) return pageOf(response, url)
    await response.arrayBuffer()
    const next = new URL(location, url)
    if (next.origin !== origin) return { ...(await pageOf(new Response(''), next)), status: response.status }
    return settle(await ask(next, 'GET', undefined, headers), next, headers, hops + 1)
  }

  const isBack = ({ headers }: Response, url: URL, method: string) => {
    const location = headers.get('location')
    const isFactorPage = /\/mfa\/[^/]+\/[^/]+$/.test(url.pathname)
    return isFactorPage && method === 'POST' && location !== null && new URL(location, url).pathname === url.pathname
  }

  const send = async (target: string | URL, options: Send = {}): Promise<Page> => {
    const url = new URL(target, origin)
    const body = bodyOf(options.form)
    const method = options.method ?? (body === undefined ? 'GET' : 'POST')
    const response = await ask(url, method, body, options.headers)
    return options.follow === false && !isBack(response, url, method)
      ? pageOf(response, url)
      : settle(response, url, options.headers)
  }

  return {
    send,
    get: (target: string | URL) => send(target),
    /** Posts a form of the page with its CSRF token. */
    post: (page: Page, fields: Readonly<Record<string, string>> = {}, action = page.action) =>
      send(new URL(action, page.url), { form: { csrf: page.csrf, ...fields } }),
    cookies: () => [...jar.values()],
    /** Another browser with the same cookies at this moment. */
    clone: () => {
      const other = createBrowser(origin)
      other.load([...jar.values()])
      return other
    },
    load: (cookies: readonly Cookie[]) => {
      for (const cookie of cookies) jar.set(`${cookie.name} ${cookie.path}`, cookie)
    },
    clear: () => jar.clear(),
  }
}

/** A browser as tests hold it. */
export type Browser = ReturnType<typeof createBrowser>
