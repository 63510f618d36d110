import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

const PROGRAMS = [
  { variable: 'REDIS_SERVER', debianPackages: ['redis-server'], names: ['redis-server'] },
  {
    variable: 'CHROMIUM',
    // Older releases of Debian have no package of the first, which does the same work in two thirds of the time.
    debianPackages: ['chromium-headless-shell', 'chromium'],
    names: [
      'chromium-headless-shell',
      'chromium',
      'chromium-browser',
      'google-chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
  },
]

const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const find = ({ variable, names }) => {
  const chosen = process.env[variable]
  if (chosen) return isExecutable(chosen) ? chosen : undefined
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)
  return names
    .flatMap((name) => (path.isAbsolute(name) ? [name] : folders.map((folder) => path.join(folder, name))))
    .find(isExecutable)
}

const canInstall = () => process.getuid?.() === 0 && find({ names: ['apt-get'] }) !== undefined

const aptGet = (...args) => {
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
  const { status, stderr } = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  if (status !== 0) process.stderr.write(stderr ?? '')
  return status === 0
}

const missing = () => PROGRAMS.filter((program) => find(program) === undefined)

const install = (packages) => {
  console.log(`Installing for the tests with apt-get: ${packages.join(', ')}`)
  aptGet('install', '-y', '--no-install-recommends', ...packages)
}

/** Installs what is missing: of each the first package, and where that brought nothing, the next. */
const installMissing = () => {
  const wanted = () => missing().filter(({ variable }) => !process.env[variable])
  // Old package lists may still do where the update fails, so only the install decides.
  if (wanted().length > 0) aptGet('update')
  const choices = Math.max(...PROGRAMS.map(({ debianPackages }) => debianPackages.length))
  for (let choice = 0; choice < choices; choice += 1) {
    const packages = wanted().flatMap(({ debianPackages }) => debianPackages[choice] ?? debianPackages.at(-1))
    if (packages.length > 0) install(packages)
  }
}

/**
 * Finds the programs that the tests drive, and installs missing ones where this process may: as root on a
 * Debian-like system. Returns their paths by environment variable, or one line that says how to get them.
 */
export const findPrograms = () => {
  if (canInstall()) installMissing()
  const absent = missing()
  if (absent.length === 0)
    return { paths: Object.fromEntries(PROGRAMS.map((program) => [program.variable, find(program)])) }
  const packages = absent.map(({ debianPackages }) => debianPackages.at(-1)).join(' ')
  const variables = absent.map(({ variable }) => variable).join(' and ')
  return {
    advice: `Not found: ${packages}. Install with "apt-get install ${packages}" or the like, or set ${variables} to the path.`,
  }
}
