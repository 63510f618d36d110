import assert from 'node:assert/strict'
import { APPROVES, type Person } from '../support/duo.ts'
import { account, by, FORGERIES, over, refused, WAYS, withDuo } from './duo-support.ts'

/** Ways past Duo on which nobody was asked for anything. */
const UNASKED: readonly (readonly [string, string])[] = [
  ['remembered_device', 'remembered_device'],
  ['trusted_network', 'trusted_network'],
  ['duo_push', 'bypass_user'],
  ['not_available', 'allow_unenrolled_user'],
  ['not_available', 'allow_unenrolled_user_on_trusted_network'],
  ['duo_push', 'trusted_location'],
  ['n/a', 'allowed_by_policy'],
  ['a_way_of_tomorrow', 'a_reason_of_tomorrow'],
  ['', ''],
]

const NOES: readonly (readonly [string, Partial<Person>, string])[] = [
  ['result is deny', { result: 'deny' }, 'denied'],
  ['status is deny', { status: 'deny' }, 'denied'],
  ['status is something else', { status: 'fraud' }, 'denied'],
  ['result is in capitals', { result: 'ALLOW' }, 'denied'],
  ['it was reported', { result: 'deny', status: 'deny', context: { reason: 'user_marked_fraud' } }, 'reported'],
  ['it is fraud, and allowed all the same', { context: { ...APPROVES.context, result: 'fraud' } }, 'reported'],
  ['it comes with an error', { error: 'access_denied' }, 'denied'],
]

describe('factors/duo', () => {
  const duo = withDuo()

  it('sends the browser to Duo with all that Duo asks for, and takes what it says', async () => {
    const factor = duo.made()
    assert.deepEqual(await duo.answered({}, factor), {
      outcome: 'accepted',
      authenticatorId: factor.implied?.(account)[0]?.id,
      proof: { kinds: ['possession'], traits: ['out-of-band', 'replay-resistant'], amr: ['mca'] },
    })
    const { complaints, requests } = duo.peer
    assert.deepEqual(complaints, [])
    const [health, prompt, token] = requests
    assert.deepEqual([health?.endpoint, prompt?.endpoint, token?.endpoint], ['health_check', 'authorize', 'token'])
    assert.equal(prompt?.claims.duo_uname, account.label)
    assert.equal(prompt?.form.redirect_uri, 'https://login.example.com/mfa/uid/duo/return')
    assert.notEqual(health?.claims.jti, token?.claims.jti)
  })

  it('draws a new state and nonce each time, 256 bits each, and neither is shown', async () => {
    const factor = duo.made()
    const [one, other] = [await duo.begun(factor), await duo.begun(factor)]
    const drawn = [one, other].flatMap(({ state }) => [state.state, state.nonce])
    assert.equal(new Set(drawn).size, 4)
    for (const value of drawn) assert.equal(Buffer.from(value, 'base64url').length, 32)
    assert.deepEqual(await factor.challenge.view(one.state, duo.contextOf(factor)), {})
  })

  for (const [factor, reason, proof] of WAYS)
    it(`takes ${factor} for what it shows`, async () => {
      const step = await duo.answered({ person: by(factor, reason) })
      assert.deepEqual(step.outcome === 'accepted' && step.proof, { kinds: ['possession'], ...proof })
    })

  for (const [factor, reason] of UNASKED)
    it(`takes nothing where nobody was asked: "${factor}", "${reason}"`, async () =>
      assert.deepEqual(await duo.answered({ person: by(factor, reason) }), over('denied')))

  it('takes no setting up of a device for an answer', async () => {
    const context = { ...APPROVES.context, event_type: 'enrollment' }
    assert.deepEqual(await duo.answered({ person: { ...APPROVES, context } }), over('denied'))
  })

  for (const [name, person, reason] of NOES)
    it(`is over where ${name}`, async () =>
      assert.deepEqual(await duo.answered({ person: { ...APPROVES, ...person } }), over(reason)))

  it('can be tried again where Duo says that it is out of order', async () => {
    const step = await duo.answered({ person: { ...APPROVES, error: 'temporarily_unavailable' } })
    assert.deepEqual(step, refused('unavailable'))
  })

  for (const [name, forge] of FORGERIES)
    it(`refuses an ID token ${name}`, async () => assert.deepEqual(await duo.answered({ forge }), refused('invalid')))

  it('takes an ID token from a clock that is a little ahead or behind', async () => {
    for (const skewSeconds of [-50, 50])
      assert.equal((await duo.answered({ skewSeconds })).outcome, 'accepted', `${skewSeconds} s`)
  })

  it('refuses an answer without its state or its code, and asks Duo nothing', async () => {
    const factor = duo.made()
    const { state, input } = await duo.returning(factor)
    const { length } = duo.peer.requests
    const wrong: readonly Readonly<Record<string, string>>[] = [
      { ...input, state: 'x' },
      { ...input, state: '' },
      { ...input, state: `${state.state}x` },
      { duo_code: input.duo_code ?? '' },
      { state: state.state },
      { state: 'x', error: 'access_denied' },
      { again: 'no' },
      {},
    ]
    for (const one of wrong) assert.deepEqual(await duo.submitted(factor, state, one), refused('invalid'))
    assert.equal(duo.peer.requests.length, length)
  })

  it('refuses a code the second time, and one of another ceremony', async () => {
    const factor = duo.made()
    const { state, input } = await duo.returning(factor)
    const { input: theirs } = await duo.returning(factor)
    assert.equal((await duo.submitted(factor, state, input)).outcome, 'accepted')
    assert.deepEqual(await duo.submitted(factor, state, input), refused('invalid'))
    const mixed = { ...input, duo_code: theirs.duo_code ?? '' }
    assert.deepEqual(await duo.submitted(factor, state, mixed), refused('invalid'))
  })

  it('refuses an answer once Duo knows the account by another name', async () => {
    const factor = duo.made()
    const { state, input } = await duo.returning(factor)
    const renamed = duo.contextOf(factor, { account: { ...account, label: 'robert@example.com' } })
    assert.deepEqual(await factor.challenge.submit(state, input, renamed), refused('not-enrolled'))
    const gone = duo.contextOf(factor, { authenticators: [] })
    assert.deepEqual(await factor.challenge.begin(gone), refused('not-enrolled'))
  })

  it('goes to Duo once more from its page, with another state', async () => {
    const factor = duo.made()
    const { state } = await duo.begun(factor)
    const again = await duo.submitted(factor, state, { again: 'yes' })
    assert.ok(again.outcome === 'continue' && again.redirect !== undefined)
    assert.notEqual(again.state.state, state.state)
  })
})
