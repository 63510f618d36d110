import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { macsOf } from './crypto/mac.ts'
import { withMemory } from './crypto/opened.ts'
import { createSealer } from './crypto/seal.ts'
import { createEvents } from './events.ts'
import type { AnyFactor } from './factors/factor.ts'
import { createAccountRecords, dropAddresses } from './flow/account-record.ts'
import { createBrowsers } from './flow/browsers.ts'
import { createCeremonies } from './flow/ceremony.ts'
import { createChanges } from './flow/changes.ts'
import { createDispatcher } from './flow/dispatch.ts'
import { createHistory } from './flow/history.ts'
import { createKeyCheck } from './flow/key-check.ts'
import { createSummonses } from './flow/summons.ts'
import { createThrottle } from './flow/throttle.ts'
import { createTickets } from './flow/tickets.ts'
import { createVault } from './flow/vault.ts'
import { createCsrf } from './http/csrf.ts'
import { createRenderer } from './http/render.ts'
import { createBrowserCookies } from './provider/browser-cookies.ts'
import { createRecorder } from './recording/recorder.ts'

/** One that has no records to look at: remembering is turned off. */
const OFF = { lifeSeconds: 1, idleSeconds: 1, perAccount: 1 }

const deviceDays = ({ risk: { rememberDeviceDays } = { assessors: [] } }: Config) =>
  rememberDeviceDays === undefined ? {} : { rememberDeviceDays }

/** So many characters of it tell accounts apart. */
const PSEUDONYM_LENGTH = 22

const recorderOf = ({ recordDecisions }: Config, sealer: Parameters<typeof macsOf>[0]) => {
  if (recordDecisions === undefined) return undefined
  const [mac] = macsOf(sealer, 'recorded accounts')
  return createRecorder(recordDecisions, (accountId) => mac.sign('account', accountId).slice(0, PSEUDONYM_LENGTH))
}

/** All that needs no provider yet. */
export const build = (config: Config) => {
  const { store, accounts, clock, factors } = config
  const sealer = withMemory(createSealer(config.sealingKeys))
  const { events, announce } = createEvents(clock)
  const vault = createVault(store, sealer, clock)
  const records = createAccountRecords(accounts, sealer)
  const throttle = createThrottle(vault, clock)
  const renderer = createRenderer(factors)
  const [mac] = macsOf(sealer, 'message counts')
  const [networks] = macsOf(sealer, 'sign-ins')
  const historyAt = (at: Clock) =>
    createHistory({ vault: createVault(store, sealer, at), clock: at, mac: networks, ...deviceDays(config) })
  const drop = (factor: AnyFactor, accountId: string, ids: readonly string[]) =>
    dropAddresses(records, factor, accountId, ids)
  const dispatcher = createDispatcher({ vault, clock, announce, compose: renderer.compose, mac, drop })
  const changes = createChanges()
  const effects = {
    vault,
    records,
    throttle,
    dispatcher,
    summonses: createSummonses(vault, clock),
    changes,
    clock,
    factors,
    announce,
    offers: config.offers,
  }
  return {
    config,
    events,
    announce,
    vault,
    records,
    throttle,
    browsers: createBrowsers({ vault, clock, announce, limits: config.rememberBrowser ?? OFF }),
    cookies: createBrowserCookies(macsOf(sealer, 'browser cookie')),
    deviceCookies: createBrowserCookies(macsOf(sealer, 'device cookie'), 'step-up-device'),
    history: historyAt(clock),
    // What asks and writes nothing: records as they are, and history as of another moment.
    reading: { records: createAccountRecords(accounts, { ...sealer, isCurrent: () => true }), historyAt },
    tickets: createTickets({ vault, sealer, clock, announce }),
    effects,
    changes,
    ceremonies: createCeremonies(effects),
    csrf: createCsrf(macsOf(sealer, 'csrf')),
    renderer,
    keyCheck: createKeyCheck(accounts, sealer),
    recorder: recorderOf(config, sealer),
  }
}

/** @see {@link build} */
export type Parts = ReturnType<typeof build>
