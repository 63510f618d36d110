#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { StepUpError } from '../errors.ts'

const HELP = `oidc-step-up: multi-factor and step-up authentication for OpenID providers

Usage:
  oidc-step-up serve --config FILE          serve a provider; FILE is an ES module (.mjs): export default defineConfig({ … })
  oidc-step-up demo                         serve a provider and Bank, an app to click through
  oidc-step-up keys make --file FILE        make a file with keys; --file - prints lines for an environment file
  oidc-step-up keys list --file FILE        tell which keys there are, without the keys themselves
  oidc-step-up keys rotate [KIND…] --file FILE   put new keys in front; the earlier ones still open and verify
  oidc-step-up keys stage [KIND…] --file FILE    before a rotation, where several processes share a store
  oidc-step-up keys retire [KIND…] --file FILE   take the oldest keys away, but never the last

Options:
  --config FILE   the configuration to serve
  --file FILE     the key file
  KIND            sealing, cookie, signing or vapid; all but vapid where none is named
  -h, --help      show this
  -v, --version   show the version

Environment:
  PORT        the port of demo's provider (3000)
  BANK_PORT   the port of demo's Bank (3001)
  REDIS_URL   the Redis in which serve and demo keep everything, unless the configuration names a place

Environment of demo, to send for real what its outbox would show:
  SMTP_URL    the mail server: smtps://user:password@host
  MAIL_FROM   who the mails come from
  TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN   the account that text messages go through
  TWILIO_FROM                             the number they come from
  TWILIO_VERIFY_SERVICE_SID               a Verify service that makes the codes in place of that
  TWILIO_API_URL                          another base URL than Twilio's
  VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY     the key pair for notifications of browsers, as keys make --file - prints it
  VAPID_SUBJECT                           whom a push service can write to: mailto:… or https://…

Environment of demo, to ask by Duo whoever has set up nothing else:
  DUO_CLIENT_ID, DUO_CLIENT_SECRET, DUO_API_HOST   the application at Duo
  DUO_CA_FILE                                      certificates in PEM that Duo's leads to, behind a proxy
`

/** A command line that cannot be understood. */
interface Usage {
  readonly usage: string
}

const print = (line: string) => process.stdout.write(`${line}\n`)

const version = (): string => JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

const portFrom = (name: string, fallback: number) => {
  const text = process.env[name]
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new StepUpError('ERR_CONFIG', `${name}: found ${JSON.stringify(text)}; allowed: a whole number from 1 to 65535`)
}

/** What a signal ends. */
interface Running {
  drain(): Promise<void>
}

let running: Running | undefined

// Loaded when asked for, so that help and mistakes answer at once.
const startServe = async (file: string | undefined): Promise<Usage | undefined> => {
  if (!file) return { usage: 'serve needs --config FILE' }
  const [{ serve }, { loadConfig }] = await Promise.all([import('./serve.ts'), import('./config-file.ts')])
  const served = await serve(await loadConfig(file), { redisUrl: process.env.REDIS_URL })
  running = served
  const { issuer, url } = served
  print(`ready ${issuer}${url === issuer ? '' : `, listening at ${url}`}`)
  return undefined
}

const startDemo = async (): Promise<undefined> => {
  const { demo } = await import('./demo.ts')
  const { env } = process
  const ports = { port: portFrom('PORT', 3000), bankPort: portFrom('BANK_PORT', 3001) }
  running = await demo({ ...ports, print, env, redisUrl: env.REDIS_URL })
}

const runKeys = async (words: readonly string[], file: string | undefined): Promise<Usage | undefined> => {
  const { keys } = await import('./keys.ts')
  const usage = keys(words, file, print)
  return usage === undefined ? undefined : { usage }
}

const OPTIONS = {
  config: { type: 'string' },
  file: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

interface Values {
  readonly config?: string | undefined
  readonly file?: string | undefined
}

interface Command {
  /** The options that it takes. */
  readonly takes: readonly (keyof Values)[]
  /** Whether words may follow it. */
  readonly words?: true
  run(values: Values, words: readonly string[]): Promise<Usage | undefined>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { takes: ['config'], run: ({ config }) => startServe(config) },
  demo: { takes: [], run: startDemo },
  keys: { takes: ['file'], words: true, run: ({ file }, words) => runKeys(words, file) },
}

const parse = (args: string[]) => {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    return { usage: (error as Error).message.split('. ')[0] ?? 'unknown option' }
  }
}

const runCommand = async (name: string | undefined, values: Values, words: readonly string[]) => {
  if (name === undefined) return { usage: 'a command is missing' }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) return { usage: `unknown command "${name}"` }
  const strange = (['config', 'file'] as const).find((key) => values[key] !== undefined && !command.takes.includes(key))
  if (strange !== undefined) return { usage: `${name} takes no --${strange}` }
  if (words.length > 0 && !command.words) return { usage: `unexpected argument "${words[0]}"` }
  return command.run(values, words)
}

const run = async (args: string[]) => {
  const parsed = parse(args)
  if ('usage' in parsed) return parsed
  const { values, positionals } = parsed
  const [name, ...words] = positionals
  if (values.help) process.stdout.write(HELP)
  else if (values.version) print(version())
  else return runCommand(name, values, words)
  return undefined
}

let stopping = false
/** The first signal lets open requests finish, a second one ends the process at once. */
const stop = () => {
  if (stopping || running === undefined) process.exit(0)
  stopping = true
  running.drain().then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`oidc-step-up: ${error instanceof Error ? error.stack : error}\n`)
      process.exit(1)
    },
  )
}
process.on('SIGINT', stop).on('SIGTERM', stop)

/** What a person can mend is said in one line; a store's own words can hold its address. */
const isExpected = (error: unknown) =>
  error instanceof StepUpError && (error.code === 'ERR_CONFIG' || error.code === 'ERR_STORE')

try {
  const mistake = await run(process.argv.slice(2))
  if (mistake) {
    process.stderr.write(`oidc-step-up: ${mistake.usage}; see oidc-step-up --help\n`)
    process.exitCode = 2
  }
} catch (error) {
  const { message, stack } = error as Error
  process.stderr.write(`oidc-step-up: ${isExpected(error) ? message : (stack ?? error)}\n`)
  process.exitCode = 1
}
