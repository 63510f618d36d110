import { duo } from '../../src/factors/duo.ts'
import { totp } from '../../src/factors/totp.ts'
import type { StepUpOptions } from '../../src/index.ts'
import type { Browser, Page } from './browser.ts'
import { startDuo } from './duo.ts'
import { startHost } from './host.ts'
import { createJourney } from './relying-party.ts'

export const DUO_PAGE = 'Confirm with Duo that it is you'
export const CLOSED_PAGE = 'Duo has not confirmed that it is you'

/** What a test may change about the host. */
export interface DuoWishes {
  /** Options of the factor. */
  readonly options?: Partial<Parameters<typeof duo>[0]>
  readonly stepUp?: Partial<StepUpOptions>
  /** Another factor beside it. */
  readonly besideTotp?: true
}

/** A host where two kinds are owed at each sign-in and Duo has the second, with its Duo. */
export const openDuo = async ({ options, stepUp, besideTotp }: DuoWishes = {}) => {
  const peer = await startDuo()
  const factors = [duo({ ...peer.options, ...options }), ...(besideTotp ? [totp({ issuer: 'Test' })] : [])]
  const host = await startHost({ stepUp: { factors, policy: { default: 'always' }, ...stepUp } })
  return {
    peer,
    host,
    /** Whether the browser was sent to Duo's prompt. */
    isAtDuo: (page: Page) => page.url.host === peer.apiHost && page.url.pathname === '/oauth/v1/authorize',
    /** Does at Duo what the script says; where the browser is sent back to. */
    back: (page: Page) => peer.visit(page.url),
    /** The same, and goes there. */
    through: async (browser: Browser, page: Page) => browser.get(await peer.visit(page.url)),
    person: (login = 'bob') => createJourney(host, login),
    close: async () => {
      await host.close()
      await peer.close()
    },
  }
}

/** A running host with its Duo. */
export type DuoDesk = Awaited<ReturnType<typeof openDuo>>
