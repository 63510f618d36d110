import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import { memoryStore } from '../../src/store/memory.ts'
import { DONE, SETUP } from '../journeys/help.ts'
import { CHALLENGE, ENROLL, LOGIN, outcomeOf, type Person, useStage, visit } from '../journeys/stage.ts'
import type { Page } from '../support/browser.ts'
import { codeAt, type Host } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import { AAL1, AAL2, AAL3, KEY, withNist } from './nist.ts'

const HOUR = 3600

describe('security: sessions of NIST SP 800-63B-4', () => {
  const stage = useStage()

  describe('NIST-5.1a: no cookie takes the place of a proof', () => {
    const FLOOR = { policy: { default: 'always' } } as const

    it('NIST-5.1a: the preset offers to remember nothing, and takes no form that asks for it', async () => {
      const bob = await stage.enrolled(await stage.host(withNist(FLOOR)))
      const { page } = await bob.go()
      assert.equal(page.heading, CHALLENGE)
      assert.doesNotMatch(page.text, /remember/)
      const asked = await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })
      assert.equal(asked.status, 400)
      await bob.answer(page)
      assert.ok(bob.browser.cookies().every(({ name }) => !name.includes('step-up')))
    })

    it('NIST-5.1a: a cookie from before the preset was chosen is not looked at', async () => {
      const store = memoryStore()
      const before = await stage.host({ stepUp: { ...FLOOR, store } })
      const bob = await stage.enrolled(before)
      const { page } = await bob.go()
      await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })
      const kept = bob.browser.cookies().filter(({ name }) => name.startsWith('step-up-browser'))
      assert.equal(kept.length, 1)
      stage.clock.advance(60)
      for (const [options, seen] of [
        [{ stepUp: { ...FLOOR, store } }, [LOGIN]],
        [withNist({ ...FLOOR, store }), [LOGIN, CHALLENGE]],
      ] as const) {
        const again = await stage.person(await stage.host(options))
        again.secret = bob.secret
        again.browser.load(kept)
        assert.deepEqual((await visit(again)).seen, seen)
      }
    })
  })

  /** Plays a story at one browser, and compares after each of its parts what a silent request is told. */
  const play = async (bob: Person, story: readonly (number | 'password' | 'key')[]) => {
    const at = { password: 0, key: Number.NEGATIVE_INFINITY }
    let now = 0
    const note = ({ seen }: { readonly seen: readonly string[] }) => {
      if (seen.includes(LOGIN)) at.password = now
      if (seen.includes(CHALLENGE) || seen.includes(ENROLL)) at.key = now
    }
    const parts = {
      password: async () => note(await visit(bob, { prompt: 'login' })),
      key: async () => note(await visit(bob, { acr_values: AAL3 })),
    }
    note(await visit(bob))
    for (const part of story) {
      const seconds = typeof part === 'number' ? part * HOUR + 5 : 60
      stage.clock.advance(seconds)
      now += seconds
      if (typeof part !== 'number') await parts[part]()
      const oldest = now - Math.min(at.password, at.key)
      const expected = [AAL3, AAL2].filter((acr) => oldest <= (acr === AAL3 ? 12 : 24) * HOUR)[0] ?? AAL1
      assert.equal(await outcomeOf(await visit(bob, { prompt: 'none' })), expected, `after ${part}`)
    }
  }

  it('NIST-5.1b: whatever happened before, a session is told the level of what still stands, and no more', async () => {
    const host = await stage.host(withNist({ factors: [KEY] }))
    const part = fc.constantFrom('password' as const, 'key' as const, 1, 5, 12, 13, 24, 25)
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 3, maxLength: 6 }), async (story) => {
        await host.mfa.accounts.reset('bob')
        await play(await stage.person(host), story)
      }),
      { numRuns: 8, endOnFailure: true },
    )
  })

  describe('NIST-5.1c: every cookie of ours', () => {
    const lines: string[] = []
    const listen = (message: unknown) => {
      const set = (message as { response: ServerResponse }).response.getHeader('set-cookie') ?? []
      lines.push(...[set].flat().map(String))
    }
    beforeEach(() => subscribe('http.server.response.finish', listen))
    afterEach(() => {
      unsubscribe('http.server.response.finish', listen)
      lines.length = 0
    })

    /** A browser all of whose requests came over TLS, or all over plain HTTP, by the proxy's word. */
    const through = (host: Host, protocol: 'http' | 'https') => {
      const browser = host.browser()
      const send = async (target: string | URL, form?: Readonly<Record<string, string>>): Promise<Page> => {
        const headers = { 'x-forwarded-proto': protocol }
        const page = await browser.send(target, { headers, ...(form === undefined ? {} : { form }) })
        // The redirect leaves for https, where the proxy would be.
        return page.url.protocol === 'https:' ? send(page.url.href.replace('https:', 'http:')) : page
      }
      const post = ({ action, csrf }: Page, fields: Readonly<Record<string, string>>) =>
        send(action, { csrf, ...fields })
      return { send, post }
    }

    /** Signs in, sets up an app, signs in again with it, uses what that left, and sets up another app by ticket. */
    const story = async (host: Host, protocol: 'http' | 'https', fields: Readonly<Record<string, string>>) => {
      const { rp } = await stage.person(host)
      const { send, post } = through(host, protocol)
      const enter = async () => {
        const page = await send((await rp.request({ prompt: 'login' })).url)
        assert.equal(page.heading, LOGIN)
        return send(page.action, { login: 'bob' })
      }
      const enroll = await enter()
      await post(enroll, { code: codeAt(secretOn(enroll)) })
      stage.clock.advance(60)
      const challenge = await enter()
      assert.equal(challenge.heading, CHALLENGE)
      await post(challenge, { code: codeAt(secretOn(enroll)), ...fields })
      const { url } = await host.mfa.accounts.issueTicket('bob')
      const setup = await post(await send(SETUP), { ticket: url })
      assert.equal((await post(setup, { code: codeAt(secretOn(setup)) })).heading, DONE)
    }

    const nameOf = (line: string) => line.slice(0, line.indexOf('='))
    const cookieOf = (line: string) => {
      const [pair = '', ...attributes] = line.split('; ')
      const kept = attributes.filter((attribute) => !attribute.startsWith('expires='))
      return { value: pair.slice(pair.indexOf('=') + 1), attributes: kept }
    }

    for (const [levels, fields, names] of [
      ['nist', {}, ['step-up-setup']],
      ['standard', { remember: 'yes' }, ['step-up-browser-', 'step-up-setup']],
    ] as const)
      for (const [protocol, prefix, secure] of [
        ['http', '', []],
        ['https', '__Host-', ['secure']],
      ] as const)
        it(`NIST-5.1c: with the preset ${levels} over ${protocol}, for this host, no script, no other site and no reader`, async () => {
          const host = await stage.host({
            stepUp: { levels, policy: { default: 'always' } },
            prepare: (provider) => {
              provider.proxy = true
            },
          })
          await story(host, protocol, fields)
          const ours = lines.filter((line) => !/^_(session|interaction)/.test(line))
          const found = ours.map((line) => nameOf(line).replace(/(?<=browser-)[\w-]{11}$/, ''))
          assert.deepEqual(
            [...new Set(found)],
            names.map((name) => `${prefix}${name}`),
          )
          const cookies = ours.map(cookieOf)
          for (const { value, attributes } of cookies) {
            assert.deepEqual(attributes, ['path=/', 'samesite=lax', ...secure, 'httponly'])
            assert.doesNotMatch(`${Buffer.from(value, 'base64url').toString('latin1')} ${value}`, /\bbob\b|example/)
          }
          const values = cookies.map(({ value }) => value).filter((value) => value !== '')
          assert.equal(values.length, names.length)
          for (const value of values) assert.match(value, /^[\w.~-]{43,}$/)
        })
  })
})
