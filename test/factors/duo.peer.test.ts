import assert from 'node:assert/strict'
import { Agent } from 'node:https'
import { Client } from '@duosecurity/duo_universal'
import { APPROVES } from '../support/duo.ts'
import { account, by, FORGERIES, WAYS, withDuo } from './duo-support.ts'

const REDIRECT = 'https://login.example.com/mfa/uid/duo/return'
/** Drawn anew each time, or signed. */
const DRAWN = new Set(['jti', 'iat', 'exp', 'state', 'nonce', 'request', 'client_assertion', 'code'])
const comparable = (fields: object) =>
  Object.entries(fields)
    .filter(([name]) => !DRAWN.has(name))
    .sort(([one], [other]) => one.localeCompare(other))

describe('factors/duo: beside the client that Duo makes', () => {
  const duo = withDuo()

  const official = () => {
    const client = new Client({ ...duo.peer.options, redirectUrl: REDIRECT })
    // It trusts the authorities of Duo's own certificate only, and lets nobody say otherwise.
    const { axios } = client as unknown as { axios: { defaults: { httpsAgent: Agent } } }
    axios.defaults.httpsAgent = new Agent({ ca: duo.peer.ca })
    return client
  }

  /** The whole way with Duo's client. */
  const through = async () => {
    const client = official()
    await client.healthCheck()
    const back = await duo.peer.visit(await client.createAuthUrl(account.label, client.generateState()))
    return client.exchangeAuthorizationCodeFor2FAResult(back.searchParams.get('duo_code') ?? '', account.label)
  }

  it('makes the same requests', async () => {
    await through()
    const theirs = duo.peer.requests.splice(0)
    await duo.answered()
    assert.deepEqual(duo.peer.complaints, [])
    assert.equal(theirs.length, 3)
    for (const [index, { endpoint, form, claims, header }] of theirs.entries()) {
      const own = duo.peer.requests[index]
      assert.ok(own !== undefined)
      assert.deepEqual(
        [own.endpoint, comparable(own.form), comparable(own.claims), own.header],
        [endpoint, comparable(form), comparable(claims), header],
      )
      // All that theirs has, ours has; and beside it the nonce, which theirs leaves out.
      assert.deepEqual(
        [
          Object.keys(claims).filter((name) => !(name in own.claims)),
          Object.keys(own.claims).filter((name) => !(name in claims)),
        ],
        [[], endpoint === 'authorize' ? ['nonce'] : []],
      )
      assert.equal(String(own.claims.jti ?? '').length, String(claims.jti ?? '').length)
      assert.ok(Math.abs((own.claims.exp ?? 0) - (claims.exp ?? 0)) < 10)
    }
  })

  it('takes what that one takes', async () => {
    for (const [factor, reason] of WAYS.filter((_way, index) => index % 4 === 0)) {
      duo.peer.script.person = by(factor, reason)
      assert.equal((await through()).auth_context.factor, factor)
      assert.equal((await duo.answered()).outcome, 'accepted')
    }
  })

  it('refuses what that one refuses, and a denial, which it takes', async () => {
    duo.peer.script.person = { ...APPROVES, result: 'deny', status: 'deny' }
    assert.equal((await through()).auth_result.result, 'deny')
    assert.equal((await duo.answered()).outcome, 'refused')
    for (const [name, forge] of FORGERIES.slice(0, 7)) {
      Object.assign(duo.peer.script, { forge, person: APPROVES })
      await assert.rejects(through(), name)
      assert.equal((await duo.answered()).outcome, 'refused', name)
    }
  })
})
