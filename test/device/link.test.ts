import assert from 'node:assert/strict'
import fc from 'fast-check'
import { base64url, utf8 } from '../../src/device/encoding.ts'
import { DeviceError, readLink } from '../../src/device/index.ts'

const TICKET = 'AbCdEfGhIjKlMnOpQrSt-_'

describe('an enrolment link', () => {
  for (const issuer of [
    'https://login.example.com',
    'https://login.example.com:8443/tenants/a/oidc',
    'http://localhost:3000',
    'http://127.0.0.1/op',
  ])
    it(`names the issuer ${issuer}`, () => {
      const expected = { issuer, ticket: TICKET }
      assert.deepEqual(readLink(`${issuer}/authenticator#enroll=${TICKET}`), expected)
      assert.deepEqual(readLink(` ${issuer}/authenticator/#enroll=${TICKET}\n`), expected)
    })

  for (const link of [
    '',
    `http://login.example.com/authenticator#enroll=${TICKET}`,
    `http://localhost.example.com/authenticator#enroll=${TICKET}`,
    `http://localhost@example.com/authenticator#enroll=${TICKET}`,
    `https://user:password@example.com/authenticator#enroll=${TICKET}`,
    `https://example.com?x=/authenticator#enroll=${TICKET}`,
    `https://example.com#/authenticator#enroll=${TICKET}`,
    `https://example.com/authenticator?enroll=${TICKET}`,
    `https://example.com/authenticator#enroll=${TICKET.slice(1)}`,
    `https://example.com/authenticator#enroll=${TICKET}&more=1`,
    `https://example.com/authenticator#enroll=${'A'.repeat(65)}`,
    `https://example.com/${'a'.repeat(2100)}/authenticator#enroll=${TICKET}`,
    `https://exa mple.com/authenticator#enroll=${TICKET}`,
    `javascript:alert(1)//authenticator#enroll=${TICKET}`,
    `//example.com/authenticator#enroll=${TICKET}`,
  ])
    it(`is not ${JSON.stringify(link.slice(0, 80))}`, () => {
      assert.throws(
        () => readLink(link),
        (thrown) => thrown instanceof DeviceError && thrown.code === 'invalid_link',
      )
    })

  it('is read from any text without a fault of its own', () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, isNear) => {
        try {
          readLink(isNear ? `https://${text}/authenticator#enroll=${TICKET}` : text)
        } catch (thrown) {
          assert.ok(thrown instanceof DeviceError)
        }
      }),
    )
  })
})

describe('base64url', () => {
  it('is what Node makes of the same bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(base64url(utf8(text)), Buffer.from(text).toString('base64url'))
      }),
    )
  })
})
