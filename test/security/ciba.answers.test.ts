import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import { dead } from '../factors/push-support.ts'
import { answerOn, askedOn, createAsker, enrollPhone, OTHER } from '../support/ciba.ts'
import { RIGHT, useCibaStage } from '../support/ciba-stage.ts'

describe('security: answering in the backchannel', () => {
  const stage = useCibaStage()

  it('AC-29: an approval that shows less than is owed ends in no token', async () => {
    await stage.start({ push: { userVerification: 'trusted' }, stepUp: { policy: { default: 'always' } } })
    const { app, phone } = stage
    const asked = await app.ask()
    await answerOn(phone, 'approve', { ...RIGHT, userVerified: false })
    const { error, description } = await app.state(asked)
    assert.equal(error, 'unmet_authentication_requirements')
    assert.equal(description, 'the requested authentication level cannot be met')
    assert.equal((await app.state(asked)).error, 'invalid_grant')

    const again = await app.ask()
    await answerOn(phone, 'approve', { ...RIGHT, userVerified: true })
    assert.equal((await app.poll(again)).claims()?.acr, MULTI_FACTOR)
  })

  it('AC-29: neither waiting, nor another client, nor a page leads to a token', async () => {
    await stage.start()
    const { app, phone, host } = stage
    const asked = await app.ask()
    const other = await createAsker(host, OTHER)
    assert.equal((await app.state(asked)).error, 'authorization_pending')
    assert.equal((await other.state(asked)).error, 'invalid_grant')
    const browser = host.browser()
    for (const name of [asked.auth_req_id, `${asked.auth_req_id}/push`, `ciba.${asked.auth_req_id}/push`])
      assert.ok((await browser.get(`/mfa/${name}`)).status >= 400, name)
    await answerOn(phone, 'approve')
    assert.equal((await other.state(asked)).error, 'invalid_grant')
    assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
  })

  it('AC-82: another account’s device, another end and an old answer change nothing', async () => {
    await stage.start()
    const { app, phone } = stage
    const alice = await enrollPhone(stage.host, 'alice')
    const asked = await app.ask()
    const challenge = await askedOn(phone)
    assert.equal(await alice.pending(), undefined)
    for (const decision of ['approve', 'deny', 'report'] as const)
      assert.equal((await alice.answer(challenge, decision, RIGHT)).body.error, 'no_challenge')
    const shifted = { ...challenge, expiresAt: Number(challenge.expiresAt) + 60 }
    assert.equal((await phone.answer(shifted, 'approve', RIGHT)).status, 422)
    assert.equal((await app.state(asked)).error, 'authorization_pending')

    const statement = phone.device.answer(challenge, 'approve', RIGHT)
    assert.equal((await phone.post({ statement })).status, 200)
    await app.poll(asked)
    const next = await app.ask()
    assert.equal((await phone.post({ statement })).body.error, 'no_challenge')
    assert.equal((await app.state(next)).error, 'authorization_pending')
  })

  it('AC-82: a device that was removed meanwhile answers nothing', async () => {
    await stage.start()
    const { app, phone, host, clock } = stage
    const asked = await app.ask()
    const challenge = await askedOn(phone)
    const [{ id = '' } = {}] = (await host.mfa.accounts.list('bob')).authenticators
    await host.mfa.accounts.remove('bob', id)
    assert.equal((await phone.answer(challenge, 'approve', RIGHT)).body.error, 'unknown_device')
    assert.equal((await app.state(asked)).error, 'authorization_pending')
    clock.advance(130)
    assert.equal((await app.state(asked)).error, 'expired_token')
  })

  it('AC-82: of yes and no at the same moment one counts, and the client gets that one', async () => {
    await stage.start()
    const { app, phone } = stage
    const asked = await app.ask()
    const challenge = await askedOn(phone)
    const answers = [phone.answer(challenge, 'approve', RIGHT), phone.answer(challenge, 'deny')]
    const outcomes = (await Promise.all(answers)).flatMap(({ body }) => body.outcome ?? [])
    assert.equal(outcomes.length, 1)
    if (outcomes[0] === 'approved') assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
    else assert.equal((await app.state(asked)).error, 'access_denied')
  })

  it('AC-82: an answer that is faster than the push is not lost', async () => {
    await stage.start()
    const { app, phone, outbox } = stage
    const { send } = outbox.sender
    const early: unknown[] = []
    const answerFirst: typeof send = async (message) => {
      early.push((await answerOn(phone, 'approve', RIGHT)).body.outcome)
      return send(message)
    }
    Object.assign(outbox.sender, { send: answerFirst })
    const asked = await app.ask()
    assert.deepEqual(early, ['approved'])
    assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
  })

  for (const end of ['disable', 'reset'] as const)
    it(`ASVS-7.4.2: no token after ${end} between approval and token`, async () => {
      await stage.start()
      const { app, phone, host } = stage
      const asked = await app.ask()
      await answerOn(phone, 'approve')
      await host.mfa.accounts[end]('bob')
      assert.equal((await app.state(asked)).error, 'invalid_grant')
    })

  it('F-11: a push that does not go out hinders nobody whose app is open', async () => {
    await stage.start()
    const { app, phone, outbox } = stage
    for (const fault of [new Error('down'), dead()]) {
      outbox.faults.set('of bob', fault)
      const asked = await app.ask()
      await answerOn(phone, 'approve')
      assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
    }
  })
})
