import assert from 'node:assert/strict'
import type { Context } from 'koa'
import { createBankSessions } from '../../src/cli/bank-sessions.ts'

describe('cli/bank-sessions', () => {
  const visitor = () => {
    const jar = new Map<string, string>()
    const cookies = { get: (name: string) => jar.get(name), set: (name: string, value: string) => jar.set(name, value) }
    return { jar, ctx: { cookies } as unknown as Context }
  }

  const person = (sub: string) => ({ sub, name: sub, claims: {}, scopes: [], idToken: '' })

  it('signs in under a new cookie and a new token, so that who knew the old ones is out', () => {
    const { ctx, jar } = visitor()
    const sessions = createBankSessions()
    const before = sessions.ensure(ctx)
    const planted = jar.get('bank')
    const after = sessions.signIn(ctx, before, person('bob'))
    assert.notEqual(after.csrf, before.csrf)
    assert.notEqual(jar.get('bank'), planted)
    assert.equal(sessions.of(ctx), after)
    const again = sessions.signIn(ctx, after, person('bob'))
    assert.equal(again.csrf, after.csrf)
    assert.notEqual(sessions.signIn(ctx, again, person('eve')).csrf, after.csrf)
    jar.set('bank', planted ?? '')
    assert.equal(sessions.of(ctx), undefined)
  })
})
