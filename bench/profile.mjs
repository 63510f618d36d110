import { readOptions } from './options.mjs'
import { generateSigningKey, VARIANTS } from './plan.mjs'
import { analyze, greatest } from './profile-analysis.mjs'
import { openWindow } from './window.mjs'

// npm run build && node bench/profile.mjs --flow login
// Where the difference between bare and ours goes, in memory, function by function.
const { flow, flows, top } = readOptions({ flow: 'login', flows: 1000, top: 25 })
const jwk = generateSigningKey()

const profiled = async (variant) => {
  const window = await openWindow({ settings: { variant, jwk }, flow, warmUp: 1200, flows })
  try {
    await window.server.profile()
    const before = await window.server.usage()
    await window.run(0, flows)
    const after = await window.server.usage()
    const profile = await window.server.profiled()
    const perFlow = (after.cpuMicroseconds - before.cpuMicroseconds) / flows
    return { perFlow, ...analyze(profile, flows, perFlow) }
  } finally {
    await window.close()
  }
}

const print = (heading, rows) => {
  console.log(`\n${heading}`)
  for (const [label, time] of rows) console.log(`${time.toFixed(0).padStart(7)}  ${label}`)
}

const bare = await profiled(VARIANTS.bareMemory)
const ours = await profiled(VARIANTS.oursMemory)
console.log(`${flow}: bare ${bare.perFlow.toFixed(0)}, ours ${ours.perFlow.toFixed(0)} µs of CPU a flow`)
console.log('(with the profiler on, which costs some itself)')
print('ours minus bare, by whose code it is', greatest(ours.byOwner, top, bare.byOwner))
print('inside oidc-step-up, with what it calls', greatest(ours.inclusive, top))
print('ours minus bare, by function', greatest(ours.byFunction, top, bare.byFunction))
