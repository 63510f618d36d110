import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, secretOn } from '../support/relying-party.ts'
import { advanced, challenged, enrolled, type Journey, passed, TWO_KINDS, useBench } from './support.ts'

interface Attack {
  readonly csrf: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly status: number
}

/** Each from a page that is not ours, or without its token; the rest of the form is as it should be. */
const attacks = (own: string, foreign: string, issuer: string): Readonly<Record<string, Attack>> => {
  const no = { csrf: own, headers: {}, status: 403 }
  const from = (headers: Attack['headers']) => ({ ...no, headers })
  const { port } = new URL(issuer)
  return {
    'no token': { ...no, csrf: undefined },
    'an empty token': { ...no, csrf: '' },
    'a token of another account': { ...no, csrf: foreign },
    'half a token': { ...no, csrf: own.slice(0, -1) },
    'a longer token': { ...no, csrf: `${own}A` },
    'the token in other letters': { ...no, csrf: own.toLowerCase() === own ? own.toUpperCase() : own.toLowerCase() },
    'another site': from({ 'sec-fetch-site': 'cross-site' }),
    'another site, with our origin': from({ 'sec-fetch-site': 'cross-site', origin: issuer }),
    'a sibling site': from({ 'sec-fetch-site': 'same-site' }),
    'a word no browser says': from({ 'sec-fetch-site': 'same-origin, cross-site' }),
    'a foreign origin': from({ origin: 'https://evil.example' }),
    'an origin that begins like ours': from({ origin: `http://localhost.evil.example:${port}` }),
    'our host at another port': from({ origin: 'http://localhost:1' }),
    'no origin one could read': from({ origin: 'localhost' }),
    'no origin and no token': { ...no, csrf: undefined, headers: { origin: 'null' } },
    'plain text, as forms can send it': { ...from({ 'content-type': 'text/plain' }), status: 415 },
    JSON: { ...from({ 'content-type': 'application/json' }), status: 415 },
    multipart: { ...from({ 'content-type': 'multipart/form-data; boundary=x' }), status: 415 },
    'no type at all': { ...from({ 'content-type': '' }), status: 415 },
  }
}

describe('security: forms from elsewhere', () => {
  const bench = useBench()

  const assertRefused = async (journey: Journey, page: Page, foreign: string, code: string) => {
    const ways = { totp: { code }, cancel: {}, decline: {} }
    for (const [way, form] of Object.entries(ways))
      for (const [name, { csrf, headers, status }] of Object.entries(attacks(page.csrf, foreign, bench.host.issuer))) {
        const answer = await journey.browser.send(`${page.url.pathname}/${way}`, {
          form: { ...form, ...(csrf === undefined ? {} : { csrf }) },
          headers,
          follow: false,
        })
        assert.deepEqual([answer.status, advanced(answer)], [status, false], `${way}: ${name}`)
      }
  }

  it('AC-53: answer no challenge, cancel none and decline none', async () => {
    const bob = await enrolled(bench)
    const carol = await enrolled(bench, 'carol')
    const { csrf } = (await challenged(carol)).page
    const { page } = await challenged(bob, { acr_values: 'urn:okta:loa:2fa:any' })
    await assertRefused(bob, page, csrf, codeAt(bob.secret))
    assert.ok(passed(await bob.answer(page)), 'and what is ours still works')
  })

  it('AC-53: confirm no enrolment', async () => {
    const alice = await createJourney(bench.host, 'alice')
    const carol = await createJourney(bench.host, 'carol')
    const { csrf } = (await carol.go(TWO_KINDS)).page
    const { page } = await alice.go({ acr_values: 'urn:okta:loa:2fa:any' })
    await assertRefused(alice, page, csrf, codeAt(secretOn(page)))
    assert.ok(passed(await alice.enroll(page)))
  })

  it('AC-53: what browsers send from our own pages is taken', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const { origin } = new URL(bench.host.issuer)
    for (const headers of [{ 'sec-fetch-site': 'same-origin', origin: 'null' }, { origin }, { origin: 'null' }, {}]) {
      const answer = await bob.browser.send(page.action, { form: { csrf: page.csrf, code: '000000' }, headers })
      assert.equal(answer.status, 422)
    }
  })
})
