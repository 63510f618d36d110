import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdapterFactory } from 'oidc-provider'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Browser, Page } from '../support/browser.ts'
import { type Host, startHost } from '../support/host.ts'
import { ADD_KEY, answerTo, keyFor, USE_KEY, useKey } from '../support/keyring.ts'
import { enterWith, passkeyDoor, passkeyFor } from '../support/passkey-door.ts'
import { createJourney, isAnswer, type Signed, signIn } from '../support/relying-party.ts'
import type { SoftAuthenticator } from '../support/soft-authenticator.ts'
import { until } from '../support/until.ts'
import { ABOUT_KEY, essential, isRefused, useDoors } from './doors.ts'
import { codesOn, SAVE } from './recovered.ts'

const removeKey = async ({ mfa }: Host) => {
  const [own] = (await mfa.accounts.list('bob')).authenticators
  await mfa.accounts.remove('bob', own?.id ?? '')
}

/** Factors of the account with their status. */
const inventory = async ({ mfa }: Host) =>
  (await mfa.accounts.list('bob')).authenticators.map(({ factor, status }) => `${factor} ${status}`)

/** Answers the login page, and stops before the way back to the request. */
const stopAtResume = async (browser: Browser, page: Page, soft: SoftAuthenticator): Promise<string> => {
  const stopped = await browser.send(page.action, { form: { passkey: passkeyFor(page, soft) }, follow: false })
  assert.equal(stopped.status, 303)
  return stopped.headers.get('location') ?? ''
}

const hasCode = (page: Page) => isAnswer(page) && page.url.searchParams.has('code')

/** What the tokens say of how somebody signed in; nothing where there are none. */
const amrOf = async (page: Page, redeem: (url: URL) => Promise<Signed>) =>
  hasCode(page) ? [(await redeem(page.url)).amr] : []

/** The provider's own records, some milliseconds away, as any database is. */
const slowAdapter: AdapterFactory = (name) => {
  const rows = memoryAdapter(() => Math.floor(Date.now() / 1000))(name)
  return {
    ...rows,
    destroy: async (id) => {
      await sleep(20)
      return rows.destroy(id)
    },
  }
}

const openSlow = () => {
  const { options } = passkeyDoor()
  return startHost({ ...options, configuration: { ...options.configuration, adapter: slowAdapter } })
}

describe('security: a sign-in with a passkey that is held back', () => {
  const doors = useDoors()
  const { openDoor, withKey, atDoor, silently } = doors

  /** Shows the passkey, and holds back what comes after it. */
  const heldBack = async (host: Host) => {
    const person = await withKey(host)
    const { page, redeem } = await atDoor(person)
    return { person, redeem, resume: await stopAtResume(person.browser, page, person.soft) }
  }

  it('AC-49: is void where the account’s stamp changed after the passkey was shown', async () => {
    const { host } = await openDoor()
    const { person, resume } = await heldBack(host)
    host.accounts.set('bob', { id: 'bob', label: 'bob', securityStamp: 'changed' })
    assert.equal(hasCode(await person.browser.get(resume)), false)
    assert.equal(await silently(person), 'login_required')
  })

  for (const wait of [601, 3599])
    it(`AC-44: is no password ${wait} s later`, async () => {
      const { host } = await openDoor()
      const { person, redeem, resume } = await heldBack(host)
      doors.clock.advance(wait)
      const amrs = await amrOf(await person.browser.get(resume), redeem)
      assert.ok(!amrs.flat().includes('pwd'), String(amrs))
    })

  it('AC-49: does not outlive its key, however late it went on', async () => {
    const { host } = await openDoor()
    const { person, resume } = await heldBack(host)
    doors.clock.advance(601)
    await person.browser.get(resume)
    await removeKey(host)
    assert.equal(await silently(person), 'login_required')
  })

  it('AC-44, AC-49: is no password, and does not outlive its key, where it goes on many times at once', async () => {
    const host = await openSlow()
    try {
      const { person, redeem, resume } = await heldBack(host)
      const browsers = Array.from({ length: 4 }, () => person.browser.clone())
      const ends = await Promise.all(browsers.map((browser) => browser.get(resume)))
      for (const end of ends) for (const amr of await amrOf(end, redeem)) assert.deepEqual(amr, ABOUT_KEY)
      await removeKey(host)
      for (const browser of browsers) assert.equal(await silently({ ...person, browser }), 'login_required')
    } finally {
      await host.close()
    }
  })
})

describe('security: what a key is worth', () => {
  const doors = useDoors()
  const { openDoor, withKey, atDoor } = doors

  it('AC-64: one that verified nobody when it was set up signs nobody in alone, whoever has given it a PIN since', async () => {
    const { host } = await openDoor()
    const person = await withKey(host, 'bob', { uv: false })
    const { page } = await atDoor(person)
    isRefused(await enterWith(person.browser, page, person.soft, { uv: true }))
  })

  it('AC-65: one that may have been copied allows nothing more, not even what its copy has been allowed', async () => {
    const { host } = await openDoor({
      stepUp: { factors: [webauthn({ relyingPartyName: 'Test' }), recoveryCodes()] },
    })
    const soft = keyFor(host)
    const { browser, go, rp } = await createJourney(host)
    const { page: add } = await go(essential(MULTI_FACTOR))
    assert.equal(add.heading, ADD_KEY)
    await useKey(browser, add, soft)
    browser.clear()
    // The codes were offered, and nobody answered: they are offered again a month later.
    doors.clock.advance(31 * 86_400)
    const { page: asked } = await go(essential(MULTI_FACTOR))
    const save = await useKey(browser, asked, soft)
    assert.equal(save.heading, SAVE)

    const owner = host.browser()
    const { url } = await rp.request(essential(MULTI_FACTOR))
    await useKey(owner, await signIn(owner, await owner.get(url), 'bob'), soft, { counter: 1 })
    assert.deepEqual(await inventory(host), ['webauthn suspect'])
    await browser.post(save, { kept: 'yes' })
    assert.deepEqual(await inventory(host), ['webauthn suspect'], `${codesOn(save).length} codes for its copy`)
  })

  it('AC-65: one whose answer merely came twice has not been copied', async () => {
    const store = memoryStore()
    let gate: Promise<void> | undefined
    let isHeld = false
    const load: typeof store.load = async (id) => {
      const mine = gate
      gate = undefined
      isHeld = mine !== undefined || isHeld
      await mine
      return store.load(id)
    }
    const { host } = await openDoor({ stepUp: { store, accounts: { ...store, load } } })
    const { browser, go, soft } = await withKey(host)
    const { page } = await go(essential(MULTI_FACTOR))
    assert.equal(page.heading, USE_KEY)
    const form = { csrf: page.csrf, response: answerTo(page, soft) }
    let open = () => {}
    gate = new Promise((resolve) => {
      open = resolve
    })
    // The second one reads the open question before the first is taken, and the account after it is written.
    const second = browser.clone().send(page.action, { form, follow: false })
    await until('the second one to be held', () => isHeld)
    const first = await browser.send(page.action, { form, follow: false })
    assert.equal(first.status, 303)
    open()
    await second
    assert.deepEqual(await inventory(host), ['webauthn active'])
  })
})
