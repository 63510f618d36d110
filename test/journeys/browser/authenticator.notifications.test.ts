import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { PushChannel, PushMessage } from '../../../src/factors/push.ts'
import { standsAt } from '../../support/chromium.ts'
import { until } from '../../support/until.ts'
import { AT, tap, useStage } from './authenticator-stage.ts'
import { complaints } from './complaints.ts'
import { leave, wordsOf } from './stage.ts'

interface Worker {
  readonly registration: { showNotification: (title: string, options: object) => Promise<void> }
  readonly shown?: object
}

const sent: PushMessage[] = []
const sender = {
  service: 'web-push',
  about: { vapidPublicKey: 'BAAA' },
  parse: (channel: unknown) => channel as PushChannel,
  send: async (message: PushMessage) => {
    sent.push(message)
  },
}

/** A browser whose camera sees this text, and whose push service is nowhere. */
const equip = (phone: Page, seen: string) =>
  phone.addInitScript((text) => {
    Object.assign(globalThis, {
      BarcodeDetector: class {
        detect = async () => [{ rawValue: 'something else' }, { rawValue: text }]
      },
    })
    const canvas = document.createElement('canvas')
    const pen = canvas.getContext('2d')
    setInterval(() => pen?.fillRect(0, 0, Math.random(), 1), 50)
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream()
    const keys = { p256dh: 'p', auth: 'a' }
    const subscription = {
      options: { applicationServerKey: Uint8Array.of(4, 0, 0).buffer },
      toJSON: () => ({ endpoint: 'https://push.example.com/1', keys }),
    }
    let permission = 'default'
    Object.defineProperty(Notification, 'permission', { get: () => permission })
    Notification.requestPermission = async () => {
      permission = 'granted'
      return 'granted'
    }
    let subscribed = false
    Object.assign(PushManager.prototype, {
      getSubscription: async () => (subscribed ? subscription : null),
      subscribe: async () => {
        subscribed = true
        return subscription
      },
    })
  }, seen)

describe('the web authenticator: camera and notifications', function slow() {
  this.timeout('60s')
  const stage = useStage({ senders: [sender] })

  it('scans the picture, is told where pushes go, and shows one that says nothing of anybody', async () => {
    const page = await stage.visitor()
    const signed = await stage.ask(page, 'alice')
    const phone = await stage.visitor()
    const { origin } = new URL(stage.host.issuer)
    await equip(phone, await stage.link(page))
    await phone.goto(`${origin}/authenticator`)
    await tap(phone, 'Scan the picture')
    await standsAt(phone, AT.name)
    await tap(phone, 'Set it up')
    await standsAt(phone, AT.code)
    await page.locator('input[name=code]').fill(await wordsOf(phone, '.digits'))
    await leave(page, () => page.locator('input[name=code]').press('Enter'))
    await signed()

    await standsAt(phone, AT.ready)
    assert.deepEqual(await complaints(phone), [])
    await tap(phone, 'Allow notifications')
    await standsAt(phone, AT.waiting)
    await stage.ask(page, 'alice')
    const { channel, reference } = await until('a push goes out', () => sent[0])
    assert.deepEqual(channel, {
      service: 'web-push',
      endpoint: 'https://push.example.com/1',
      keys: { p256dh: 'p', auth: 'a' },
    })

    const devtools = await phone.context().newCDPSession(phone)
    const registered = new Promise<string>((resolve) => {
      devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: [registration] }) =>
        resolve(registration?.registrationId ?? ''),
      )
    })
    await devtools.send('ServiceWorker.enable')
    const registrationId = await registered
    await standsAt(phone, AT.question)
    await phone.goto(`${origin}/nothing`)
    const [worker] = phone.context().serviceWorkers()
    assert.ok(worker)
    // A browser without windows shows none, and so never has the permission.
    await worker.evaluate(() => {
      const { registration } = globalThis as unknown as Worker
      registration.showNotification = async (title, options) => {
        Object.assign(globalThis, { shown: { title, ...options } })
      }
    })
    const data = JSON.stringify({ reference })
    await devtools.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data })
    const shown = await until('it is shown', () => worker.evaluate(() => (globalThis as unknown as Worker).shown))
    assert.deepEqual(shown, {
      title: 'Are you signing in?',
      body: 'Open this to see what you are asked.',
      tag: reference,
      icon: 'icon.svg',
      badge: 'badge.svg',
      requireInteraction: true,
    })

    await phone.goto(`${origin}/authenticator/`)
    await standsAt(phone, AT.question)
    await phone.getByLabel('Number on the other screen').fill(await wordsOf(page, '.number'))
    await tap(phone, 'Yes, confirm')
    await standsAt(phone, AT.approved)
  })
})
