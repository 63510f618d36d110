import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { load } from 'cheerio/slim'

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

/** What of a response is looked at. */
type Answer = Pick<Response, 'status' | 'headers' | 'text'>

interface Ask {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const MAX_HOPS = 20

const agent = new Agent({ keepAlive: true })
const { fetch: native } = globalThis

const headersOf = ({ rawHeaders }: IncomingMessage) => {
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  return headers
}

/** As `fetch`, without following redirects and at half its cost. A test that watches `fetch` sees these requests too. */
const exchange = async (url: URL, { method, headers, body }: Ask): Promise<Answer> => {
  if (globalThis.fetch !== native) {
    return fetch(url, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) })
  }
  // Node tells the length by itself for some methods only.
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const own = { 'accept-language': '*', 'user-agent': 'node', ...length }
  const asked = request(url, { agent, method, headers: { ...own, ...headers } })
  asked.end(body)
  const [message] = (await once(asked, 'response')) as [IncomingMessage]
  const said = await text(message)
  return { status: message.statusCode ?? 0, headers: headersOf(message), text: async () => said }
}

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

const pageOf = async (answer: Answer, url: URL): Promise<Page> => {
  const body = await answer.text()
  const $ = load(body)
  const targets = $('[action],[href]')
    .map((_index, element) => $(element).attr('action') ?? $(element).attr('href') ?? '')
    .get()
  return {
    url,
    status: answer.status,
    headers: answer.headers,
    text: body,
    heading: $('h1').first().text().trim(),
    csrf: $('input[name=csrf]').first().attr('value') ?? '',
    action: $('form.main').first().attr('action') ?? '',
    targets,
  }
}

/**
 * A browser without JavaScript: keeps cookies by path and expiry, follows redirects on its origin and stops
 * where one leaves for the relying party.
 */
export const createBrowser = (origin: string) => {
  const jar = new Map<string, Cookie>()

  const keep = (response: Answer, at: URL) => {
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

  const ask = async (url: URL, method: string, body: string | undefined, headers: Send['headers']) => {
    const response = await exchange(url, {
      method,
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
  const settle = async (response: Answer, url: URL, headers: Send['headers'], hops = 0): Promise<Page> => {
    if (hops > MAX_HOPS) throw new Error(`more than ${MAX_HOPS} redirects, at ${url.pathname}`)
    const location = response.headers.get('location')
    if (location === null) return pageOf(response, url)
    await response.text()
    const next = new URL(location, url)
    if (next.origin !== origin) return { ...(await pageOf(new Response(''), next)), status: response.status }
    return settle(await ask(next, 'GET', undefined, headers), next, headers, hops + 1)
  }

  const isBack = ({ headers }: Answer, url: URL, method: string) => {
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
