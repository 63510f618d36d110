import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import { type DuoOptions, duo } from '../../src/factors/duo.ts'

const options = {
  clientId: 'DI0123456789ABCDEFGH',
  clientSecret: 'secret-of-the-test-0123456789-abcdefghij',
  apiHost: 'api-1a2b3c4d.duosecurity.com',
}
const account = { id: 'bob', label: 'bob@example.com' }

describe('factors/duo: options', () => {
  const wrong: readonly (readonly [string, object])[] = [
    ['clientId', { clientId: undefined }],
    ['clientId', { clientId: 'DI0123' }],
    ['clientSecret', { clientSecret: 'too-short' }],
    ['clientSecret', { clientSecret: undefined }],
    ['apiHost', { apiHost: 'https://api-1a2b3c4d.duosecurity.com' }],
    ['apiHost', { apiHost: 'api-1a2b3c4d.duosecurity.com/oauth' }],
    ['apiHost', { apiHost: 'user@api-1a2b3c4d.duosecurity.com' }],
    ['apiHost', { apiHost: '' }],
    ['username', { username: 'label' }],
    ['allowRememberBrowser', { allowRememberBrowser: 'no' }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
    ['timeoutSeconds', { timeoutSeconds: 5 }],
    ['ca', { ca: 'ca.pem' }],
    ['failmode', { failmode: 'open' }],
  ]
  for (const [name, more] of wrong)
    it(`refuses ${JSON.stringify(more)}`, () =>
      assert.throws(
        () => duo({ ...options, ...more } as unknown as DuoOptions),
        (error) =>
          error instanceof StepUpError &&
          error.code === 'ERR_CONFIG' &&
          (error.message.includes(`duo({ ${name} })`) || name === 'failmode') &&
          !error.message.includes('too-short'),
      ))

  it('is the only factor of an account, which it follows from: one user of Duo by the name of the account', () => {
    const factor = duo(options)
    const [one, ...others] = factor.implied?.(account) ?? []
    assert.deepEqual(others, [])
    assert.match(one?.id ?? '', /^duo:[\w-]{43}$/)
    assert.deepEqual(
      { ...one, id: '' },
      { id: '', factor: 'duo', status: 'active', createdAt: 0, data: { username: account.label } },
    )
    assert.equal(factor.exclusive, true)
    assert.equal(factor.enroll, undefined)
    assert.equal(one && factor.describe(one), account.label)
    assert.notEqual(one?.id, factor.implied?.({ ...account, label: 'eve@example.com' })[0]?.id)
  })

  it('asks the host by which name Duo knows an account, and takes none for none', () => {
    const factor = duo({ ...options, username: ({ metadata }) => metadata?.duo as string | undefined })
    const named = (name: unknown) => factor.implied?.({ ...account, metadata: { duo: name } }) ?? []
    assert.deepEqual(named('b.smith')[0]?.data, { username: 'b.smith' })
    for (const name of [undefined, '', '  ', 7]) assert.deepEqual(named(name), [])
  })

  it('remembers the browser for thirty days, or not at all', () => {
    assert.equal(duo(options).remembersForSeconds, 2_592_000)
    assert.equal('remembersForSeconds' in duo({ ...options, allowRememberBrowser: false }), false)
  })

  it('plans with possession alone, whatever Duo may show', () => {
    const { kinds, traits, amr } = duo(options)
    assert.deepEqual({ kinds, traits, amr }, { kinds: ['possession'], traits: [], amr: ['duo'] })
  })
})
