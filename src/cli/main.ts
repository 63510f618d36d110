#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { StepUpError } from '../errors.ts'
import type { ExplainValues } from './explain.ts'
import type { ReplayValues } from './replay.ts'

const HELP = `oidc-step-up: multi-factor and step-up authentication for OpenID providers

Usage:
  oidc-step-up serve --config FILE          serve a provider; FILE is an ES module (.mjs): export default defineConfig({ … })
  oidc-step-up demo                         serve a provider and Bank, an app to click through
  oidc-step-up explain --config FILE --account ID --client ID [options]   tell what a sign-in would come to, and why
  oidc-step-up replay RECORDING --config FILE [options]   decide what was recorded again, and tell what would differ
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

Options of explain:
  --account ID        the account, by its id or user name
  --client ID         the relying party
  --acr NAME          a level asked for; several by several of these
  --essential         it is asked for as an essential claim
  --scope NAME        a requested scope; openid where none is named
  --resource URI      a requested resource indicator
  --ip ADDRESS        where the request comes from
  --country DE        where that is, in place of looking it up
  --user-agent TEXT   the browser
  --known-device      it is one that the account has signed in from
  --remembered        it is remembered
  --at TIME           the moment, with its zone: 2026-11-22T23:30+01:00
  --max-age SECONDS   the parameter max_age
  --prompt none       the parameter prompt: none or login
  --with totp@300     what the session has proved, and how many seconds ago; a password right now where nothing is named
  --json              for machines

Options of replay:
  RECORDING       what recordDecisions wrote; packed where its name ends in .gz, standard input for -
  --config FILE   the other configuration: of serve, or what stepUp() is called with
  --client ID     only the decisions of this relying party
  --html FILE     write a page as well
  --json          for machines

Environment:
  PORT        the port of demo's provider (3000)
  BANK_PORT   the port of demo's Bank (3001)
  REDIS_URL   the Redis in which serve and demo keep everything, and explain looks, unless the configuration names a place

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

/** A terminal may show colors, unless it was told not to (no-color.org). */
const showsColor = () => process.stdout.isTTY === true && !process.env.NO_COLOR

const runExplain = async ({ config, ...values }: ExplainValues & { config?: string }): Promise<Usage | undefined> => {
  if (!config) return { usage: 'explain needs --config FILE' }
  const [{ explain }, { loadConfig }] = await Promise.all([import('./explain.ts'), import('./config-file.ts')])
  return explain(() => loadConfig(config), values, { print, color: showsColor(), redisUrl: process.env.REDIS_URL })
}

const runReplay = async (values: ReplayValues, words: readonly string[]): Promise<Usage | undefined> => {
  const { replayCommand } = await import('./replay.ts')
  const usage = await replayCommand(values, words, print)
  return usage === undefined ? undefined : { usage }
}

const runKeys = async (words: readonly string[], file: string | undefined): Promise<Usage | undefined> => {
  const { keys } = await import('./keys.ts')
  const usage = keys(words, file, print)
  return usage === undefined ? undefined : { usage }
}

type Options = NonNullable<ParseArgsConfig['options']>
type ValuesOf<Own extends Options> = ReturnType<typeof parseArgs<{ options: Own }>>['values']

interface Command<Own extends Options = Options> {
  /** The options that it takes. An option of the same name is of the same type in all commands. */
  readonly options: Own
  /** How many words may follow it. Default none. */
  readonly mostWords?: number
  run(values: ValuesOf<Own>, words: readonly string[]): Promise<Usage | undefined>
}

/** Lets a command see its own options only, with their types. */
const command = <Own extends Options>(one: Command<Own>) => one as unknown as Command

const TEXT = { type: 'string' } as const
const TEXTS = { type: 'string', multiple: true } as const
const FLAG = { type: 'boolean' } as const

const EXPLAIN = {
  config: TEXT,
  account: TEXT,
  client: TEXT,
  acr: TEXTS,
  essential: FLAG,
  scope: TEXTS,
  resource: TEXTS,
  ip: TEXT,
  'user-agent': TEXT,
  country: TEXT,
  'known-device': FLAG,
  remembered: FLAG,
  at: TEXT,
  'max-age': TEXT,
  prompt: TEXT,
  with: TEXTS,
  json: FLAG,
} as const

const REPLAY = { config: TEXT, client: TEXT, html: TEXT, json: FLAG } as const

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: command({ options: { config: TEXT }, run: ({ config }) => startServe(config) }),
  demo: command({ options: {}, run: startDemo }),
  explain: command({ options: EXPLAIN, run: runExplain }),
  replay: command({ options: REPLAY, mostWords: 1, run: runReplay }),
  keys: command({ options: { file: TEXT }, mostWords: Infinity, run: ({ file }, words) => runKeys(words, file) }),
}

const GLOBAL = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } } as const

const parse = (args: string[]) => {
  const options: Options = Object.assign({}, GLOBAL, ...Object.values(COMMANDS).map((one) => one.options))
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    return { usage: (error as Error).message.split('. ')[0] ?? 'unknown option' }
  }
}

const runCommand = async (name: string | undefined, values: ValuesOf<Options>, words: readonly string[]) => {
  if (name === undefined) return { usage: 'a command is missing' }
  const one = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (one === undefined) return { usage: `unknown command "${name}"` }
  const strange = Object.keys(values).find((key) => !Object.hasOwn(one.options, key))
  if (strange !== undefined) return { usage: `${name} takes no --${strange}` }
  const { mostWords = 0 } = one
  if (words.length > mostWords) return { usage: `unexpected argument "${words[mostWords]}"` }
  return one.run(values, words)
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
  error instanceof StepUpError &&
  ['ERR_CONFIG', 'ERR_STORE', 'ERR_ACCOUNT', 'ERR_POLICY', 'ERR_SEAL'].includes(error.code)

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
// What is still open in the host's own code, such as a pool of connections, would keep a command that is done from ending.
if (running === undefined) process.stdout.write('', () => process.exit())
