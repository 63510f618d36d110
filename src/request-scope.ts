import { AsyncLocalStorage } from 'node:async_hooks'

/** What one request has read, by name. */
export type RequestMemo = Map<string, { readonly text: string | undefined; readonly readAt: number }>

// Every promise of the process pays for a scope, so there is none before somebody remembers something in it.
let scope: AsyncLocalStorage<RequestMemo> | undefined

/** Lets requests remember what they have read, from now on. */
export const openRequestScopes = (): void => {
  scope ??= new AsyncLocalStorage()
}

/** Runs the work of one request; everything it awaits shares one memo, which nothing else sees. */
export const withinRequest = <T>(work: () => T): T => (scope === undefined ? work() : scope.run(new Map(), work))

/** The memo of the request that is under way; undefined outside of any. */
export const requestMemo = (): RequestMemo | undefined => scope?.getStore()
