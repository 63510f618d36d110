import assert from 'node:assert/strict'
import type { Move } from './model.moves.ts'
import { appsOf, forgetRefusals, type User } from './model.people.ts'
import type { World } from './model.world.ts'

type Operation = Extract<Move, { move: 'operate' }>['what']
type HostChange = Extract<Move, { move: 'host' }>['what']

const authenticatorsOf = async ({ host }: World, { name }: User, factor: string) =>
  (await host.mfa.accounts.list(name)).authenticators.filter((one) => one.factor === factor)

const lose = (user: User) => {
  user.factors += 1
  user.losses += 1
}

const loseCodes = (user: User) => {
  if (user.codes !== undefined) user.codes.gone = true
  user.codes = undefined
}

const removeApp = async (world: World, user: User) => {
  const [stored] = await authenticatorsOf(world, user, 'totp')
  const [app] = appsOf(user)
  assert.equal(stored === undefined, app === undefined, 'the apps of an account')
  if (stored === undefined || app === undefined) return
  await world.host.mfa.accounts.remove(user.name, stored.id)
  app.gone = true
  lose(user)
}

const removeCodes = async (world: World, user: User) => {
  const [stored] = await authenticatorsOf(world, user, 'recovery-codes')
  assert.equal(stored === undefined, user.codes === undefined, 'the codes of an account')
  if (stored === undefined) return
  await world.host.mfa.accounts.remove(user.name, stored.id)
  loseCodes(user)
  lose(user)
}

const reset = async ({ host, clock }: World, user: User, enrollment?: 'ticket') => {
  await host.mfa.accounts.reset(user.name, enrollment === undefined ? {} : { enrollment })
  for (const app of user.apps) app.gone = true
  loseCodes(user)
  lose(user)
  user.ticketOnly = enrollment === 'ticket'
  user.revokedAt = clock.now()
  forgetRefusals(user, 'totp', 'recovery-codes')
}

const newCodes = async (world: World, user: User) => {
  if (appsOf(user).length === 0) {
    await assert.rejects(world.host.mfa.accounts.newRecoveryCodes(user.name))
    return
  }
  world.giveCodes(user, await world.host.mfa.accounts.newRecoveryCodes(user.name))
}

const OPERATIONS: Readonly<Record<Operation, (world: World, user: User) => Promise<void>>> = {
  'remove an app': removeApp,
  'remove codes': removeCodes,
  reset: (world, user) => reset(world, user),
  'reset to tickets': (world, user) => reset(world, user, 'ticket'),
  'forget browsers': async ({ host }, user) => {
    await host.mfa.accounts.forgetBrowsers(user.name)
    user.factors += 1
  },
  unlock: async ({ host }, user) => {
    await host.mfa.accounts.unlock(user.name)
    forgetRefusals(user, 'totp', 'recovery-codes')
  },
  disable: async ({ host, clock }, user) => {
    await host.mfa.accounts.disable(user.name)
    user.stopped = true
    lose(user)
    user.revokedAt = clock.now()
  },
  enable: async ({ host }, user) => {
    await host.mfa.accounts.enable(user.name)
    user.stopped = false
  },
  'new codes': newCodes,
}

/** What the host itself changes about an account. */
export const byHost = ({ host }: World, user: User, what: HostChange): void => {
  if (what === 'new password') user.stamp += ', changed'
  else user.barred = what === 'disable'
  const { name, stamp, barred } = user
  host.accounts.set(name, { id: name, label: `${name}@example.com`, securityStamp: stamp, disabled: barred })
}

/** What an operator does, by `mfa.accounts`. */
export const operate = (world: World, user: User, what: Operation): Promise<void> => OPERATIONS[what](world, user)
