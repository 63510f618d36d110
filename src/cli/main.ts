#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { StepUpError } from '../errors.ts'

const HELP = `oidc-step-up: multi-factor and step-up authentication for OpenID providers

Usage:
  oidc-step-up serve --config FILE   serve a provider; FILE is an ES module: export default defineConfig({ … })
  oidc-step-up demo                  serve a provider and Bank, an app to click through

Options:
  --config FILE   the configuration to serve
  -h, --help      show this
  -v, --version   show the version

Environment of demo:
  PORT        the provider's port (3000)
  BANK_PORT   Bank's port (3001)
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

const loadConfig = async (file: string) => {
  const url = pathToFileURL(resolve(file)).href
  const module = await import(url).catch((cause: Error) => {
    throw cause instanceof StepUpError
      ? cause
      : new StepUpError('ERR_CONFIG', `${file}: ${cause.message.split('\n', 1)[0]}`, { cause })
  })
  if (module.default !== undefined) return module.default
  throw new StepUpError('ERR_CONFIG', `${file}: found no default export; allowed: export default defineConfig({ … })`)
}

// Loaded when asked for, so that help and mistakes answer at once.
const startServe = async (file: string) => {
  const { serve } = await import('./serve.ts')
  const { issuer, url } = await serve(await loadConfig(file))
  print(`ready ${issuer}${url === issuer ? '' : `, listening at ${url}`}`)
}

const startDemo = async () => {
  const { demo } = await import('./demo.ts')
  await demo({ port: portFrom('PORT', 3000), bankPort: portFrom('BANK_PORT', 3001), print })
}

const parse = (args: string[]) => {
  const options = {
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  } as const
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    return { usage: (error as Error).message.split('. ')[0] ?? 'unknown option' }
  }
}

const run = async (args: string[]): Promise<Usage | undefined> => {
  const parsed = parse(args)
  if ('usage' in parsed) return parsed
  const { values, positionals } = parsed
  const [command, ...rest] = positionals
  if (values.help) process.stdout.write(HELP)
  else if (values.version) print(version())
  else if (rest.length > 0) return { usage: `unexpected argument "${rest[0]}"` }
  else if (command === 'demo' && values.config !== undefined) return { usage: 'demo takes no --config' }
  else if (command === 'demo') await startDemo()
  else if (command === 'serve' && !values.config) return { usage: 'serve needs --config FILE' }
  else if (command === 'serve') await startServe(values.config ?? '')
  else return { usage: command === undefined ? 'a command is missing' : `unknown command "${command}"` }
  return undefined
}

// Connections end with the process, so nothing is waited for, and a second signal finds nothing to do.
const stop = () => process.exit(0)
process.on('SIGINT', stop).on('SIGTERM', stop)

try {
  const mistake = await run(process.argv.slice(2))
  if (mistake) {
    process.stderr.write(`oidc-step-up: ${mistake.usage}; see oidc-step-up --help\n`)
    process.exitCode = 2
  }
} catch (error) {
  const expected = error instanceof StepUpError && error.code === 'ERR_CONFIG'
  process.stderr.write(`oidc-step-up: ${expected ? error.message : ((error as Error).stack ?? error)}\n`)
  process.exitCode = 1
}
