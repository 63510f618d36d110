import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServeConfig } from '../../src/cli/config.ts'
import { type ExplainValues, explain } from '../../src/cli/explain.ts'
import type { Explanation } from '../../src/explain/explanation.ts'
import { instantOf } from '../../src/explain/instant.ts'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { all, always, client, country, not, when } from '../../src/policy/index.ts'
import { newDevice } from '../../src/risk/index.ts'
import { CLIENT } from '../support/host.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { moduleUrl, run } from './program.ts'
import { configFor } from './served.ts'

const RULES = [
  when(all(client('app'), not(country('DE'))), { floor: 'phr', maxAgeSeconds: 300 }, { name: 'abroad' }),
  always({ refuse: 'closed' }, { name: 'closing\u001b[2J', reportOnly: true }),
]

const CONFIG = configFor(3999, {
  accounts: [{ id: 'a1', username: 'Alice', password: 'pw', tenant: 'acme' }],
  factors: [webauthn({ relyingPartyName: 'Test' }), totp({ issuer: 'Test' })],
  policy: { default: 'never', rules: RULES },
})

const WHO = { account: 'alice', client: 'app' }

/** What a command line prints, or how it is refused. */
const said = async (values: ExplainValues, changes: Partial<ServeConfig> = {}, color = false) => {
  const lines: string[] = []
  const mistake = await explain(async () => ({ ...CONFIG, ...changes }), values, {
    print: (line) => void lines.push(line),
    color,
  })
  return mistake?.usage ?? lines.join('\n')
}

const TREE = `has set up one of: passkey or security key
because a level that the policy owes is not met: phr

request
  account         a1, tenant acme
  client          app
  at              2026-11-22T22:30:00Z
  scopes          openid email
  asks for        http://schemas.openid.net/pape/policies/2007/06/multi-factor or urn:x (no level)
  max_age         60 s
  session proved  login page

facts that were read
  client    app
  location  country FR

rules that spoke
  -  abroad
     floor phr; maxAgeSeconds 300
  -  closing\\u001b[2J
     without effect: refuse closed

on trial
  outcome  refuse access_denied, as a rule lets nobody pass

levels
  ✗  http://schemas.openid.net/pape/policies/2007/06/multi-factor: asked, voluntary (needs 2 kinds)
     missing: 1 more kind of proof
     could be met by: passkey or security key (to be set up), authenticator app (to be set up)
  ✗  phr: owed by the policy (needs phishing-resistant, at most 300 s old)
     missing: phishing-resistant, in one proof
     could be met by: passkey or security key (to be set up)

what the account has
  webauthn  none
  totp      none`

describe('cli/explain', () => {
  it('prints a tree for people', async () => {
    const values: ExplainValues = {
      ...WHO,
      country: 'FR',
      at: '2026-11-22T23:30+01:00',
      scope: ['openid email'],
      acr: ['http://schemas.openid.net/pape/policies/2007/06/multi-factor', 'urn:x'],
      'max-age': '60',
    }
    assert.equal(await said(values), TREE)
    const colored = await said(values, {}, true)
    assert.notEqual(colored, TREE)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are steered by one
    assert.equal(colored.replace(/\u001b\[\d+m/g, ''), TREE)
  })

  it('says in a line what it comes to', async () => {
    const first = async (values: ExplainValues, changes?: Partial<ServeConfig>) =>
      (await said({ ...WHO, ...values }, changes)).split('\n')[0]
    assert.equal(await first({ country: 'DE' }), 'lets through')
    assert.equal(
      await first({ country: 'DE', acr: ['phr'] }),
      'has set up one of: passkey or security key, and can be declined',
    )
    assert.equal(await first({ country: 'DE', with: ['login@600'], 'max-age': '60' }), 'asks for a login')
    assert.equal(
      await first({ country: 'DE', with: ['login@600'], prompt: 'none', 'max-age': '60' }),
      'refuses: login_required',
    )
    assert.equal(await first({ prompt: 'none' }), 'refuses: interaction_required')
    assert.equal(
      await first({}, { policy: { rules: [always({ refuse: 'closed' })] } }),
      'refuses: access_denied (a rule lets nobody pass)',
    )
    assert.equal(
      await first({}, { policy: { default: 'always' }, enrollment: 'ticket' }),
      'explains that nothing the account has would do',
    )
  })

  it('prints JSON for machines, finds accounts by id, and asks what the client is registered with', async () => {
    const clients = [{ ...CONFIG.clients[0], ...{ client_id: 'app', default_acr_values: ['phr'] } }]
    const { decision, request }: Explanation = JSON.parse(
      await said({ account: 'a1', client: 'app', country: 'DE', json: true, 'known-device': true }, { clients }),
    )
    assert.deepEqual([request.accountId, decision.outcome, decision.trace.asked], ['a1', 'enroll', ['phr']])
  })

  it('hands risk, places and proxies on to the plugin, as serve does', async () => {
    const { facts, decision }: Explanation = JSON.parse(
      await said(
        { ...WHO, ip: '192.0.2.7', json: true, 'user-agent': 'Kiosk/1.0' },
        {
          policy: { default: 'adaptive', rules: RULES },
          risk: [newDevice()],
          geo: { locate: (address) => (address === '192.0.2.7' ? { country: 'DE' } : undefined) },
          trustedProxies: ['loopback'],
        },
      ),
    )
    assert.deepEqual(facts.location, { country: 'DE' })
    assert.deepEqual([decision.outcome, decision.trace.reason], ['refuse', 'refused-by-rule'])
    for (const wrong of [{ risk: 'all' }, { geo: {} }, { trustedProxies: 'loopback' }] as object[])
      await assert.rejects(said(WHO, wrong), { code: 'ERR_CONFIG' })
  })

  it("asks a host's own accounts", async () => {
    const { accounts } = configFor(3999)
    const own = {
      accounts: { ...(accounts as object), identify: (name: string) => (name === 'ally' ? 'a' : undefined) },
    }
    for (const account of ['a', 'ally'])
      assert.match(await said({ ...WHO, account }, own as never), /^ {2}account +a$/m)
    await assert.rejects(said({ ...WHO, account: 'zed' }, own as never), { code: 'ERR_ACCOUNT' })
  })

  const refused: readonly (readonly [values: ExplainValues, usage: string])[] = [
    [{ client: 'app' }, 'explain needs --account ID'],
    [{ account: 'alice' }, 'explain needs --client ID'],
    [
      { ...WHO, at: '2026-11-22T23:30' },
      '--at: found "2026-11-22T23:30"; allowed: a date and time with its zone, such as 2026-11-22T23:30+01:00 or 2026-11-22T22:30Z',
    ],
    [{ ...WHO, country: 'Germany' }, '--country: found "Germany"; allowed: two capital letters: DE'],
    [{ ...WHO, 'max-age': '5m' }, '--max-age: found "5m"; allowed: a number of seconds'],
    [{ ...WHO, prompt: 'consent' }, '--prompt: found "consent"; allowed: none or login'],
    [{ ...WHO, with: ['totp@'] }, '--with: found "totp@"; allowed: a factor and how many seconds ago: totp@300'],
  ]
  for (const [values, usage] of refused)
    it(`answers with ${JSON.stringify(usage.slice(0, 40))}`, async () => assert.equal(await said(values), usage))

  it('reads moments with their zone, and no others', () => {
    const read: Readonly<Record<string, number | undefined>> = {
      '1970-01-01T00:00Z': 0,
      '1970-01-01T01:00:01.5+01:00': 1,
      '1969-12-31T19:00-05:00': 0,
      '2026-02-29T00:00Z': undefined,
      '2024-02-29T00:00Z': 1_709_164_800,
      '2026-01-01T24:00Z': undefined,
      '2026-01-01T00:60Z': undefined,
      '2026-01-01T00:00+24:00': undefined,
      '2026-01-01': undefined,
      now: undefined,
    }
    for (const [text, at] of Object.entries(read)) assert.equal(instantOf(text), at, text)
  })

  it('looks into Redis, writes nothing there, and ends its connection', async () => {
    const redis = await startRedis()
    try {
      const { store: _store, configuration: _configuration, ...config } = CONFIG
      const lines: string[] = []
      const terminal = { print: (line: string) => void lines.push(line), color: false, redisUrl: redis.url }
      assert.equal(await explain(async () => config, { ...WHO, country: 'DE' }, terminal), undefined)
      assert.match(lines.join(), /^lets through\n/)
      assert.deepEqual(await redis.command('KEYS', '*'), [])
      await until('its connection has ended', async () => (await redis.info('clients')).connected_clients === '1')
    } finally {
      await redis.stop()
    }
  })

  describe('as a program', function slow() {
    this.timeout('30s')
    const folder = mkdtempSync(join(tmpdir(), 'step-up-'))
    after(() => rmSync(folder, { recursive: true }))

    it('ends when it is done, whatever the configuration holds open', async () => {
      const file = join(folder, 'config.mjs')
      const config = {
        issuer: 'http://localhost:3999',
        port: 3999,
        clients: [{ client_id: 'app', client_secret: CLIENT.client_secret, redirect_uris: CLIENT.redirect_uris }],
        accounts: [{ id: 'a1', username: 'alice', password: 'pw' }],
        sealingKeys: [Buffer.alloc(32, 5).toString('base64url')],
        cookieKeys: ['cookie key '.repeat(4)],
      }
      writeFileSync(
        file,
        `import { totp } from ${JSON.stringify(moduleUrl('factors/totp'))}
setInterval(() => undefined, 1000)
export default { ...${JSON.stringify(config)}, factors: [totp({ issuer: 'Test' })], policy: { default: 'always' } }`,
      )
      const { code, out } = await run(['explain', '--config', file, '--account', 'alice', '--client', 'app'])
      assert.deepEqual([code, out.split('\n')[0]], [0, 'has set up one of: authenticator app'])
    })
  })
})
