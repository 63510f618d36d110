import { AsyncLocalStorage } from 'node:async_hooks'

/** What one request has read, by name. */
export type RequestMemo = Map<string, { readonly text: string; readonly readAt: number }>

const scope = new AsyncLocalStorage<RequestMemo>()

/** Runs the work of one request; everything it awaits shares one memo, which nothing else sees. */
export const withinRequest = <T>(work: () => T): T => scope.run(new Map(), work)

/** The memo of the request that is under way; undefined outside of any. */
export const requestMemo = (): RequestMemo | undefined => scope.getStore()
