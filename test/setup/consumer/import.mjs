import Provider from 'oidc-provider'
import { stepUp } from 'oidc-step-up'
import { recoveryCodes } from 'oidc-step-up/factors/recovery-codes'
import { totp } from 'oidc-step-up/factors/totp'
import { journey } from './journey.mjs'

const modules = {}
for (const specifier of process.argv.slice(2)) modules[specifier] = Object.keys(await import(specifier)).sort()
const result = { modules, journey: await journey({ Provider, stepUp, totp, recoveryCodes }) }
console.log(JSON.stringify(result))
