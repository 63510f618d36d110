import assert from 'node:assert/strict'
import type { Account } from '../../src/account.ts'
import { StepUpError } from '../../src/errors.ts'
import type { Authenticator, CeremonyContext, Statement, Step } from '../../src/factors/factor.ts'
import {
  type PushData,
  type PushFactor,
  type PushMessage,
  type PushOptions,
  type PushSender,
  type PushState,
  push,
} from '../../src/factors/push.ts'
import { createSoftDevice, type SoftDevice } from '../support/soft-device.ts'

export const ISSUER = 'https://login.example.com/oidc'
export const NOW = 1_700_000_000
export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'

export type Result = Step<PushState, PushData>
export type Going = Result & { outcome: 'continue' }
export type Context = CeremonyContext<PushData>
export type Device = Authenticator<PushData>

/** A sender of a service of ours, whose channels are `{ service, token }`, and what it was given. */
export const createOutbox = (service = 'pigeon') => {
  const sent: PushMessage[] = []
  const faults = new Map<string, Error>()
  const sender: PushSender = {
    service,
    about: { [`${service}Key`]: 'public' },
    parse: (channel) => {
      const { token } = Object(channel) as { token?: unknown }
      return typeof token === 'string' && token !== 'forbidden' ? { service, token } : undefined
    },
    send: async (message) => {
      const fault = faults.get(String((message.channel as { token?: string }).token))
      if (fault !== undefined) throw fault
      sent.push(message)
    },
  }
  return { sender, sent, faults }
}

export const dead = () => new StepUpError('ERR_ADDRESS', 'gone')

export const soft = (issuer = ISSUER, now = NOW): SoftDevice => createSoftDevice({ issuer, clock: () => now })

export const make = (options: PushOptions = {}): PushFactor => push(options)

export const at = (now: number, authenticators: readonly Device[] = [], more: Partial<Context> = {}): Context => ({
  account: { id: 'bob', label: 'bob@example.com' } satisfies Account,
  authenticators,
  client: { id: 'app', name: 'App' },
  origin: 'https://login.example.com',
  issuer: ISSUER,
  url: `${ISSUER}/mfa/1/push`,
  locale: 'en',
  requester: { address: '192.0.2.7', userAgent: CHROME },
  now,
  ...more,
})

/** The authenticator that a software device is, without an enrolment. */
export const held = (device: SoftDevice, id = 'phone', data: Partial<PushData> = {}): Device => ({
  id,
  factor: 'push',
  status: 'active',
  createdAt: 0,
  claim: device.deviceId,
  data: {
    deviceId: device.deviceId,
    publicKey: device.publicKey as unknown as PushData['publicKey'],
    name: 'Soft device',
    ...data,
  },
})

export const going = (step: Result): Going => {
  assert.equal(step.outcome, 'continue', JSON.stringify(step))
  return step as Going
}

type Of<Name> = Extract<PushState, { step: Name }>

export const stateOf = <Name extends PushState['step']>(step: Result, name: Name): Of<Name> => {
  const { state } = going(step)
  assert.equal(state.step, name)
  return state as Of<Name>
}

export const refusal = (reason: string, final?: true) => ({
  outcome: 'refused',
  reason,
  ...(final === undefined ? {} : { final }),
})

/** A device presents a ticket. */
export const present = async (factor: PushFactor, state: PushState, statement: string, context = at(NOW)) => {
  const step = await factor.enroll.receive?.(state, { statement }, context)
  assert.ok(step)
  return step
}

/** What a device says, read by its authenticator. */
export const read = (factor: PushFactor, statement: string, device: Device, now = NOW, issuer = ISSUER) =>
  factor.devices.read(statement, device, { issuer, now })

/** A device's signed answer, through verification to the ceremony's judgement. */
export const answered = async (
  factor: PushFactor,
  state: PushState,
  statement: string,
  device: Device,
  context = at(NOW, [device]),
): Promise<Result> => {
  const said = await read(factor, statement, device, context.now)
  assert.ok(typeof said === 'object' && said.act === 'answer', JSON.stringify(said))
  const { input } = said as Extract<Statement, { act: 'answer' }>
  const step = await factor.challenge.receive?.(state, input, context, device)
  assert.ok(step)
  return step
}
