import { register } from 'node:module'
import { source } from './source.mjs'

if (!process.env.STRIPPED) await import('ts-blank-space/register')
register('./resolve-source.mjs', import.meta.url)

// The test moves the time of the examples it has started, and they end with it.
const { virtualClock } = await import(source('testing/virtual-clock'))
const clock = virtualClock()
process.on('message', (seconds) => {
  clock.advance(seconds)
  process.send('advanced')
})
process.once('disconnect', () => process.exit())

for (const argument of process.argv.slice(2)) {
  const [file, port] = argument.split('=')
  process.env.PORT = port
  await import(new URL(`../../${file}`, import.meta.url))
}
