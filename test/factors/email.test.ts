import assert from 'node:assert/strict'
import type { Account } from '../../src/account.ts'
import { type EmailData, type EmailState, email } from '../../src/factors/email.ts'
import type { Authenticator, CeremonyContext, Input, Message, Step } from '../../src/factors/factor.ts'

const sender = async () => undefined
const factor = email({ sender })
const { challenge, enroll } = factor
const NOW = 1_700_000_000

const bob: Account = { id: 'bob', label: 'Bob', email: 'bob@example.com', emailVerified: true }

const stored = (id: string, address: string, lastUsedAt?: number): Authenticator<EmailData> => ({
  id,
  factor: 'email',
  status: 'active',
  createdAt: NOW - 1000,
  ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  data: { address },
})

const at = (
  now = NOW,
  further: readonly Authenticator<EmailData>[] = [],
  more: Partial<CeremonyContext<EmailData>> = {},
): CeremonyContext<EmailData> => ({
  account: bob,
  authenticators: [...further, ...(factor.implied?.(more.account ?? bob) ?? [])],
  client: { id: 'app', name: 'Test App' },
  origin: 'https://login.example.com',
  issuer: 'https://login.example.com/op',
  url: 'https://login.example.com/mfa/1/email',
  locale: 'en',
  now,
  ...more,
})

const IMPLIED = factor.implied?.(bob)[0]?.id ?? ''

type Sent = Step<EmailState, EmailData> & { outcome: 'continue' }

/** A step that goes on, with the message that it sends. */
const going = (step: unknown): { state: EmailState; message: Message } => {
  const { outcome, state, message } = step as Sent
  assert.equal(outcome, 'continue')
  assert.ok(message)
  return { state, message }
}

const begin = (context = at()) => going(challenge.begin(context))
const submit = (state: EmailState, input: Input, context = at()) => challenge.submit(state, input, context)
const other = (code = '') => (code === '000000' ? '000001' : '000000')
const invalid = { outcome: 'refused', reason: 'invalid' }

describe('factors/email', () => {
  it('claims possession of an address, replay-resistant, and nothing that RFC 8176 has a name for', () => {
    assert.deepEqual([factor.kinds, factor.amr], [['possession'], ['email']])
    assert.deepEqual([...factor.traits].sort(), ['address', 'replay-resistant'])
    assert.equal(factor.standsAlone, false)
    assert.equal(factor.perAccount, 5)
    assert.deepEqual(factor.retriesAfterSeconds, [20, 60])
    assert.ok(Object.isFrozen(factor))
  })

  describe('implied', () => {
    it('is the verified address of an account, and never stored; another address is another one', () => {
      const moved = factor.implied?.({ ...bob, email: 'bob@example.org' })[0]?.id
      assert.notEqual(moved, IMPLIED)
      const data = { address: 'bob@example.com' }
      assert.deepEqual(factor.implied?.(bob), [{ id: IMPLIED, factor: 'email', status: 'active', createdAt: 0, data }])
    })
    const without: Readonly<Record<string, Partial<Account>>> = {
      unverified: { emailVerified: false },
      'verified by a word that is not true': { emailVerified: 'yes' as unknown as boolean },
      'two addresses': { email: 'bob@example.com, eve@evil.example' },
      'a header': { email: 'bob@example.com\r\nBcc: eve@evil.example' },
      'a name with an address': { email: 'Bob <bob@example.com>' },
    }
    for (const [what, change] of Object.entries(without))
      it(`AC-71: is nothing where the address is ${what}`, () =>
        assert.deepEqual(factor.implied?.({ ...bob, ...change }), []))
    it('is nothing where there is no address', () =>
      assert.deepEqual(factor.implied?.({ id: 'x', label: 'x', emailVerified: true }), []))
  })

  describe('challenge', () => {
    it('sends six digits that work for five minutes to the account’s address', () => {
      const { state, message } = begin()
      const { code = '' } = message.values
      assert.match(code, /^\d{6}$/)
      assert.deepEqual(message, {
        to: 'bob@example.com',
        template: 'email/challenge',
        values: { code, app: 'Test App', host: 'login.example.com', seconds: '300' },
        expiresAt: NOW + 300,
      })
      assert.deepEqual(state.sent, { to: 'bob@example.com', code, expiresAt: NOW + 300 })
    })

    it('accepts its code, however it is spaced, and names the address that it went to', () => {
      const { state, message } = begin()
      const { code = '' } = message.values
      for (const typed of [code, ` ${code.slice(0, 3)} ${code.slice(3)}`, code.replace(/^(...)/, '$1-')])
        assert.deepEqual(submit(state, { code: typed }), { outcome: 'accepted', authenticatorId: IMPLIED })
    })

    it('names a stored authenticator whose code came back', () => {
      const phone = stored('a1', 'bob@work.example', NOW - 10)
      const { state, message } = begin(at(NOW, [phone]))
      assert.equal(message.to, 'bob@work.example')
      assert.deepEqual(submit(state, { code: message.values.code ?? '' }, at(NOW, [phone])), {
        outcome: 'accepted',
        authenticatorId: 'a1',
      })
    })

    it('refuses every other code, and its own once it is too old', () => {
      const { state, message } = begin()
      const { code = '' } = message.values
      for (const typed of [other(code), '', '12345', `${code}1`, 'undefined'])
        assert.deepEqual(submit(state, { code: typed }), invalid, typed)
      assert.deepEqual(submit(state, {}), invalid)
      assert.deepEqual(submit(state, { code }, at(NOW + 299)), { outcome: 'accepted', authenticatorId: IMPLIED })
      assert.deepEqual(submit(state, { code }, at(NOW + 300)), { outcome: 'refused', reason: 'expired' })
      assert.deepEqual(submit(state, { code: other(code) }, at(NOW + 300)), invalid)
    })

    it('AC-14: refuses the code of another challenge', () => {
      const [one, two] = [begin(), begin()]
      if (one.message.values.code !== two.message.values.code)
        assert.deepEqual(submit(two.state, { code: one.message.values.code ?? '' }), invalid)
      const eve = { account: { id: 'eve', label: 'Eve', email: 'eve@example.com', emailVerified: true } }
      assert.deepEqual(submit(one.state, { code: one.message.values.code ?? '' }, at(NOW, [], eve)), {
        outcome: 'refused',
        reason: 'not-enrolled',
      })
    })

    it('AC-16: makes a new code each time', () => {
      const codes = Array.from({ length: 200 }, () => begin().message.values.code)
      assert.ok(new Set(codes).size > 190)
    })

    it('sends the same code again while it works for long enough, then a new one', () => {
      const first = begin()
      const soon = going(submit(first.state, { resend: 'yes' }, at(NOW + 150)))
      assert.deepEqual(soon.state, first.state)
      assert.deepEqual([soon.message.values.seconds, soon.message.expiresAt], ['150', NOW + 300])
      const late = going(submit(first.state, { resend: 'yes' }, at(NOW + 151)))
      assert.equal(late.message.expiresAt, NOW + 451)
      assert.deepEqual(submit(late.state, { code: late.message.values.code ?? '' }, at(NOW + 400)), {
        outcome: 'accepted',
        authenticatorId: IMPLIED,
      })
    })

    it('sends a new code to another address that is chosen, and the one before no longer works', () => {
      const further = [stored('a1', 'bob@work.example'), stored('a2', 'b@third.example')]
      const first = begin(at(NOW, further))
      assert.equal(first.message.to, 'bob@example.com')
      const { state, message } = going(submit(first.state, { to: 'a2' }, at(NOW, further)))
      assert.equal(message.to, 'b@third.example')
      const { code: before = '' } = first.message.values
      if (before !== message.values.code) assert.deepEqual(submit(state, { code: before }, at(NOW, further)), invalid)
      const accepted = { outcome: 'accepted', authenticatorId: 'a2' }
      assert.deepEqual(submit(state, { code: message.values.code ?? '' }, at(NOW, further)), accepted)
      const back = going(submit(state, { to: IMPLIED }, at(NOW, further)))
      assert.equal(back.message.to, 'bob@example.com')
    })

    it('sends nothing to an address that is not the account’s, nor accepts one that no longer is', () => {
      const gone = { outcome: 'refused', reason: 'not-enrolled' }
      const { state, message } = begin()
      for (const to of ['a9', 'eve@evil.example', '__proto__']) assert.deepEqual(submit(state, { to }), gone)
      const changed = { account: { ...bob, email: 'new@example.com' } }
      assert.deepEqual(submit(state, { code: message.values.code ?? '' }, at(NOW, [], changed)), gone)
      assert.deepEqual(submit(state, { resend: 'yes' }, at(NOW, [], changed)), gone)
      assert.deepEqual(challenge.begin(at(NOW, [], { account: { ...bob, emailVerified: false } })), gone)
      assert.deepEqual(submit({}, { code: '000000' }), gone)
    })

    it('begins with the address that was used last', () => {
      const further = [stored('a1', 'a@one.example', NOW - 50), stored('a2', 'a@two.example', NOW - 20)]
      assert.equal(begin(at(NOW, further)).message.to, 'a@two.example')
    })

    it('AC-50: shows masked addresses only, never the code', () => {
      const further = [stored('a1', 'bob@work.example'), { ...stored('a2', 'b@third.example'), nickname: 'Third' }]
      const { state } = begin(at(NOW, further))
      assert.deepEqual(challenge.view(state, at(NOW, further)), {
        digits: 6,
        to: 'b•••@e•••.com',
        others: [
          { id: 'a1', name: 'b•••@w•••.example' },
          { id: 'a2', name: 'Third' },
        ],
      })
    })

    it('AC-59: names the issuer’s host, and links nothing', () => {
      const { message } = begin(at(NOW, [], { origin: 'https://evil.example', url: 'https://evil.example/mfa' }))
      assert.equal(message.values.host, 'login.example.com')
      assert.doesNotMatch(JSON.stringify(message.values), /https?:|evil/)
    })

    const names: readonly (readonly [string, string])[] = [
      ['', 'login.example.com'],
      [' \r\n ', 'login.example.com'],
      ['Bank\r\nBcc: eve@evil.example', 'Bank Bcc: eve@evil.example'],
      ['A\u202eB', 'A B'],
      ['x'.repeat(5000), 'x'.repeat(60)],
    ]
    for (const [name, shown] of names)
      it(`AC-71: calls the app ${JSON.stringify(name.slice(0, 20))} by one short line`, () => {
        const { message } = begin(at(NOW, [], { client: { id: 'app', name } }))
        assert.equal(message.values.app, shown)
      })
  })

  describe('enrolment', () => {
    const ask = (address: string, context = at()) => enroll?.submit({}, { address }, context)

    it('asks for an address, then for the code that it sent there', () => {
      const step = enroll?.begin(at()) as Sent
      assert.deepEqual(step, { outcome: 'continue', state: {} })
      assert.deepEqual(enroll?.view(step.state, at()), { digits: 6, others: [] })
      const { state, message } = going(ask(' Bob@Home.Example '))
      assert.deepEqual([message.to, message.template], ['Bob@home.example', 'email/enroll'])
      assert.deepEqual(enroll?.view(state, at()), { digits: 6, others: [], to: 'Bob@home.example' })
      assert.deepEqual(enroll?.submit(state, { code: other(message.values.code) }, at()), invalid)
      assert.deepEqual(enroll?.submit(state, { code: message.values.code ?? '' }, at()), {
        outcome: 'accepted',
        change: { add: { address: 'Bob@home.example' } },
      })
    })

    it('tells a stranger nothing that the one who asks has chosen', () => {
      const context = at(NOW, [], { client: { id: 'x', name: 'You won! evil.example' } })
      const { message } = going(ask('victim@example.org', context))
      const { code: _code, ...values } = message.values
      assert.deepEqual(values, { app: 'login.example.com', host: 'login.example.com', seconds: '300' })
    })

    const problems: readonly (readonly [string, string])[] = [
      ['', 'email.address.invalid'],
      ['bob', 'email.address.invalid'],
      ['bob@a.example, eve@evil.example', 'email.address.invalid'],
      ['bob@a.example\r\nBcc: eve@evil.example', 'email.address.invalid'],
      [`${'b'.repeat(250)}@a.example`, 'email.address.invalid'],
      ['BOB@example.com', 'email.address.known'],
      ['bob@work.example', 'email.address.known'],
    ]
    for (const [typed, problem] of problems)
      it(`AC-71: says ${problem} of ${JSON.stringify(typed.slice(0, 40))}, and sends nothing`, () => {
        const state = { typed: typed.slice(0, 254) }
        const step = ask(typed, at(NOW, [stored('a1', 'bob@work.example')]))
        assert.deepEqual(step, { outcome: 'continue', state, problem })
        assert.deepEqual(enroll?.view(state, at()), { digits: 6, others: [], ...state })
      })

    it('goes back to the address on request, and sends the code again', () => {
      const { state } = going(ask('bob@home.example'))
      assert.deepEqual(enroll?.submit(state, { change: 'yes' }, at()), {
        outcome: 'continue',
        state: { typed: 'bob@home.example' },
      })
      assert.equal(going(enroll?.submit(state, { resend: 'yes' }, at())).message.to, 'bob@home.example')
    })

    it('AC-15: refuses a code that a challenge sent, and one for an address that was set up meanwhile', () => {
      const { state, message } = going(ask('bob@home.example'))
      const { code = '' } = message.values
      const asked = begin().message.values.code
      if (asked !== code) assert.deepEqual(enroll?.submit(state, { code: asked ?? '' }, at()), invalid)
      assert.deepEqual(enroll?.submit(state, { code }, at(NOW, [stored('a1', 'BOB@home.example')])), {
        outcome: 'refused',
        reason: 'used',
      })
    })

    it('is absent where nobody is to add an address', () =>
      assert.equal('enroll' in email({ sender, furtherAddresses: false }), false))
  })
})
