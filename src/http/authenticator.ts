import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context, Middleware } from 'koa'
import { StepUpError } from '../errors.ts'

/** A file of the app, as it is sent. */
interface File {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
  /** What browsers compare it with (Subresource Integrity). */
  readonly integrity: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
}

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // Names stay the same over versions: browsers ask each time, and the service worker keeps a whole version at once.
  'Cache-Control': 'no-cache',
}

const PAGE = 'index.html'
const WORKER = 'sw.js'

const sha256 = (body: Buffer | string) => createHash('sha256').update(body).digest('base64')

const fileOf = (name: string, body: Buffer): File => {
  const hash = sha256(body)
  const type = TYPES[extname(name)] ?? 'application/octet-stream'
  return Object.freeze({ body, type, etag: `"${hash.slice(0, 22)}"`, integrity: `sha256-${hash}` })
}

const namesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => extname(name) in TYPES)
    .sort()

const folderOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const readFolder = (folder: string, prefix = ''): [name: string, file: File][] =>
  namesIn(folder).map((name) => {
    const path = `${prefix}${name.replaceAll(sep, '/')}`
    return [path, fileOf(path, readFileSync(join(folder, name)))]
  })

const notCompiled = (cause?: unknown) =>
  new StepUpError('ERR_CONFIG', 'the web authenticator needs dist/device: run npm run build', { cause })

/** The device SDK as browsers load it: compiled. The same place from src/http and from dist/http. */
const readSdk = (): [name: string, file: File][] => {
  try {
    return readFolder(folderOf('../../dist/device/'), 'sdk/')
  } catch (cause) {
    throw notCompiled(cause)
  }
}

/** The worker knows each file of its version, and so changes with any of them. */
const withShell = (files: ReadonlyMap<string, File>, worker: File): File => {
  const kept = [...files].filter(([name]) => name !== WORKER)
  const list = kept.map(([name, { integrity }]) => ({ path: name === PAGE ? './' : name, integrity }))
  const shell = { version: sha256(JSON.stringify(list)).slice(0, 12), files: list }
  return fileOf(WORKER, Buffer.concat([Buffer.from(`const SHELL = ${JSON.stringify(shell)}\n`), worker.body]))
}

const readApp = (): ReadonlyMap<string, File> => {
  const styles = readFileSync(folderOf('../../views/assets/step-up.css'))
  const files = new Map([
    ...readFolder(folderOf('../../views/authenticator/')),
    ...readSdk(),
    ['step-up.css', fileOf('step-up.css', styles)] as const,
  ])
  if (!files.has('sdk/index.js')) throw notCompiled()
  const worker = files.get(WORKER)
  return worker === undefined ? files : files.set(WORKER, withShell(files, worker))
}

const send = (ctx: Context, { body, type, etag }: File) => {
  ctx.set({ ...HEADERS, 'Content-Type': type, ETag: etag })
  ctx.status = 200
  if (ctx.fresh) ctx.status = 304
  else ctx.body = body
}

const sendNothing = (ctx: Context, status: number) => {
  ctx.set(HEADERS)
  ctx.status = status
  ctx.type = 'text'
  ctx.body = ''
}

/**
 * The web authenticator below a path such as `/authenticator`, as one Koa middleware that leaves every other path
 * alone. All files are read once, here.
 *
 * The path itself leads to the one with a slash at its end, which a service worker can be in charge of; browsers keep
 * the fragment on that way (RFC 9110 section 10.2.2).
 *
 * @throws StepUpError `ERR_CONFIG` where the device SDK has not been compiled.
 */
export const createAuthenticator = (prefix: string): Middleware => {
  const files = readApp()
  const below = `${prefix}/`
  return async function webAuthenticator(ctx, next) {
    if (ctx.path !== prefix && !ctx.path.startsWith(below)) return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      return sendNothing(ctx, 405)
    }
    if (ctx.path === prefix) {
      ctx.set({ ...HEADERS, Location: below.slice(below.lastIndexOf('/', below.length - 2) + 1) })
      ctx.status = 302
      ctx.body = ''
      return
    }
    const file = files.get(ctx.path.slice(below.length) || PAGE)
    return file === undefined ? sendNothing(ctx, 404) : send(ctx, file)
  }
}
