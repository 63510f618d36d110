import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { createSealer } from '../../src/crypto/seal.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { redisAdapter } from '../../src/store/redis-adapter.ts'
import { fill } from '../journeys/flows.ts'
import { CLIENT, REDIRECT_URI } from '../support/host.ts'
import { createJourney, isAnswer, signIn } from '../support/relying-party.ts'
import { cookieOf, DEVICE, type Journey, told, useAdapterHost, withCookie } from './adapter-host.ts'
import { newKey } from './adapter-subject.ts'
import { keysOn } from './redis-subject.ts'

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:'
const DAY = 86_400

describe('store/redis-adapter, attacked', () => {
  const { bench, signedIn, tokensOf, isActive, userinfo, refreshed, silently } = useAdapterHost()
  const keys = async (kind: string) =>
    (await keysOn([bench.redis])).filter((name) => name.startsWith(`oidc-step-up:${kind}:`))

  describe('AC-76: an identifier of one kind is none of another', () => {
    /** One live identifier of every kind. */
    const identifiers = async () => {
      const { person } = await signedIn()
      const { access, refresh } = await tokensOf()
      const { config, request } = person.rp
      const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
      const pushed = await client.buildAuthorizationUrlWithPAR(
        config,
        Object.fromEntries((await request()).url.searchParams),
      )
      const opened = await bench.host.browser().get((await request()).url)
      const { url } = await request()
      // Without PKCE, so that a code alone is enough.
      for (const name of ['code_challenge', 'code_challenge_method']) url.searchParams.delete(name)
      const page = await person.browser.get(url)
      const session = cookieOf(person.browser, '_session')
      return {
        person,
        ids: {
          session,
          uid: (await bench.host.provider.Session.find(session))?.uid ?? '',
          interaction: opened.url.pathname.split('/')[2] ?? '',
          code: page.url.searchParams.get('code') ?? '',
          access,
          refresh,
          grant: (await bench.host.provider.AccessToken.find(access))?.grantId ?? '',
          device: device.device_code,
          user: device.user_code,
          request: (pushed.searchParams.get('request_uri') ?? '').slice(REQUEST_URI.length),
        },
      }
    }
    type Kind = keyof Awaited<ReturnType<typeof identifiers>>['ids']

    /** Every door, the kinds of identifier that open it, and whether one did. */
    const doors: Readonly<
      Record<string, readonly [readonly Kind[], (id: string, person: Journey) => Promise<boolean>]>
    > = {
      'a session cookie': [
        ['session'],
        async (id, { rp }) => {
          const browser = withCookie(bench.host.browser(), '_session', id)
          return (await silently({ rp, browser })).error === undefined
        },
      ],
      'an interaction cookie': [
        ['interaction'],
        async (id) => {
          const browser = withCookie(bench.host.browser(), '_interaction', id, `/interaction/${id}`)
          return (await browser.send(`/interaction/${id}`)).status === 200
        },
      ],
      'a bearer token': [['access'], async (id) => (await userinfo(id)) === 200],
      'an introspected token': [['access', 'refresh'], (id, person) => isActive(person, id)],
      'a pushed request': [
        ['request'],
        async (id) => {
          const query = new URLSearchParams({ client_id: CLIENT.client_id, request_uri: `${REQUEST_URI}${id}` })
          return (await bench.host.browser().get(`/auth?${query}`)).heading === 'host login'
        },
      ],
      'a user code': [
        ['user'],
        async (id) => {
          const browser = bench.host.browser()
          return (await fill(browser, await browser.get('/device'), { user_code: id })).heading === 'Confirm Device'
        },
      ],
      'a device code': [
        ['device'],
        async (id, { rp }) => {
          const [answer = ''] = await told([client.genericGrantRequest(rp.config, DEVICE, { device_code: id })])
          return answer === 'authorization_pending'
        },
      ],
      'the cookie of a way back': [
        ['interaction'],
        async (id) => {
          const browser = withCookie(bench.host.browser(), '_interaction_resume', id, `/auth/${id}`)
          return (await browser.send(`/auth/${id}`, { follow: false })).status < 400
        },
      ],
      'a code': [
        ['code'],
        async (code, { rp }) => {
          const parameters = { code, redirect_uri: REDIRECT_URI }
          return (await told([client.genericGrantRequest(rp.config, 'authorization_code', parameters)]))[0] === 'ok'
        },
      ],
      'a refresh token': [['refresh'], async (id, person) => (await told([refreshed(person, id)]))[0] === 'ok'],
    }

    it('at any door', async () => {
      const { person, ids } = await identifiers()
      const all = Object.entries(doors).flatMap(([door, [kinds, opens]]) =>
        (Object.entries(ids) as [Kind, string][]).map(([kind, id]) => ({
          door,
          kind,
          id,
          isRight: kinds.includes(kind),
          opens,
        })),
      )
      assert.equal(all.length, 100)
      // The right ones last, as they use some up.
      for (const { door, kind, id, isRight, opens } of all.sort(
        (one, other) => Number(one.isRight) - Number(other.isRight),
      ))
        assert.equal(await opens(id, person), isRight, `${kind} as ${door}`)
    })

    it('in any model', async () => {
      const { ids } = await identifiers()
      const { provider } = bench.host
      const models: Readonly<Record<string, readonly [Kind | undefined, (id: string) => Promise<unknown>]>> = {
        Session: ['session', (id) => provider.Session.find(id)],
        'Session by uid': ['uid', (id) => provider.Session.findByUid(id)],
        Interaction: ['interaction', (id) => provider.Interaction.find(id)],
        AuthorizationCode: ['code', (id) => provider.AuthorizationCode.find(id)],
        AccessToken: ['access', (id) => provider.AccessToken.find(id)],
        RefreshToken: ['refresh', (id) => provider.RefreshToken.find(id)],
        Grant: ['grant', (id) => provider.Grant.find(id)],
        DeviceCode: ['device', (id) => provider.DeviceCode.find(id)],
        'DeviceCode by user code': ['user', (id) => provider.DeviceCode.findByUserCode(id.replaceAll('-', ''))],
        PushedAuthorizationRequest: ['request', (id) => provider.PushedAuthorizationRequest.find(id)],
        ClientCredentials: [undefined, (id) => provider.ClientCredentials.find(id)],
      }
      for (const [model, [own, find]] of Object.entries(models))
        for (const [kind, id] of Object.entries(ids))
          assert.equal((await find(id)) !== undefined, kind === own, `${kind} as ${model}`)
    })
  })

  describe('AC-75: whoever writes Redis', () => {
    const ESSENTIAL = { claims: JSON.stringify({ id_token: { acr: { essential: true, value: MULTI_FACTOR } } }) }
    const row = (who: string, more = {}) => ({
      ...{
        kind: 'Session',
        jti: 'forged',
        uid: 'forged',
        accountId: who,
        loginTs: bench.clock.now(),
        acr: MULTI_FACTOR,
      },
      ...{ amr: ['pwd', 'otp', 'mfa'], iat: bench.clock.now(), exp: bench.clock.now() + DAY, authorizations: {} },
      ...more,
    })

    it('makes no session, though he knows the layout, every cookie key and other sealing keys', async () => {
      const { person } = await signedIn('mallory')
      const theirs = redisAdapter({ connection: bench.connection, sealingKeys: [newKey()] })('Session')
      const ours = bench.adapter('Session')
      const plain = JSON.stringify(row('bob'))
      const sealed = createSealer([newKey()]).seal(plain, ['row', 'Session', 'forged'])
      await ours.upsert('forged', row('mallory'), DAY)
      const places = (await keysOn([bench.redis])).filter((name) => name.includes(':Session'))
      const own = await Promise.all(places.map((place) => bench.redis.command('GET', place)))
      const insert = async (text: (old: string) => string) => {
        for (const [index, place] of places.entries()) await bench.redis.command('SET', place, text(String(own[index])))
      }
      const attempts: readonly (() => Promise<unknown>)[] = [
        () => theirs.upsert('forged', row('bob'), DAY),
        () => insert(() => plain),
        () => insert((old) => old.slice(0, 10) + plain),
        () => insert(() => `${'0'.repeat(10)}${sealed}`),
        () => insert((old) => old.replace(/v1.*/, sealed)),
      ]
      for (const [index, attempt] of attempts.entries()) {
        await attempt()
        const browser = withCookie(bench.host.browser(), '_session', 'forged')
        assert.equal((await silently({ rp: person.rp, browser })).error, 'login_required', `attempt ${index}`)
        await insert((old) => old)
      }
      const browser = withCookie(bench.host.browser(), '_session', 'forged')
      assert.notEqual((await silently({ rp: person.rp, browser })).error, 'login_required', 'the door itself is open')
    })

    it("takes no place of another's session, and no level, with any row put anywhere", async () => {
      const [bob, mallory] = [await signedIn('bob'), await signedIn('mallory')]
      const names = (await keysOn([bench.redis])).filter((name) => /:(Session|Session-uid|Grant|ledger):/.test(name))
      const texts = new Map<string, string>()
      for (const name of names.filter((one) => !one.includes(':ids:')))
        texts.set(name, String(await bench.redis.command('GET', name)))
      assert.ok(texts.size >= 8)
      const moves = [...texts].flatMap(([into, own]) => [...texts].map(([from, text]) => ({ into, own, from, text })))
      for (const { into, own, from, text } of moves.filter((move) => move.from !== move.into)) {
        await bench.redis.command('SET', into, text)
        const { error, who } = await silently(mallory.person)
        assert.equal(error === undefined ? await who() : 'mallory', 'mallory', `${from} at ${into}`)
        const level = await silently(mallory.person, ESSENTIAL)
        assert.match(level.error ?? 'none', /^(interaction|login)_required$/, `${from} at ${into}`)
        await bench.redis.command('SET', into, own)
      }
      assert.equal(await (await silently(bob.person)).who(), 'bob')
    })

    it('answers no interaction, and so nobody signs in by it', async () => {
      const person = await createJourney(bench.host, 'mallory')
      const { url } = await person.rp.request()
      const page = await person.browser.get(url)
      const uid = page.url.pathname.split('/')[2] ?? ''
      const [name = ''] = await keys('Interaction')
      const before = String(await bench.redis.command('GET', name))
      const interaction = await bench.adapter('Interaction').find(uid)
      const answered = { ...interaction, result: { login: { accountId: 'bob', acr: MULTI_FACTOR } } }
      const plain = JSON.stringify(answered)
      const resume = `/auth/${uid}`
      for (const forged of [
        plain,
        `${'0'.repeat(10)}${plain}`,
        before.replace(/v1.*/, createSealer([newKey()]).seal(plain, [])),
      ]) {
        await bench.redis.command('SET', name, forged)
        const after = await person.browser.send(resume, { follow: false })
        assert.equal(after.status, 400)
        assert.equal((await silently(person)).error, 'login_required')
      }
      await bench.redis.command('SET', name, before)
      const after = await signIn(person.browser, page, 'mallory')
      assert.ok(isAnswer(after))
    })

    it('puts back what has ended, but not beyond the end it was made with', async () => {
      const { person } = await signedIn('bob')
      const copies = await Promise.all(
        (await keys('Session')).map(async (name) => [name, String(await bench.redis.command('GET', name))] as const),
      )
      const restored = async () => {
        for (const [name, text] of copies) await bench.redis.command('SET', name, text)
        const browser = person.browser.clone()
        return (await silently({ rp: person.rp, browser })).error
      }
      await bench.redis.command('FLUSHALL')
      assert.equal((await silently({ rp: person.rp, browser: person.browser.clone() })).error, 'login_required')
      assert.equal(await restored(), undefined)
      bench.clock.advance(15 * DAY)
      assert.equal(await restored(), 'login_required')
    })
  })
})
