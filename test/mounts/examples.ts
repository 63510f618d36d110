import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { holdPort } from '../cli/free-port.ts'
import { CLIENT, REDIRECT_URI } from '../support/host.ts'

/** How one example mounts the provider, and what its framework says to strangers. */
export interface Mount {
  readonly name: string
  readonly scheme: 'http' | 'https'
  /** The path it is mounted under. */
  readonly path: string
  /** What the outer app answers where nothing is. */
  readonly nothingThere: RegExp
}

export const MOUNTS: readonly Mount[] = [
  { name: 'bare', scheme: 'http', path: '', nothingThere: /^Not Found$/ },
  { name: 'tls-proxy', scheme: 'https', path: '', nothingThere: /^Not Found$/ },
  { name: 'express', scheme: 'http', path: '/oidc', nothingThere: /Cannot GET/ },
  { name: 'body-parser', scheme: 'http', path: '/oidc', nothingThere: /Cannot GET/ },
  { name: 'fastify', scheme: 'http', path: '/oidc', nothingThere: /"Route GET:\S+ not found"/ },
  { name: 'koa-mount', scheme: 'http', path: '/oidc', nothingThere: /^Not Found$/ },
  { name: 'nest', scheme: 'http', path: '/oidc', nothingThere: /"Cannot GET/ },
]

/** Ways to mount that have no example of their own, by name, each with the path of its issuer. */
export const WIRINGS: Readonly<Record<string, string>> = {
  'unread-body': '/tenants/oidc',
  'outer-koa': '/oidc',
  'pathless-issuer': '',
}

const FILES = [
  ...MOUNTS.map(({ name, scheme, path }) => ({ name, scheme, path, file: `examples/${name}.mjs` })),
  ...Object.entries(WIRINGS).map(([name, path]) => ({
    name,
    scheme: 'http',
    path,
    file: `test/mounts/wirings/${name}.mjs`,
  })),
]

/** Maria's password in every example. */
export const PASSWORD = 'test password'

/** The examples as they are, in one process of their own. */
export interface Examples {
  readonly issuers: ReadonlyMap<string, string>
  /** Moves their time on. */
  advance(seconds: number): Promise<void>
  close(): Promise<void>
}

const freePorts = async (count: number) => {
  const held = await Promise.all(Array.from({ length: count }, holdPort))
  await Promise.all(held.map(({ release }) => release()))
  return held.map(({ port }) => port)
}

const ENVIRONMENT = { NODE_ENV: 'test', PASSWORD, CLIENT_SECRET: CLIENT.client_secret, REDIRECT_URI }

/** Starts every example and waits until each is ready. */
export const startExamples = async (): Promise<Examples> => {
  const ports = await freePorts(FILES.length)
  const child = fork(
    fileURLToPath(new URL('launch.mjs', import.meta.url)),
    FILES.map(({ file }, index) => `${file}=${ports[index]}`),
    { env: { ...process.env, ...ENVIRONMENT }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] },
  )
  const exited = once(child, 'exit')
  let complaints = ''
  child.stderr?.on('data', (chunk) => {
    complaints += chunk
  })
  const ready: string[] = []
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line.startsWith('ready ')) ready.push(line.slice('ready '.length))
    if (ready.length === FILES.length) break
  }
  if (ready.length < FILES.length) throw new Error(`only ${ready.length} examples started: ${complaints}`)
  const issuers = new Map(
    FILES.map(({ name, scheme, path }, index) => [name, `${scheme}://localhost:${ports[index]}${path}`]),
  )
  return {
    issuers,
    advance: async (seconds) => {
      child.send(seconds)
      await once(child, 'message')
    },
    close: async () => {
      child.disconnect()
      await exited
    },
  }
}
