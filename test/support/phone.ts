import { type PushOptions, push } from '../../src/factors/push.ts'
import type { Page } from './browser.ts'
import { type Host, type HostOptions, startHost } from './host.ts'
import { createSoftDevice, type SoftDevice } from './soft-device.ts'

/** What the provider answered a device with. */
export interface Answered {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> & {
    readonly challenges?: readonly Readonly<Record<string, unknown>>[]
  }
}

/** A phone with an app of its own, that talks to one provider. */
export interface Phone {
  readonly device: SoftDevice
  /** Posts to the one address of the protocol. */
  post(body: unknown): Promise<Answered>
  say(claims: Readonly<Record<string, unknown>>): Promise<Answered>
  /** The challenge that can be answered now. */
  pending(): Promise<Readonly<Record<string, unknown>> | undefined>
  answer(
    challenge: Readonly<Record<string, unknown>>,
    decision: 'approve' | 'deny' | 'report',
    more?: Readonly<Record<string, unknown>>,
  ): Promise<Answered>
}

/** Makes one that belongs to nobody yet. */
export const createPhone = (issuer: string): Phone => {
  const device = createSoftDevice({ issuer })
  const post: Phone['post'] = async (body) => {
    const response = await fetch(`${issuer}/mfa/devices`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Answered['body'] }
  }
  const say: Phone['say'] = (claims) => post({ statement: device.statement(claims) })
  return {
    device,
    post,
    say,
    pending: async () => (await say({ act: 'pending' })).body.challenges?.[0],
    answer: (challenge, decision, more) => post({ statement: device.answer(challenge, decision, more) }),
  }
}

/** The ticket on an enrolment page, as a phone reads it. */
export const ticketOn = (page: Page): string => {
  const link = page.targets.find((target) => target.includes('#enroll='))
  if (link === undefined) throw new Error(`no ticket on "${page.heading}"`)
  return link.slice(link.indexOf('#enroll=') + '#enroll='.length)
}

/** The number on a challenge page. */
export const numberOn = (page: Page): string => {
  const found = /class="number">(\d+)</.exec(page.text)?.[1]
  if (found === undefined) throw new Error(`no number on "${page.heading}"`)
  return found
}

/** A provider whose accounts are asked on their phones. */
export const startPhoneHost = (options: PushOptions = {}, more: Partial<HostOptions> = {}): Promise<Host> =>
  startHost({ ...more, stepUp: { factors: [push(options)], ...more.stepUp } } as HostOptions)
