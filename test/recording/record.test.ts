import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Account } from '../../src/index.ts'
import { country, not, when } from '../../src/policy/index.ts'
import { proofText, readProof } from '../../src/recording/proof-text.ts'
import { lineOf } from '../../src/recording/record.ts'
import { factsToRecord, type Named, networkAddress, reducedFacts } from '../../src/recording/reduce.ts'
import { PROOFS, signedIn } from '../policy/makers.ts'
import { record, stage } from '../replay/recordings.ts'
import { startHost } from '../support/host.ts'
import { createJourney } from '../support/relying-party.ts'

/** Texts that stand nowhere by chance. */
const secret = (name: string) => fc.uuid().map((id) => `${name}-${id}`)

const ipv4 = fc.tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 }))
const ipv6 = fc.array(fc.integer({ min: 0x1000, max: 0xffff }), { minLength: 6, maxLength: 6 })
const address = fc.oneof(
  ipv4.map((parts) => parts.join('.')),
  ipv6.map((groups) => `2001:db8:${groups.map((group) => group.toString(16)).join(':')}`),
)

const NAMED: Named = { metadata: ['department', 'org.unit'], facts: ['payroll'] }

describe('recording/record', () => {
  it('AC-100: no account id, name, address, phone number, user agent or unnamed fact ever stands in a line', () => {
    const people = fc.record({
      id: secret('id'),
      label: secret('label'),
      email: secret('mail').map((name) => `${name}@example.com`),
      phone: fc.integer({ min: 1e9, max: 1e10 - 1 }).map((digits) => `+49${digits}`),
      securityStamp: secret('stamp'),
      ssn: secret('ssn'),
      inner: secret('inner'),
      userAgent: secret('agent'),
      address,
      authenticatorId: secret('authenticator'),
      own: secret('fact'),
      organization: secret('organization'),
      code: secret('code with blanks'),
    })
    fc.assert(
      fc.property(people, (person) => {
        const { userAgent, authenticatorId, own, organization, code, ssn, inner, address: full, ...account } = person
        const metadata = { ssn, department: 'sales', org: { unit: 7, inner } }
        const details = { ip: full }
        const location = { country: 'DE', latitude: 52.516_273, longitude: 13.377_741, accuracyKm: 5, organization }
        const facts = {
          account: { ...account, metadata, emailVerified: true, tenant: 'acme' },
          address: full,
          userAgent,
          location,
          lastLogin: { at: 1_799_999_000, location },
          risk: {
            confidence: 'low',
            version: '1',
            assessments: {
              A: { confidence: 'low', code: 'new_device', details },
              B: { confidence: 'high', code, details },
            },
          },
          payroll: 'open',
          salary: own,
        } as const
        const evidence = [
          signedIn(0, { cid: 'own', authenticatorId }),
          {
            ...PROOFS.totp,
            ...{ factor: 'totp' },
            at: 1_799_990_000,
            cid: 'x',
            authenticatorId,
            securityStamp: account.securityStamp,
          },
        ]
        const made = record(stage({ facts: facts as never, account: { evidence } }), NAMED)
        const line = lineOf(made?.recorded ?? {})
        for (const text of [...Object.values(person), '52.51', '13.37']) assert.ok(!line.includes(text), text)
        assert.deepEqual(made?.recorded.facts.account, {
          tenant: 'acme',
          emailVerified: true,
          metadata: { department: 'sales', org: { unit: 7 } },
        })
        assert.deepEqual(made?.recorded.facts.risk, { is: 'low', by: { A: 'low new_device', B: 'high' } })
        assert.deepEqual([made?.recorded.facts.payroll, made?.recorded.facts.location?.accuracyKm], ['open', 13])
      }),
      { numRuns: 50 },
    )
  })

  it('cuts addresses to their network', () => {
    const cases = { '192.0.2.77': '192.0.2.0', '::ffff:192.0.2.77': '192.0.2.0', '2001:db8:1:2::7': '2001:db8:1::' }
    for (const [full, cut] of Object.entries(cases)) assert.equal(networkAddress(full), cut)
    assert.equal(networkAddress('no address'), undefined)
  })

  it('fetches what rules read and may be told, what is named, and what costs nothing', () => {
    const named = { metadata: [], facts: ['location', 'payroll'] }
    const reads = ['client', 'userAgent', 'salary', 'device', 'login'] as never
    assert.deepEqual(factsToRecord(reads, named), ['address', 'account', 'enrolled', 'device', 'location', 'payroll'])
    assert.deepEqual(reducedFacts({ userAgent: 'x' }, 1, { metadata: [], facts: ['userAgent'] }), { userAgent: 'x' })
  })

  it('writes proofs in letters, and reads them', () => {
    for (const proof of Object.values(PROOFS)) {
      const { kinds, traits } = proof
      assert.deepEqual(readProof(proofText(proof)), { kinds, traits })
    }
    for (const text of ['z', 'k:z', 'k'.repeat(20)]) assert.throws(() => readProof(text), RangeError)
  })

  it('records the first decision of an authorization that a login stands for, and no other', () => {
    const answered = [signedIn(9, { cid: 'own' }), { ...PROOFS.totp, factor: 'totp', at: signedIn(1).at, cid: 'own' }]
    const passes = {
      'after the login': {},
      'in a session': { cid: undefined, loggedInNow: false },
      'without a login': { evidence: [], cid: undefined, loggedInNow: false },
      'a code was given': { evidence: answered },
      'the page again': { loggedInNow: false },
      'gone on without': { declined: true },
    }
    const recordedPasses = Object.entries(passes).filter(([, account]) => record(stage({ account })) !== undefined)
    assert.deepEqual(
      recordedPasses.map(([name]) => name),
      ['after the login', 'in a session'],
    )
  })

  it('records one line for a sign-in, from the browser to the recorder, and none where the writer fails', async () => {
    const lines: string[] = []
    const rules = [when(not(country('DE')), { maxAgeSeconds: 60 }, { name: 'abroad', reportOnly: true })]
    const accounts = new Map<string, Account>([['alice', { id: 'alice', label: 'Alice', metadata: { team: 'a' } }]])
    const recordDecisions = {
      write: (line: string) => {
        lines.push(line)
        throw new Error('full')
      },
      metadata: ['team'],
    }
    const host = await startHost({ accounts, stepUp: { policy: { default: 'always', rules }, recordDecisions } })
    try {
      const journey = await createJourney(host, 'alice')
      const { page, redeem } = await journey.go()
      const { sub } = await redeem((await journey.enroll(page)).url)
      assert.equal(sub, 'alice')
      await new Promise(setImmediate)
      assert.deepEqual(host.errors, [])
      assert.equal(lines.length, 1)
      const told = JSON.parse(lines[0] ?? '')
      assert.deepEqual([told.v, told.client, told.loggedIn, told.outcome.is], [1, 'app', true, 'enroll'])
      assert.deepEqual(told.facts.account, { metadata: { team: 'a' } })
      assert.deepEqual(told.facts.address, '127.0.0.0')
      assert.equal(told.outcome.rules, undefined)
      assert.match(told.account, /^[\w-]{22}$/)
      assert.doesNotMatch(lines[0] ?? '', /alice/i)
    } finally {
      await host.close()
    }
  })
})
