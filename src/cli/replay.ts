import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { readOptions, type StepUpOptions } from '../config.ts'
import { StepUpError } from '../errors.ts'
import { type ReplayedPolicy, replayedPolicyOf } from '../replay/policy.ts'
import { createReplay } from '../replay/replay.ts'
import type { Summary } from '../replay/summary.ts'
import { loadConfig } from './config-file.ts'
import { summaryPage } from './replay-page.ts'
import { createProgress, type ProgressScreen } from './replay-progress.ts'
import { feed, openRecording } from './replay-source.ts'
import { summaryText } from './replay-text.ts'

/** The options of `replay`. */
export interface ReplayValues {
  /** The new configuration: of `serve`, or what a host passes to `stepUp()`. */
  readonly config?: string | undefined
  /** Prints the summary as JSON. */
  readonly json?: boolean | undefined
  /** Writes a page with the summary there as well. */
  readonly html?: string | undefined
  /** Only the decisions of this client. */
  readonly client?: string | undefined
}

/** What of a configuration decisions depend on. */
const DECISIVE = [
  'factors',
  'levels',
  'acrValues',
  'maxAge',
  'policy',
  'risk',
  'enrollment',
  'rememberBrowser',
  'flowSeconds',
  'login',
] as const satisfies readonly (keyof StepUpOptions)[]

/** Nothing is sealed by it. */
const NO_KEY = Buffer.alloc(32).toString('base64url')

/**
 * The policy of a configuration, of whose accounts and keys nothing is used.
 *
 * @throws StepUpError `ERR_CONFIG`.
 */
const policyOfConfig = (config: object): ReplayedPolicy => {
  const decisive = Object.fromEntries(
    DECISIVE.flatMap((name) => {
      const value: unknown = Reflect.get(config, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const options = { ...decisive, account: () => undefined, sealingKeys: [NO_KEY] }
  return replayedPolicyOf(readOptions(options as unknown as StepUpOptions))
}

const refuse = (message: string): never => {
  throw new StepUpError('ERR_CONFIG', message)
}

const unreadable = (file: string, { code, message }: NodeJS.ErrnoException) =>
  refuse(`${file}: ${code === 'ENOENT' ? 'found no such file' : message}`)

/**
 * Replays a whole recording.
 *
 * @throws StepUpError `ERR_CONFIG` where the file cannot be read.
 */
export const replayFile = async (
  file: string,
  policy: ReplayedPolicy,
  { client, screen = {} as ProgressScreen }: { client?: string | undefined; screen?: ProgressScreen | undefined } = {},
): Promise<Summary> => {
  const replay = createReplay(policy, { client })
  try {
    const source = openRecording(file)
    const position = () => ({ done: source.position(), size: source.size, lines: replay.lines })
    const progress = createProgress(screen, position)
    await feed(source, replay, progress.tell).finally(progress.end)
  } catch (fault) {
    unreadable(file, fault as NodeJS.ErrnoException)
  }
  return replay.summary()
}

const writePage = (path: string, page: string) => {
  try {
    writeFileSync(path, page)
  } catch (fault) {
    refuse(`${path}: cannot be written: ${(fault as Error).message}`)
  }
}

const hasColors = () => process.stdout.isTTY === true && !process.env.NO_COLOR

/**
 * `oidc-step-up replay FILE --config FILE [--json] [--html FILE] [--client ID]`: decides all that was recorded again, by
 * another configuration, and tells what would have been different.
 *
 * @returns what is wrong with the command line; undefined where nothing is.
 * @throws StepUpError `ERR_CONFIG` where a file cannot be read or written, or the configuration is none.
 */
export const replayCommand = async (
  { config, json = false, html, client }: ReplayValues,
  words: readonly string[],
  print: (line: string) => void,
): Promise<string | undefined> => {
  const [file] = words
  if (file === undefined) return 'replay needs a file with recorded decisions, or - for standard input'
  if (!config) return 'replay needs --config FILE'
  const policy = policyOfConfig(await loadConfig(config))
  // Before a long reading, not after it.
  if (html) writePage(html, '')
  const summary = await replayFile(file, policy, { client, screen: process.stderr })
  const names = { recording: file === '-' ? 'standard input' : basename(file), config: basename(config) }
  if (html) writePage(html, summaryPage(summary, names))
  if (json) print(JSON.stringify(summary))
  else for (const line of summaryText(summary, hasColors())) print(line)
  return undefined
}
