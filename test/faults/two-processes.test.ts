import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { refreshTokenGrant } from 'openid-client'
import { MULTI_FACTOR } from '../../src/index.ts'
import { startFleet } from '../cli/fleet.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { createRelyingParty, errorOf, isAnswer, secretOn } from '../support/relying-party.ts'

const LOGIN = 'Sign in'
const CONSENT = 'Allow this app to use your account?'
const ENROLL = 'Set up your authenticator app'
const SAVE = 'Save your recovery codes'
const CHALLENGE = 'Enter the code from your authenticator app'
const RECOVER = 'Enter one of your recovery codes'
const TWO_KINDS = { acr_values: MULTI_FACTOR }

type Fields = Readonly<Record<string, string>>

const codesOn = ({ text }: Page) =>
  load(text)('#codes li')
    .map((_index, item) => load(item).text().trim())
    .get()
const linkOn = ({ targets }: Page, end: string) => targets.find((target) => target.endsWith(end)) ?? ''
const xsrfOn = ({ text }: Page) => /name="xsrf" value="(\w+)"/.exec(text)?.[1] ?? ''

describe('two processes behind a balancer that gives them requests in turn', function slow() {
  this.timeout('60s')
  let redis: Redis
  let fleet: Awaited<ReturnType<typeof startFleet>>
  let rp: Awaited<ReturnType<typeof createRelyingParty>>
  before(async () => {
    redis = await startRedis()
    fleet = await startFleet(redis.url)
    rp = await createRelyingParty(fleet)
  })
  after(async () => {
    await fleet.close()
    await redis.stop()
  })

  /** Somebody with a browser, who answers pages until one comes that needs the test's own answer. */
  const person = (username: string) => {
    const answers: Readonly<Record<string, (page: Page) => Fields | Promise<Fields>>> = {
      [LOGIN]: () => ({ username, password: 'right' }),
      [CONSENT]: () => ({}),
      [CHALLENGE]: async ({ text }) => {
        await fleet.advance(30)
        const remember: Fields = load(text)('#remember').length > 0 ? { remember: 'yes' } : {}
        return { code: codeAt(someone.secret), ...remember }
      },
      [ENROLL]: (page) => {
        someone.secret = secretOn(page)
        return { code: codeAt(someone.secret) }
      },
      [SAVE]: (page) => {
        someone.codes = codesOn(page)
        return { kept: 'yes' }
      },
    }
    const someone = {
      browser: createBrowser(fleet.issuer),
      secret: '',
      codes: [] as string[],
      /** A browser that knows nothing yet. */
      elsewhere: () => {
        someone.browser = createBrowser(fleet.issuer)
      },
      answer: async (page: Page): Promise<Page | undefined> => {
        const fields = await answers[page.heading]?.(page)
        return fields && someone.browser.post(page, fields)
      },
      /** Goes from the relying party up to the page of that heading, or back to the relying party. */
      go: async (parameters: Fields = {}, until?: string) => {
        const { url, redeem } = await rp.request(parameters)
        return { ...(await someone.walk(await someone.browser.get(url), until)), redeem }
      },
      walk: async (from: Page, until?: string) => {
        let page = from
        const seen: string[] = []
        while (!isAnswer(page) && page.heading !== until) {
          seen.push(page.heading)
          const next = await someone.answer(page)
          assert.ok(next && seen.length < 10, `stuck after ${seen.join(', ')}: ${page.status}`)
          page = next
        }
        return { page, seen }
      },
      signOut: async () => {
        const leaving = await someone.browser.get('/session/end?client_id=app')
        const form = { xsrf: xsrfOn(leaving), logout: 'yes' }
        return someone.browser.send(leaving.action, { form })
      },
    }
    return someone
  }

  /** Somebody with an authenticator app and recovery codes, at a browser that knows nothing of it. */
  const enrolled = async (username: string) => {
    const someone = person(username)
    await someone.go(TWO_KINDS)
    someone.elsewhere()
    return someone
  }

  it('sign somebody in, set an app up, and step up later', async () => {
    const ann = person('ann')
    const first = await ann.go()
    assert.deepEqual(first.seen, [LOGIN, CONSENT])
    assert.deepEqual((await first.redeem(first.page.url)).amr, ['pwd'])
    const second = await ann.go(TWO_KINDS)
    assert.deepEqual(second.seen, [ENROLL, SAVE])
    const { acr, amr } = await second.redeem(second.page.url)
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
    await fleet.advance(120)
    const third = await ann.go({ ...TWO_KINDS, max_age: '60' })
    assert.deepEqual(third.seen, [CHALLENGE])
    assert.equal((await third.redeem(third.page.url)).acr, MULTI_FACTOR)
    const [one = 0, other = 0] = fleet.served
    assert.ok(Math.abs(one - other) <= 1 && one > 5, `${one} and ${other} requests`)
  })

  it('AC-41: count wrong codes together', async () => {
    const bea = await enrolled('bea')
    const { page } = await bea.go(TWO_KINDS, CHALLENGE)
    await fleet.advance(60)
    for (let guess = 0; guess < 5; guess += 1) await bea.browser.post(page, { code: '000000' })
    bea.elsewhere()
    for (const _process of fleet.served) {
      const { page: fresh } = await bea.go(TWO_KINDS, CHALLENGE)
      const throttled = await bea.browser.post(fresh, { code: codeAt(bea.secret) })
      assert.match(throttled.text, /Too many codes did not work/)
      bea.elsewhere()
    }
    await fleet.advance(31)
    assert.ok(isAnswer((await bea.go(TWO_KINDS)).page))
  })

  it('count wrong passwords together', async () => {
    const { browser, go } = person('cai')
    const { page } = await go({}, LOGIN)
    for (let guess = 0; guess < 10; guess += 1)
      assert.equal((await browser.post(page, { username: 'cai', password: 'wrong' })).status, 422)
    for (const _process of fleet.served)
      assert.equal((await browser.post(page, { username: 'Cai', password: 'right' })).status, 429)
    await fleet.advance(16)
    assert.equal((await browser.post(page, { username: 'cai', password: 'right' })).heading, CONSENT)
  })

  it('take a recovery code once, of two at the same time', async () => {
    const dan = await enrolled('dan')
    const entries = []
    for (const _process of fleet.served) {
      dan.elsewhere()
      const { page } = await dan.go(TWO_KINDS, CHALLENGE)
      const ways = await dan.browser.get(linkOn(page, '/choose'))
      const entry = await dan.browser.get(linkOn(ways, '/recovery-codes'))
      assert.equal(entry.heading, RECOVER)
      entries.push({ entry, browser: dan.browser })
    }
    const [code = ''] = dan.codes
    const pages = await Promise.all(entries.map(({ entry, browser }) => browser.post(entry, { code })))
    assert.deepEqual(pages.map(({ heading }) => heading).toSorted(), [RECOVER, ENROLL].toSorted())
  })

  it('remember a browser for each other', async () => {
    const eve = await enrolled('eve')
    const documents = { scope: 'openid documents' }
    assert.deepEqual((await eve.go(documents)).seen, [LOGIN, CHALLENGE, CONSENT])
    for (const _process of fleet.served) {
      await eve.signOut()
      const { seen, page, redeem } = await eve.go(documents)
      assert.deepEqual(seen, [LOGIN, CONSENT])
      assert.deepEqual((await redeem(page.url)).amr, ['pwd'])
    }
  })

  it('connect a device', async () => {
    const headers = { authorization: `Basic ${Buffer.from('app:app-secret').toString('base64')}` }
    const post = async (path: string, form: Fields) => {
      const response = await fetch(`${fleet.issuer}${path}`, {
        method: 'POST',
        headers,
        body: new URLSearchParams(form),
      })
      return (await response.json()) as Record<string, string>
    }
    const { user_code = '', device_code = '' } = await post('/device/auth', { scope: 'openid' })
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code }
    assert.equal((await post('/token', grant)).error, 'authorization_pending')
    const fay = person('fay')
    const input = await fay.browser.get('/device')
    const confirm = await fay.browser.send(input.action, { form: { xsrf: xsrfOn(input), user_code } })
    const login = await fay.browser.send(confirm.action, { form: { xsrf: xsrfOn(confirm), user_code, confirm: 'yes' } })
    const consent = await fay.answer(login)
    const done = consent && (await fay.answer(consent))
    assert.equal(done?.heading, 'Your device is connected')
    assert.ok((await post('/token', grant)).id_token)
  })

  it('refresh tokens of each other', async () => {
    const gus = person('gus')
    const { page, redeem } = await gus.go({ scope: 'openid offline_access', prompt: 'consent' })
    const { tokens } = await redeem(page.url)
    let token = tokens.refresh_token ?? ''
    for (const _process of fleet.served) {
      const refreshed = await refreshTokenGrant(rp.config, token)
      assert.equal(refreshed.claims()?.sub, 'gus')
      token = refreshed.refresh_token ?? token
    }
  })

  it('end a session for each other', async () => {
    const hal = person('hal')
    await hal.go()
    const silently = async () => {
      const { url } = await rp.request({ prompt: 'none' })
      return errorOf(await hal.browser.get(url))
    }
    assert.deepEqual([await silently(), await silently()], [undefined, undefined])
    const cookies = hal.browser.clone()
    await hal.signOut()
    assert.deepEqual([await silently(), await silently()], ['login_required', 'login_required'])
    // What the browser forgot is gone at the server as well.
    hal.browser = cookies
    assert.deepEqual([await silently(), await silently()], ['login_required', 'login_required'])
  })

  it('redeem a code once, of two requests at the same time', async () => {
    const ida = person('ida')
    const { page, redeem } = await ida.go()
    const answers = await Promise.allSettled([redeem(page.url), redeem(page.url)])
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  it('F-12: go on with a flow, with the same cookies, when the other one ends in the middle of it', async () => {
    const jon = await enrolled('jon')
    const { page, redeem } = await jon.go(TWO_KINDS, CHALLENGE)
    assert.deepEqual(await fleet.stop(0), [0, null])
    const { page: answer, seen } = await jon.walk(page)
    assert.deepEqual(seen, [CHALLENGE, CONSENT])
    assert.equal((await redeem(answer.url)).acr, MULTI_FACTOR)
  })

  it('go on with every flow while keys are rotated, one process after the other', async () => {
    const kim = await enrolled('kim')
    fleet.keys('stage')
    await fleet.stop(0)
    await fleet.start(0)
    const { page, redeem } = await kim.go(TWO_KINDS, CHALLENGE)
    fleet.keys('rotate')
    await fleet.stop(1)
    await fleet.start(1)
    // Its page came from one process, and each of them judges a code now.
    await kim.browser.post(page, { code: '000000' })
    const again = await kim.browser.post(page, { code: '000000' })
    assert.equal(again.heading, CHALLENGE)
    const { page: answer, seen } = await kim.walk(again)
    assert.deepEqual(seen, [CHALLENGE, CONSENT])
    assert.equal((await redeem(answer.url)).acr, MULTI_FACTOR)
    assert.deepEqual((await enrolled('lea')).codes.length, 10)
  })

  it('say nothing but that they are ready', () => {
    assert.deepEqual(fleet.complaints(), ['', ''])
  })
})
