import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StepUpError } from '../errors.ts'
import type { ServeConfig } from './config.ts'

/** The line that cannot be read: Node says it of CommonJS at once, of an ES module only where it checks the file alone. */
const lineIn = (path: string, { stack = '' }: Error) => {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: 10_000 })
  const said = [stack, stderr].map((text) => text.split('\n', 1)[0]?.replace(pathToFileURL(path).href, path) ?? '')
  return said
    .map((line) => (line.startsWith(path) ? /^:\d+$/.exec(line.slice(path.length))?.[0] : undefined))
    .find(Boolean)
}

const unreadable = (file: string, cause: Error) => {
  const why = cause.message.split('\n', 1)[0] ?? ''
  const fault = (text: string) => new StepUpError('ERR_CONFIG', `${file}${text}`, { cause })
  if (!(cause instanceof SyntaxError)) return fault(`: ${why}`)
  if (file.endsWith('.js') && /outside a module|'export'/.test(why))
    return fault(
      `: found an ES module, which the nearest package.json says it is not; allowed: name it ${basename(file, '.js')}.mjs`,
    )
  return fault(`${lineIn(realpathSync(file), cause) ?? ''}: ${why}`)
}

/**
 * What a configuration file exports by default; serve judges it.
 *
 * @throws StepUpError ERR_CONFIG with the file, where Node tells it the line, and what is wrong
 */
export const loadConfig = async (file: string): Promise<ServeConfig> => {
  const url = pathToFileURL(resolve(file)).href
  const module = await import(url).catch((cause: Error): never => {
    throw cause instanceof StepUpError ? cause : unreadable(file, cause)
  })
  if (module.default !== undefined) return module.default
  throw new StepUpError('ERR_CONFIG', `${file}: found no default export; allowed: export default defineConfig({ … })`)
}
