const IDLE = new Set(['(idle)', '(root)'])

/** Whose code a file is: a package's, this project's, or Node's own. */
const ownerOf = (url) => {
  if (url === '' || url.startsWith('node:')) return undefined
  const inside = /.*\/node_modules\/(@[^/]+\/[^/]+|[^/]+)\/(.*)$/.exec(url)
  if (inside !== null) return { owner: inside[1], file: inside[2] }
  const own = /.*\/(dist|bench)\/(.*)$/.exec(url)
  return own === null ? undefined : { owner: own[1] === 'dist' ? 'oidc-step-up' : 'bench', file: own[2] }
}

const frameOf = ({ id, callFrame, children = [] }) => {
  const { functionName, url, lineNumber } = callFrame
  const owned = ownerOf(url)
  const name = functionName || '(anonymous)'
  return { id, children, name, ...owned, label: owned ? `${name} ${owned.file}:${lineNumber + 1}` : name }
}

/** The path from the root to each node. */
const pathsOf = (frames) => {
  const paths = new Map()
  const visit = (frame, above) => {
    const path = [...above, frame]
    paths.set(frame.id, path)
    for (const child of frame.children) visit(frames.get(child), path)
  }
  visit(frames.values().next().value, [])
  return paths
}

const add = (table, key, value) => table.set(key, (table.get(key) ?? 0) + value)

/**
 * Where the time of one flow went, in microseconds.
 *
 * `byOwner` and `byFunction` charge work inside Node, such as a signature or a socket write, to the nearest caller
 * that is somebody's code. `inclusive` counts a function with all that it calls before its first `await` and between
 * two of them. A sampled profile tells wall time, so all is scaled to the CPU time that the system accounted.
 *
 * @param {object} profile - As V8's profiler gives it
 * @param {number} flows
 * @param {number} cpuMicroseconds - Of one flow
 */
export const analyze = (profile, flows, cpuMicroseconds) => {
  const frames = new Map(profile.nodes.map((node) => [node.id, frameOf(node)]))
  const paths = pathsOf(frames)
  const tables = { byOwner: new Map(), byFunction: new Map(), inclusive: new Map() }
  let total = 0
  profile.samples.forEach((id, index) => {
    const path = paths.get(id)
    const top = path.at(-1)
    if (IDLE.has(top.name)) return
    const time = profile.timeDeltas[index]
    total += time
    const charged = path.findLast(({ owner }) => owner !== undefined)
    add(tables.byOwner, charged?.owner ?? (top.name === '(garbage collector)' ? top.name : 'node'), time)
    add(tables.byFunction, charged ? `${charged.owner}: ${charged.label}` : `node: ${top.name}`, time)
    const own = new Set(path.filter(({ owner }) => owner === 'oidc-step-up').map(({ label }) => label))
    for (const label of own) add(tables.inclusive, label, time)
    if (own.size > 0) add(tables.inclusive, 'all of oidc-step-up and what it calls', time)
  })
  const scale = (cpuMicroseconds * flows) / total
  const perFlow = (table) => new Map([...table].map(([key, time]) => [key, (time * scale) / flows]))
  return {
    byOwner: perFlow(tables.byOwner),
    byFunction: perFlow(tables.byFunction),
    inclusive: perFlow(tables.inclusive),
  }
}

/** The greatest entries, or with a second table the greatest differences. */
export const greatest = (table, count, other = new Map()) =>
  [...new Set([...table.keys(), ...other.keys()])]
    .map((key) => [key, (table.get(key) ?? 0) - (other.get(key) ?? 0)])
    .sort(([, one], [, two]) => two - one)
    .slice(0, count)
