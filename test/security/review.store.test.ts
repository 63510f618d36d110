import assert from 'node:assert/strict'
import { totp } from '../../src/factors/totp.ts'
import type { AnyFactor } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store, StoreKey } from '../../src/store/store.ts'
import type { Page } from '../support/browser.ts'
import { codeAt, type Host } from '../support/host.ts'
import { createJourney, errorOf, secretOn } from '../support/relying-party.ts'
import { CHALLENGE, inventory, listening, recover, recoverable, SAVE, withCodes } from './recovered.ts'
import { FLOOR, isLifted, later, markOf, onlyMark, remembered } from './remembered.ts'
import { challenged, type Journey, passed, postOnly, TWO_KINDS, uidOf, useBench } from './support.ts'

type Fault = (method: keyof Store, key: StoreKey) => boolean

/** A store that fails where it is told to. */
const faultyStore = () => {
  const state: { fails: Fault } = { fails: () => false }
  const inner = memoryStore()
  const guarded =
    <Args extends unknown[], Result>(
      name: keyof Store,
      keyOf: (...args: Args) => StoreKey,
      method: (...args: Args) => Promise<Result>,
    ) =>
    async (...args: Args) => {
      if (state.fails(name, keyOf(...args))) throw new Error('no answer')
      return method(...args)
    }
  const store: typeof inner = {
    ...inner,
    get: guarded('get', (key) => key, inner.get),
    put: guarded('put', (key) => key, inner.put),
    take: guarded('take', (key) => key, inner.take),
    delete: guarded('delete', (key) => key, inner.delete),
    list: guarded('list', (accountId, kind) => ({ accountId, kind, id: '' }), inner.list),
  }
  const heal = () => {
    state.fails = () => false
  }
  /** Fails the first time that this is done. */
  const failOnce = (fails: Fault) => {
    state.fails = (method, key) => {
      if (!fails(method, key)) return false
      heal()
      return true
    }
  }
  return { state, store, heal, failOnce }
}

const silent = async ({ rp, browser }: Journey) => {
  const { url } = await rp.request({ prompt: 'none' })
  const page = await browser.get(url)
  return errorOf(page) ?? passed(page)
}

const UNAVAILABLE = 'We cannot check it is you just now'

/** What a request comes to: the heading of a page, what the app is told, or true where it got a code. */
const outcome = (page: Page) => (passed(page) ? true : (errorOf(page) ?? page.heading))

describe('security: a remembered browser, while the store fails', () => {
  let faults: ReturnType<typeof faultyStore>
  const bench = useBench(
    () => {
      faults = faultyStore()
      return { stepUp: { ...FLOOR.stepUp, store: faults.store } }
    },
    { faulty: true },
  )

  /** The thief has used a copy of the cookie; the owner comes back with the value of before. */
  const stolen = async () => {
    const known = await remembered(bench)
    bench.clock.advance(3600)
    const before = await faults.store.list('bob', 'ledger')
    const thief = await later(bench.host, known)
    assert.ok(await isLifted(thief))
    const [relying = ''] = (await faults.store.list('bob', 'ledger')).filter((uid) => !before.includes(uid))
    bench.clock.advance(3600)
    return { known, thief, relying }
  }

  const again = async (journey: Journey) => (await later(bench.host, journey)).go()
  const owners = {
    'the owner in the same browser': (_known: Journey, _thief: Journey, owner: Journey) => owner.go(),
    'the owner in a new session': (known: Journey) => again(known),
  }
  const anybody = { ...owners, 'the thief in a new session': (_known: Journey, thief: Journey) => again(thief) }
  const mark: Fault = (method, key) => method === 'put' && key.kind === 'browser'
  const sessions: Fault = (method, key) => method === 'list' && key.kind === 'ledger'
  const end: Fault = (method, key) => method === 'delete' && key.kind === 'browser'
  const moments = [
    // Without the mark nothing was found yet: the newest value is as good as before.
    ['the mark of the revocation', () => mark, owners],
    ['the list of sessions', () => sessions, anybody],
    [
      "the note in the thief's session",
      (uid: string): Fault =>
        (method, key) =>
          method === 'put' && key.id === uid,
      anybody,
    ],
    ['the end of the record', () => end, anybody],
  ] as const
  for (const [moment, faultAt, comers] of moments)
    for (const [comer, come] of Object.entries(comers))
      it(`AC-70d, AC-96: a reuse whose revocation fails at ${moment} is finished by ${comer}`, async () => {
        const { named } = listening(bench.host.mfa)
        const { known, thief, relying } = await stolen()
        const owner = await later(bench.host, known)
        faults.failOnce(faultAt(relying))
        assert.equal(outcome((await owner.go()).page), UNAVAILABLE)
        faults.heal()
        assert.equal(outcome((await come(known, thief, owner)).page), CHALLENGE)
        assert.equal(await silent(thief), 'interaction_required')
        assert.equal(await isLifted(await later(bench.host, thief)), false)
        assert.equal(named('browser.reused').length, 1)
        assert.deepEqual((await bench.host.mfa.accounts.list('bob')).browsers, [])
      })

  it('AC-70d, AC-96: a browser that is half revoked lifts nothing in the session that relied on it', async () => {
    const { known, thief } = await stolen()
    const owner = await later(bench.host, known)
    faults.failOnce(sessions)
    assert.equal(outcome((await owner.go()).page), UNAVAILABLE)
    assert.equal(await silent(thief), 'interaction_required')
  })

  for (const [what, kind] of [
    ['use', 'browser'],
    ['note', 'ledger'],
  ] as const)
    it(`AC-70d, AC-96: a lift whose ${what} could not be written lifts nothing`, async () => {
      const known = await remembered(bench)
      bench.clock.advance(3600)
      const before = new Set(await faults.store.list('bob', 'ledger'))
      const thief = await later(bench.host, known)
      const { named } = listening(bench.host.mfa)
      let writes = 0
      // The first write of the session's ledger is its login.
      faults.state.fails = (method, key) =>
        method === 'put' && key.kind === kind && !before.has(key.id) && (kind === 'browser' || ++writes > 1)
      assert.equal(outcome((await thief.go()).page), UNAVAILABLE)
      faults.heal()
      const marks = markOf(thief.browser)
      const bare = thief.browser.cookies().filter((cookie) => !marks.includes(cookie))
      thief.browser.clear()
      thief.browser.load(bare)
      assert.equal(await silent(thief), 'interaction_required', 'no note, and without the cookie no lift')
      const uses = named('browser.recognized').length
      thief.browser.load(marks)
      assert.equal(await silent(thief), true)
      assert.equal(named('browser.recognized').length, uses + 1, 'with it, a use of its own')
      assert.notEqual(onlyMark(thief.browser).value, onlyMark(known.browser).value)
      bench.clock.advance(3600)
      const owner = await later(bench.host, known)
      assert.equal((await owner.go()).page.heading, CHALLENGE, 'which the owner finds out')
      assert.equal(named('browser.reused').length, 1)
      assert.deepEqual([await silent(thief), await silent(owner)], ['interaction_required', 'interaction_required'])
    })
})

describe('security: whoever can write the rows of oidc-provider', () => {
  const bench = useBench(() => withCodes({ enrollment: 'ticket' }))

  const rowOf = async ({ provider }: Host, page: Page) => {
    const row = await provider.Interaction.find(uidOf(page))
    assert.ok(row !== undefined)
    return row
  }
  const details = { outcome: 'enroll', factors: ['totp'], declinable: true, offered: true, offer: true }
  /** Rewrites what somebody's open interaction says of itself, and tries to enroll by it. */
  const forge = async (
    { browser }: Journey,
    page: Page,
    change: { readonly session: object; readonly cid?: string },
  ) => {
    const row = await rowOf(bench.host, page)
    Object.assign(row, { ...change, prompt: { ...row.prompt, details } })
    await row.persist()
    const shown = await browser.get(page.url)
    if (/secret=/.test(shown.text)) await postOnly(browser, shown, { code: codeAt(secretOn(shown)) })
    return shown
  }
  const asCarol = async (change: { readonly session: object; readonly cid?: string }) => {
    const mallory = await createJourney(bench.host, 'carol')
    return forge(mallory, (await mallory.go(TWO_KINDS)).page, change)
  }
  const NOBODY = { accountId: 'bob' }

  /** Bob, with his ticket's set-up page open: its id is a key's name in the store. */
  const withTicket = async () => {
    const { url } = await bench.host.mfa.accounts.issueTicket('bob')
    const browser = bench.host.browser()
    const page = await browser.post(await browser.get('/mfa/setup'), { ticket: new URL(url).hash.slice(1) })
    const [setup = ''] = await bench.host.store.list('bob', 'setup')
    const finish = () => browser.post(page, { code: codeAt(secretOn(page)) })
    return { setup, finish }
  }
  /** Bob, with a recovery code used and the offer of a new app open. */
  const withCode = async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await recover(bob, code)
    const { session, cid } = await rowOf(bench.host, page)
    return { session: { ...session }, cid, finish: () => bob.enroll(page) }
  }
  const RECOVERED = ['recovery-codes:9', 'totp']

  it('AC-15, AC-76: gets to nothing that a ticket lets in', async () => {
    const { setup, finish } = await withTicket()
    for (const session of [NOBODY, { ...NOBODY, uid: setup }, { ...NOBODY, uid: 'unknown' }]) {
      const { status, heading } = await asCarol({ session, cid: setup })
      assert.deepEqual([status, heading], [400, 'This page has expired'])
    }
    const bob = await createJourney(bench.host)
    const { page } = await bob.go(TWO_KINDS)
    const { session } = await rowOf(bench.host, page)
    const own = await forge(bob, page, { session: { ...session }, cid: setup })
    assert.doesNotMatch(own.text, /secret=/, 'nor with the password')
    assert.deepEqual(await inventory(bench.host), [])
    assert.equal((await finish()).heading, SAVE)
  })

  it('AC-30, AC-76: gets to nothing that a recovery code lets in, without its session', async () => {
    const { cid, finish } = await withCode()
    for (const session of [NOBODY, { ...NOBODY, uid: cid }]) {
      const { status, heading } = await asCarol({ session, cid })
      assert.deepEqual([status, heading], [400, 'This page has expired'])
    }
    const bob = await createJourney(bench.host)
    const { page } = await bob.go(TWO_KINDS)
    const { session } = await rowOf(bench.host, page)
    await forge(bob, page, { session: { ...session }, cid })
    assert.deepEqual(await inventory(bench.host), RECOVERED, 'nor by another sign-in of the same person')
    assert.ok(passed(await finish()))
  })
})

describe('security: codes that came by an address earn no recovery codes', () => {
  const ADDRESS = 'address' as const
  const inner: AnyFactor = totp({ issuer: 'Test' })
  const byFactor: AnyFactor = { ...inner, traits: [...inner.traits, ADDRESS] }
  /** The factor promises more than this proof shows. */
  const byProof: AnyFactor = {
    ...inner,
    challenge: {
      ...inner.challenge,
      submit: async (state, input, context) => {
        const step = await inner.challenge.submit(state, input, context)
        const { kinds, traits, amr } = inner
        return step.outcome === 'accepted' ? { ...step, proof: { kinds, amr, traits: [...traits, ADDRESS] } } : step
      },
    },
  }
  let factor = inner
  const bench = useBench(() => {
    const [, codes] = withCodes().stepUp?.factors ?? []
    assert.ok(codes !== undefined)
    const tested: AnyFactor = {
      ...inner,
      get traits() {
        return factor.traits
      },
      challenge: { ...inner.challenge, submit: (...all) => factor.challenge.submit(...all) },
    }
    return { stepUp: { factors: [tested, codes] } }
  })

  for (const [whose, made, earns] of [
    ['a factor that is never more', byFactor, false],
    ['one proof', byProof, false],
    ['no address', inner, true],
  ] as const)
    it(`AC-30: by ${whose}: ${earns ? 'both' : 'neither offer nor permit'}`, async () => {
      factor = inner
      const bob = await createJourney(bench.host)
      await bob.enroll((await bob.go(TWO_KINDS)).page)
      bob.browser.clear()
      bench.clock.advance(3700)
      factor = made
      const before = await bench.host.store.list('bob', 'permit')
      const { page } = await challenged(bob)
      const posted = await postOnly(bob.browser, page, { code: codeAt(bob.secret) })
      const permits = (await bench.host.store.list('bob', 'permit')).filter((id) => !before.includes(id))
      const resumed = await bob.browser.send(posted.headers.get('location') ?? '', { follow: false })
      const goesOn = resumed.headers.get('location') ?? ''
      assert.deepEqual([permits.length, /^\/mfa\//.test(goesOn), /[?&]code=/.test(goesOn)], [+earns, earns, !earns])
    })
})
