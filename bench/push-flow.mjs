import assert from 'node:assert/strict'
import { formOn } from './browser.mjs'
import { createDevice } from './device.mjs'
import { CLIENTS, MULTI_FACTOR } from './registration.mjs'

const NUMBER = /class="number">(\d+)</
const ATTRIBUTES = ['events', 'state']

/** The number on a page that waits, and where its script asks. */
const waitingOn = ({ status, body }) => {
  assert.equal(status, 200, body)
  const number = NUMBER.exec(body)?.[1]
  assert(number, `a page without a number: ${body.slice(0, 200)}`)
  const attributes = ATTRIBUTES.map((name) => [name, new RegExp(` data-${name}="([^"]+)"`).exec(body)?.[1]])
  return { number, ...Object.fromEntries(attributes) }
}

/**
 * A sign-in whose second step is a number typed on a device.
 *
 * @param {{ world: { issuer: string, agent: import('node:http').Agent }, signIn: Function, redeem: Function }} parts
 */
export const createPushFlow = ({ world, signIn, redeem }) => {
  const ask = async () => {
    const asked = await signIn(CLIENTS.guarded)
    return { ...asked, ...waitingOn(asked.page), device: createDevice(asked.sub, world) }
  }
  const goOn = async ({ sub, browser, request, page, state }) => {
    const { answered } = JSON.parse((await browser.go(state)).body)
    assert.equal(answered, true, 'the page knows of no answer')
    const { action, hidden } = formOn(page.body)
    const answer = await browser.go(new URL(action, page.url), hidden)
    await redeem(request, answer, { sub, acr: MULTI_FACTOR, amr: ['pwd', 'mca', 'pop', 'swk', 'mfa'] })
  }
  return Object.freeze({
    /** Up to the page that waits for the device. */
    ask,
    /** What the page's script does once it hears that the device has answered, and the token. */
    goOn,
    async run() {
      const asked = await ask()
      const { device, number } = asked
      await device.send(device.approval(await device.pending(), number))
      await goOn(asked)
    },
  })
}
