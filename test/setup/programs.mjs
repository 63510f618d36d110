import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

const PROGRAMS = [
  { variable: 'REDIS_SERVER', debianPackage: 'redis-server', names: ['redis-server'] },
  {
    variable: 'CHROMIUM',
    debianPackage: 'chromium',
    names: [
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

const install = (programs) => {
  const packages = programs.map(({ debianPackage }) => debianPackage)
  console.log(`Installing for the tests with apt-get: ${packages.join(', ')}`)
  // Old package lists may still do where the update fails, so only the install decides.
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', ...packages)
}

const missing = () => PROGRAMS.filter((program) => find(program) === undefined)

/**
 * Finds the programs that the tests drive, and installs missing ones where this process may: as root on a
 * Debian-like system. Returns their paths by environment variable, or one line that says how to get them.
 */
export const findPrograms = () => {
  const installable = missing().filter(({ variable }) => !process.env[variable])
  if (installable.length > 0 && canInstall()) install(installable)
  const absent = missing()
  if (absent.length === 0)
    return { paths: Object.fromEntries(PROGRAMS.map((program) => [program.variable, find(program)])) }
  const packages = absent.map(({ debianPackage }) => debianPackage).join(' ')
  const variables = absent.map(({ variable }) => variable).join(' and ')
  return {
    advice: `Not found: ${packages}. Install with "apt-get install ${packages}" or the like, or set ${variables} to the path.`,
  }
}
