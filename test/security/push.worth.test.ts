import assert from 'node:assert/strict'
import { codeAt, type Host } from '../support/host.ts'
import { createPhone, type Phone } from '../support/phone.ts'
import { challenged, giveApp, onward, phones, rewrite, usePhones, wayOf, withPhone } from './push-support.ts'
import { advanced, passed, postOnly } from './support.ts'

/** What ends an answer's worth between the device's approval and the browser's taking it. */
const between: Readonly<Record<string, (host: Host, phone: Phone) => unknown>> = {
  'the device is removed by an operator': async ({ mfa }) => {
    const { authenticators } = await mfa.accounts.list('bob')
    for (const { id, factor } of authenticators) if (factor === 'push') await mfa.accounts.remove('bob', id)
  },
  'the device removes itself': (_host, phone) => phone.say({ act: 'remove' }),
  'the device is suspect': (host) =>
    rewrite(host, 'bob', (record) => ({
      ...record,
      authenticators: record.authenticators.map((one) => ({ ...one, status: 'suspect' as const })),
    })),
  'the factor is switched off': (host) =>
    rewrite(host, 'bob', (record) => ({ ...record, disabledFactors: { push: 1 } })),
  'the account is disabled by an operator': ({ mfa }) => mfa.accounts.disable('bob'),
  'the account is disabled and enabled again': async ({ mfa }) => {
    await mfa.accounts.disable('bob')
    await mfa.accounts.enable('bob')
  },
  'the account is disabled by its host': ({ accounts }) =>
    accounts.set('bob', { id: 'bob', label: 'bob@example.com', disabled: true }),
  'the account is gone': ({ accounts }) => accounts.delete('bob'),
  'the account is reset': ({ mfa }) => mfa.accounts.reset('bob'),
  'the password was changed': ({ accounts }) =>
    accounts.set('bob', { id: 'bob', label: 'bob@example.com', securityStamp: 'changed' }),
}

/** Ways in which a device is none, for a moment, and how it is one again. */
const noDevice: Readonly<Record<string, (host: Host) => Promise<unknown>>> = {
  suspect: (host) => setStatus(host, 'suspect'),
  disabled: (host) => setStatus(host, 'disabled'),
  'of a factor that is switched off': (host) =>
    rewrite(host, 'bob', (record) => ({ ...record, disabledFactors: { push: 1 } })),
  'of an account that an operator disabled': ({ mfa }) => mfa.accounts.disable('bob'),
  'of an account that its host disabled': async ({ accounts }) =>
    accounts.set('bob', { id: 'bob', label: 'bob@example.com', disabled: true }),
  'of an account that is gone': async ({ accounts }) => accounts.delete('bob'),
}

const setStatus = (host: Host, status: 'active' | 'suspect' | 'disabled') =>
  rewrite(host, 'bob', (record) => ({
    ...record,
    disabledFactors: {},
    authenticators: record.authenticators.map((one) => ({ ...one, status })),
  }))

describe('security: what an answer of a device is worth', () => {
  const bench = usePhones(() => phones())
  const approve = (phone: Phone, { shown, number }: Pick<Awaited<ReturnType<typeof challenged>>, 'shown' | 'number'>) =>
    phone.answer(shown, 'approve', { number })

  it('AC-82: what is taken late was proved when the device answered', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const answeredAt = bench.clock.now()
    await approve(phone, at)
    bench.clock.advance(400)
    const { authTime = 0, amr } = await at.redeem((await onward(at)).url)
    assert.ok(Math.abs(authTime - answeredAt) <= 2, `${authTime - answeredAt} s later`)
    assert.ok(amr?.includes('mfa'))
  })

  it('AC-82: what nobody took in ten minutes is worth nothing', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    await approve(phone, at)
    bench.clock.advance(601)
    assert.equal(advanced(await postOnly(at.browser, at.page, {})), false)
  })

  it('AC-82: nothing is answered once its time has passed, by any device or decision', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    bench.clock.advance(120)
    for (const decision of ['approve', 'deny', 'report'] as const)
      assert.equal((await phone.answer(at.shown, decision, { number: at.number })).body.error, 'no_challenge')
    assert.equal(advanced(await postOnly(at.browser, at.page, {})), false)
  })

  for (const [what, change] of Object.entries(between))
    it(`AC-82: an approval is worth nothing where ${what} before the browser goes on`, async () => {
      const phone = await withPhone(bench)
      const at = await challenged(bench, phone)
      assert.deepEqual((await approve(phone, at)).body, { outcome: 'approved' })
      // What was proved in the second of a change stands with what came after it.
      bench.clock.advance(2)
      await change(bench.host, phone)
      const page = await onward(at)
      assert.equal(passed(page), false, page.url.href)
      await bench.host.mfa.accounts.enable('bob').catch(() => undefined)
      assert.equal(passed(await at.browser.post(at.page)), false)
    })

  it('AC-82: a device that is none is told the same, whatever it was, and can do nothing', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const stranger = createPhone(bench.host.issuer)
    const { host } = bench
    const sayings = ({ device }: Phone): readonly string[] => [
      ...['pending', 'listen', 'update', 'remove'].map((act) => device.statement({ act })),
      device.answer(at.shown, 'approve', { number: at.number }),
      device.answer(at.shown, 'deny'),
      device.rotation().statement,
    ]
    const answersTo = async (one: Phone) => {
      const answers = []
      for (const statement of sayings(one)) {
        const response = await fetch(`${host.issuer}/mfa/devices`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ statement }),
        })
        const { date: _date, ...headers } = Object.fromEntries(response.headers)
        answers.push([response.status, headers, await response.text()])
      }
      return answers
    }
    const never = await answersTo(stranger)
    assert.match(JSON.stringify(never), /unknown_device/)
    for (const [what, become] of Object.entries(noDevice)) {
      await become(host)
      assert.deepEqual(await answersTo(phone), never, what)
      host.accounts.set('bob', { id: 'bob', label: 'bob@example.com' })
      await host.mfa.accounts.enable('bob')
      await setStatus(host, 'active')
      assert.notDeepEqual(await phone.pending(), undefined, what)
    }
    await phone.say({ act: 'remove' })
    assert.deepEqual(await answersTo(phone), never, 'removed')
    assert.equal(passed(await onward(at)), false)
  })

  it('AC-82: an answer that comes after the sign-in went on by another way opens nothing', async () => {
    const phone = await withPhone(bench)
    const secret = await giveApp(bench.host)
    bench.clock.advance(60)
    const at = await challenged(bench, phone)
    const entry = await at.browser.get(wayOf(at.page, 'totp'))
    const done = await at.browser.post(entry, { code: codeAt(secret) })
    assert.ok(passed(done))
    assert.equal(await phone.pending(), undefined, 'still asked')
    assert.equal((await approve(phone, at)).body.error, 'no_challenge')
    assert.equal(passed(await at.browser.get(at.page.url)), false)
    assert.deepEqual((await at.redeem(done.url)).amr, ['pwd', 'otp', 'mfa'])
  })

  it('AC-82: nor does one after the sign-in was cancelled, and the next is not kept waiting', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const away = await at.browser.post(
      at.page,
      {},
      at.page.targets.find((target) => target.endsWith('/cancel')),
    )
    assert.equal(away.url.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal(await phone.pending(), undefined, 'still asked')
    assert.equal((await approve(phone, at)).body.error, 'no_challenge')
    bench.clock.advance(31)
    await challenged(bench, phone)
  })
})
