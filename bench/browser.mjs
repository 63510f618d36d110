import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { openStream } from './stream.mjs'

const cookieOf = (line) => {
  const [pair, ...attributes] = line.split('; ')
  const split = pair.indexOf('=')
  const path = attributes.find((one) => one.startsWith('path='))?.slice('path='.length) ?? '/'
  const expires = attributes.find((one) => one.startsWith('expires='))
  const isGone = expires !== undefined && Date.parse(expires.slice('expires='.length)) <= Date.now()
  return { name: pair.slice(0, split), pair, path, isGone }
}

const matches = (path, pathname) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)

const HEADERS = {
  accept: 'text/html,application/xhtml+xml',
  'accept-language': 'en',
  'sec-fetch-site': 'same-origin',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
}

/** Connections that stay open, one for each virtual browser. */
export const createAgent = () => new Agent({ keepAlive: true })

const contentOf = ({ form, json }) => {
  if (form !== undefined)
    return { type: 'application/x-www-form-urlencoded', body: new URLSearchParams(form).toString() }
  return json === undefined ? {} : { type: 'application/json', body: JSON.stringify(json) }
}

/**
 * Sends one request and reads the whole answer; a redirect is an answer.
 *
 * @param {Agent} agent
 * @param {URL} url
 * @param {{ headers: Record<string, string>, form?: Record<string, string>, json?: unknown }} options
 */
export const send = (agent, url, { headers, ...given }) =>
  new Promise((resolve, reject) => {
    const { type, body } = contentOf(given)
    const content = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(url, { agent, method, headers: { ...headers, ...content } }, (answer) => {
      const { statusCode: status, headers } = answer
      text(answer).then((body) => resolve({ status, headers, body }), reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })

/**
 * A browser without JavaScript that keeps cookies by path, and counts what it asks for.
 *
 * @param {string} origin
 * @param {Agent} agent
 */
export const createBrowser = (origin, agent) => {
  const jar = new Map()

  const keep = (headers) => {
    for (const line of headers['set-cookie'] ?? []) {
      const { name, pair, path, isGone } = cookieOf(line)
      if (isGone) jar.delete(`${name} ${path}`)
      else jar.set(`${name} ${path}`, { pair, path })
    }
  }
  const cookieHeader = ({ pathname }) =>
    [...jar.values()]
      .filter(({ path }) => matches(path, pathname))
      .map(({ pair }) => pair)
      .join('; ')

  const headersFor = (url) => {
    const cookie = cookieHeader(url)
    return cookie === '' ? HEADERS : { ...HEADERS, cookie }
  }
  const ask = async (target, form) => {
    const url = new URL(target, origin)
    const answer = await send(agent, url, { headers: headersFor(url), form })
    keep(answer.headers)
    return { ...answer, url }
  }

  return Object.freeze({
    /**
     * Goes where the redirects lead, up to a page or to another site, whose address alone is told.
     *
     * @param {string | URL} target
     * @param {Record<string, string>} [form]
     */
    async go(target, form) {
      let answer = await ask(target, form)
      while (answer.headers.location !== undefined) {
        const next = new URL(answer.headers.location, answer.url)
        if (next.origin !== origin) return { status: answer.status, url: next, body: '' }
        answer = await ask(next)
      }
      return answer
    },
    /**
     * Opens a stream of server-sent events, as a page's script does.
     *
     * @param {string} path
     */
    listen(path) {
      const url = new URL(path, origin)
      return openStream(url, { ...headersFor(url), accept: 'text/event-stream' })
    },
    /** Drops the cookies of pages that are done with, which a real browser would no longer send after an hour. */
    forget() {
      for (const [key, { path }] of jar) if (path !== '/') jar.delete(key)
    },
  })
}

const HIDDEN = /<input type="hidden" name="([^"]+)" value="([^"]*)">/g

/**
 * The main form of a page: where it goes, and its hidden fields.
 *
 * @param {string} body
 * @throws Error where the page has none, with its beginning
 */
export const formOn = (body) => {
  const action = /<form class="main"[^>]* action="([^"]+)"/.exec(body)?.[1]
  if (action === undefined) throw new Error(`a page without a form: ${body.slice(0, 200)}`)
  const main = body.slice(body.indexOf('<form class="main"'))
  const hidden = [...main.slice(0, main.indexOf('</form>')).matchAll(HIDDEN)]
  return { action, hidden: Object.fromEntries(hidden.map(([, name, value]) => [name, value])) }
}
