import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const [specifier] = process.argv.slice(2)

/** What somebody reads who forgot a peer. */
const mistakeOf = async (load) => {
  try {
    await load(specifier)
    return ''
  } catch (error) {
    return error.message
  }
}

const messages = [await mistakeOf((name) => import(name)), await mistakeOf(async (name) => require(name))]
console.log(JSON.stringify(messages))
