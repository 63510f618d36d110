import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import type { Sender } from '../../src/factors/factor.ts'
import { type Asked, openOffice, SECRETS, settled } from './dispatch/office.ts'
import { codeFactor } from './scene.ts'
import { race, signal } from './tools.ts'

const OTHER = '+4915100000000'
const failing: Sender = () => Promise.reject(new Error('451 try later'))
const unknown: Sender = () => Promise.reject(new StepUpError('ERR_ADDRESS', 'no such number'))

describe('flow/dispatch', () => {
  describe('pace', () => {
    it('AC-23: after each message there is a pause of 30 s, doubling up to an hour, and told to the second', async () => {
      const { post, handed, advance } = openOffice()
      for (const pause of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
        assert.equal(await post(), undefined)
        assert.deepEqual(await post(), { reason: 'paused', retryAfterSeconds: pause })
        advance(pause - 1)
        assert.deepEqual(await post(), { reason: 'paused', retryAfterSeconds: 1 })
        advance(1)
      }
      assert.equal(handed.length, 9)
    })

    it('is forgotten after a day without a message', async () => {
      const { post, advance } = openOffice()
      for (const wait of [30, 60, 86_400]) {
        assert.equal(await post(), undefined)
        advance(wait)
      }
      assert.equal(await post(), undefined)
      assert.deepEqual(await post(), { reason: 'paused', retryAfterSeconds: 30 })
    })

    const rows: readonly (readonly [what: string, asked: Asked, word: string])[] = [
      ['another interaction of the account', { about: 'another' }, 'paused'],
      ['another number of the account', { to: OTHER }, 'paused'],
      ['another account with the number', { accountId: 'bob' }, 'paused'],
      ['another account from another address', { accountId: 'bob', address: '198.51.100.1' }, 'paused'],
      ['another client and language', { clientId: 'other', locale: 'de' }, 'paused'],
      ['setting another number up', { to: OTHER, purpose: 'enroll' }, 'paused'],
      ['another account that sets the number up', { accountId: 'bob', purpose: 'enroll' }, 'sent'],
      ['another account with another number', { accountId: 'bob', to: OTHER }, 'sent'],
      ['another factor', { factor: { ...codeFactor().factor, id: 'other' } }, 'sent'],
    ]
    for (const [what, asked, expected] of rows)
      it(`AC-23: right after a message, ${what} is ${expected}`, async () => {
        const { word } = openOffice()
        assert.equal(await word(), 'sent')
        assert.equal(await word(asked), expected)
      })

    const spellings: readonly (readonly [string, string, string])[] = [
      ['a.b@mail.example', 'A.B@MAIL.example', 'paused'],
      ['a.b@mail.example', 'a.b+news@mail.example', 'paused'],
      ['a.b+one@mail.example', 'A.b+two@mail.example', 'paused'],
      ['a.b@mail.example', 'ab@mail.example', 'sent'],
      ['a.b@mail.example', 'a.b@mail.example.org', 'sent'],
      ['+4915112345678', '+4915112345679', 'sent'],
    ]
    for (const [one, other, expected] of spellings)
      it(`AC-23: after a message to ${one}, one to ${other} for another account is ${expected}`, async () => {
        const { word, handed } = openOffice()
        assert.equal(await word({ to: one }), 'sent')
        assert.equal(await word({ to: other, accountId: 'bob' }), expected)
        assert.equal(handed[0]?.to, one, 'and it goes where it was asked for, as it was spelled')
      })

    it('AC-23: what was withheld because of the number costs the account nothing', async () => {
      const { word, advance, post } = openOffice()
      assert.equal(await word(), 'sent')
      for (let ask = 0; ask < 5; ask += 1) assert.equal(await word({ accountId: 'bob' }), 'paused')
      assert.equal(await word({ accountId: 'bob', to: OTHER }), 'sent')
      advance(30)
      assert.equal(await post(), undefined)
      assert.deepEqual(await post(), { reason: 'paused', retryAfterSeconds: 60 })
    })

    it('AC-23: of twenty asked for at once one is sent', async () => {
      const { word, handed } = openOffice()
      const words = await race(20, (index) => word({ about: `page ${index}` }))
      assert.equal(words.filter((one) => one === 'sent').length, 1)
      assert.equal(handed.length, 1)
    })

    it('AC-23: of twenty accounts that want one number at once, one gets it', async () => {
      const { word, handed } = openOffice()
      await race(20, (index) => word({ accountId: `account-${index}`, about: `page ${index}` }))
      assert.equal(handed.length, 1)
    })
  })

  describe('what did not go out', () => {
    for (const [reason, sender] of [
      ['not-sent', failing],
      ['unreachable', unknown],
    ] as const)
      it(`${reason}: the next may follow at once, and the pause has not grown`, async () => {
        let one: Sender | undefined = sender
        const calls: unknown[] = []
        const { post, word } = openOffice({ sender: async (message) => void calls.push(await one?.(message)) })
        for (let ask = 0; ask < 3; ask += 1) assert.deepEqual(await post(), { reason })
        one = undefined
        assert.equal(await word(), 'sent')
        assert.deepEqual(await post(), { reason: 'paused', retryAfterSeconds: 30 })
      })

    it('costs its budget all the same: a gateway may have charged for it', async () => {
      const budgets = [{ per: 'total', messages: 3, windowSeconds: 600 }] as const
      const { word } = openOffice({ sender: unknown, budgets })
      const words = [await word(), await word(), await word(), await word()]
      assert.deepEqual(words, ['unreachable', 'unreachable', 'unreachable', 'exhausted'])
    })

    it('is given back where its state was not committed', async () => {
      const { dispatcher, letter, word } = openOffice()
      const one = letter()
      assert.equal(await dispatcher.reserve(one), undefined)
      assert.equal((await dispatcher.reserve(letter()))?.reason, 'paused')
      await dispatcher.giveBack(letter())
      assert.equal(await word(), 'paused', 'it was another letter')
      await dispatcher.giveBack(one)
      assert.equal(await word(), 'sent')
      await dispatcher.giveBack(one)
      assert.equal(await word(), 'paused', 'it was given back already')
    })

    it('goes to nobody where a factor has no sender', async () => {
      const { sender: _none, ...without } = codeFactor().factor
      const { word } = openOffice()
      assert.equal(await word({ factor: without }), 'not-sent')
    })

    it('does not lift the pause after a newer message of the same page', async () => {
      const slow = signal()
      const rejects: Sender = () => slow.sent.then(() => Promise.reject(new Error('dropped')))
      const senders = [rejects]
      const { dispatcher, letter, advance, post } = openOffice({
        sender: (message) => senders.pop()?.(message) ?? Promise.resolve(),
      })
      const first = letter()
      assert.equal(await dispatcher.reserve(first), undefined)
      const pending = dispatcher.send(first)
      advance(30)
      assert.equal(await post(), undefined)
      slow.send()
      await pending
      await settled()
      assert.deepEqual(await post(), { reason: 'paused', retryAfterSeconds: 60 })
    })
  })

  describe('a right answer', () => {
    it('ends the pauses of its account and of the number it went to, and no other', async () => {
      const { dispatcher, factor, word } = openOffice()
      assert.equal(await word(), 'sent')
      assert.equal(await word({ accountId: 'bob', to: OTHER, about: 'bob' }), 'sent')
      await dispatcher.answered({
        factor,
        accountId: 'alice',
        purpose: 'challenge',
        about: 'interaction',
        to: SECRETS.to,
      })
      assert.equal(await word(), 'sent')
      assert.equal(await word({ accountId: 'bob', to: OTHER, about: 'bob' }), 'paused')
    })

    it('ends no pause of the other purpose', async () => {
      const { dispatcher, factor, word } = openOffice()
      assert.equal(await word({ purpose: 'enroll' }), 'sent')
      assert.equal(await word({ accountId: 'bob', to: OTHER }), 'sent')
      await dispatcher.answered({ factor, accountId: 'bob', purpose: 'challenge', about: 'x', to: SECRETS.to })
      assert.equal(await word({ accountId: 'carol', purpose: 'enroll' }), 'paused')
    })

    it('ends nothing where no message belongs to it', async () => {
      const { dispatcher, factor, word } = openOffice()
      assert.equal(await word(), 'sent')
      await dispatcher.answered({
        factor,
        accountId: 'alice',
        purpose: 'challenge',
        about: 'interaction',
        to: undefined,
      })
      assert.equal(await word(), 'paused')
    })

    it('resets no budget', async () => {
      const budgets = [{ per: 'account', messages: 2, windowSeconds: 600 }] as const
      const { dispatcher, factor, word } = openOffice({ budgets })
      const words: string[] = []
      for (let round = 0; round < 3; round += 1) {
        words.push(await word())
        await dispatcher.answered({
          factor,
          accountId: 'alice',
          purpose: 'challenge',
          about: 'interaction',
          to: SECRETS.to,
        })
      }
      assert.deepEqual(words, ['sent', 'sent', 'exhausted'])
    })
  })

  describe('a gateway that fails', () => {
    it('is not asked any more after five failures, takes nothing from the account, and is asked again after 30 s', async () => {
      let calls = 0
      const budgets = [{ per: 'account', messages: 7, windowSeconds: 600 }] as const
      const sender: Sender = async () => {
        calls += 1
        if (calls <= 5) throw new Error('down')
      }
      const { word, advance } = openOffice({ sender, budgets })
      for (let ask = 0; ask < 20; ask += 1) assert.equal(await word(), 'not-sent')
      assert.equal(calls, 5)
      assert.equal(await word({ factor: { ...codeFactor().factor, id: 'other' } }), 'sent')
      advance(29)
      assert.equal(await word(), 'not-sent')
      advance(1)
      assert.equal(await word(), 'sent')
      advance(30)
      assert.equal(await word(), 'sent')
      advance(60)
      assert.equal(await word(), 'exhausted', 'five failed ones and two that went out')
    })

    it('is not given up for addresses that cannot be reached', async () => {
      const { word } = openOffice({ sender: unknown })
      for (let ask = 0; ask < 10; ask += 1) assert.equal(await word(), 'unreachable')
    })
  })

  describe('what is told', () => {
    it('AC-17: names the account, the factor and the client, and never a code, an address or a number', async () => {
      const budgets = [{ per: 'target', messages: 1, windowSeconds: 600 }] as const
      const senders: Sender[] = [failing, unknown]
      const { told, seen, word, advance } = openOffice({
        budgets,
        sender: (message) => senders.pop()?.(message) ?? Promise.resolve(),
      })
      await word({ to: OTHER, about: 'one' })
      await word({ to: '+4915100000001', about: 'two' })
      await word()
      await word()
      advance(30)
      await word()
      await settled()
      assert.deepEqual(
        told.map(({ name, event: { at: _at, ...event } }) => ({ name, ...event })),
        [
          { name: 'message.failed', accountId: 'alice', factor: 'code', clientId: 'app', reason: 'unreachable' },
          { name: 'message.failed', accountId: 'alice', factor: 'code', clientId: 'app', reason: 'not-sent' },
          { name: 'message.sent', accountId: 'alice', factor: 'code', clientId: 'app' },
          { name: 'message.withheld', accountId: 'alice', factor: 'code', clientId: 'app', reason: 'paused' },
          {
            ...{ name: 'message.withheld', accountId: 'alice', factor: 'code', clientId: 'app' },
            ...{ reason: 'exhausted', per: 'target' },
          },
        ],
      )
      assert.ok(seen.length > 20)
      for (const secret of [...Object.values(SECRETS), OTHER, '49151', '203.0.113'])
        for (const text of [JSON.stringify(told), ...seen]) assert.ok(!text.includes(secret), `${secret} in ${text}`)
    })

    it('AC-17: keeps no digest of a number that somebody else could make', async () => {
      const [one, two] = [openOffice(), openOffice()]
      await one.word()
      await two.word()
      const names = ({ seen }: typeof one) =>
        seen.filter((text) => text.includes('"message-') && !text.includes('alice'))
      assert.ok(names(one).length > 0)
      assert.ok(names(one).every((name) => !names(two).includes(name)))
    })
  })
})
