const assert = require('node:assert/strict')
const { default: Provider } = require('oidc-provider')
const { stepUp } = require('oidc-step-up')
const { recoveryCodes } = require('oidc-step-up/factors/recovery-codes')
const { totp } = require('oidc-step-up/factors/totp')
const { journey } = require('./journey.mjs')

const run = async () => {
  const modules = {}
  for (const specifier of process.argv.slice(2)) {
    const required = require(specifier)
    const imported = await import(specifier)
    modules[specifier] = Object.keys(required).sort()
    for (const name of modules[specifier]) assert.equal(required[name], imported[name], `${specifier}: ${name}`)
  }
  return { modules, journey: await journey({ Provider, stepUp, totp, recoveryCodes }) }
}

void run().then((result) => console.log(JSON.stringify(result)))
