/** Tells those who wait in this process that a ceremony has changed; in others they find out by looking. */
export interface Changes {
  /** Calls `told` once for every change of this name until it is given up. */
  watch(name: string, told: () => void): () => void
  tell(name: string): void
}

/** Builds it. @see {@link Changes} */
export const createChanges = (): Changes => {
  const watchers = new Map<string, Set<() => void>>()
  return Object.freeze<Changes>({
    watch(name, told) {
      const all = watchers.get(name) ?? new Set()
      watchers.set(name, all.add(told))
      return () => {
        all.delete(told)
        if (all.size === 0) watchers.delete(name)
      }
    },
    tell(name) {
      for (const told of watchers.get(name) ?? []) told()
    },
  })
}

/** What changes are told by: everything that the pages and devices of one account could show of one factor. */
export const changeOf = (accountId: string, factor: string): string => JSON.stringify([accountId, factor])

/** A ceremony that somebody may wait for is not what it was. */
export const tellChange = ({
  changes,
  place: { account, factor },
}: {
  readonly changes: Changes
  readonly place: { readonly account: { readonly id: string }; readonly factor: { readonly id: string } }
}): void => changes.tell(changeOf(account.id, factor.id))
