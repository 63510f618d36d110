import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

// Writing coverage would take longer than the program does.
const { NODE_V8_COVERAGE: _, ...environment } = process.env

const running = new Set<() => void>()
// The last resort where a test never came to its end.
process.once('exit', () => {
  for (const kill of running) kill()
})

/** The program as node runs it: without its types where the whole suite runs, else as it is now. */
export const mainProgram = (): readonly string[] =>
  process.env.STRIPPED
    ? [`${process.env.STRIPPED}/cli/main.js`]
    : ['--import', 'ts-blank-space/register', 'src/cli/main.ts']

/** A module of the source as such a program can import it, by its path without an ending. */
export const moduleUrl = (name: string): string =>
  new URL(process.env.STRIPPED ? `../../${process.env.STRIPPED}/${name}.js` : `../../src/${name}.ts`, import.meta.url)
    .href

/** Starts `oidc-step-up` as a process of its own. */
export const launch = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const program = spawn(process.execPath, [...mainProgram(), ...args], {
    cwd: root,
    env: { ...environment, NODE_ENV: 'test', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const output = { out: '', err: '' }
  const { stdout, stderr } = program
  if (!stdout || !stderr) throw new Error('no pipes')
  stdout.on('data', (chunk) => {
    output.out += chunk
  })
  stderr.on('data', (chunk) => {
    output.err += chunk
  })
  const kill = () => void program.kill('SIGKILL')
  running.add(kill)
  const ended = once(program, 'close').then(([code, signal]) => {
    running.delete(kill)
    return [code, signal] as const
  })
  return { program, stdout, output, ended }
}

/** A process that {@link launch} has started. */
export type Launched = ReturnType<typeof launch>

/** Waits until it says `ready`. */
export const ready = async ({ program, stdout, output }: Launched) => {
  while (!/^ready /m.test(output.out)) {
    if (program.exitCode !== null || program.signalCode !== null) throw new Error(output.err)
    await Promise.race([once(stdout, 'data'), once(program, 'close')])
  }
}

/** Runs it to its end. */
export const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const { output, ended } = launch(args, env)
  const [code] = await ended
  // oidc-provider's own line about the runtime is its business.
  const err = output.err.replace(/^oidc-provider WARNING: Unsupported runtime.*\n/m, '')
  return { code, out: output.out, err }
}
