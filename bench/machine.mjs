import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version

/** CPU time that the hypervisor gave to others, since the machine's start, in hundredths of a second; 0 where unknown. */
const stolen = () => {
  try {
    return Number(readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/)[8] ?? 0)
  } catch {
    return 0
  }
}

/**
 * What the numbers were taken on, and how quiet it was there.
 *
 * @param {{ redis?: string }} more - The version of Redis
 */
export const watchMachine = ({ redis } = {}) => {
  const before = { startedAt: performance.now(), stolen: stolen(), load: loadavg()[0] }
  return () => {
    const seconds = (performance.now() - before.startedAt) / 1000
    const cores = availableParallelism()
    return {
      cpu: cpus()[0].model,
      cores,
      node: process.version,
      oidcProvider: versionOf('oidc-provider'),
      ...(redis === undefined ? {} : { redis }),
      load: { before: before.load, after: loadavg()[0] },
      stolenShare: (stolen() - before.stolen) / 100 / (seconds * cores),
      minutes: seconds / 60,
    }
  }
}
