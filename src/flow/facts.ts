import { HOST_SECONDS, withinSeconds } from '../deadline.ts'
import type { FactName, FactRequest, FactSource, Facts } from '../policy/facts.ts'

/** Sources of facts by name, as a request asks them. */
export type Sources = Readonly<Partial<Record<string, FactSource>>>

/** The facts of one request; each is asked for at most once, when it is first wanted. */
export interface FactReader {
  fact<Name extends FactName>(name: Name): Promise<Facts[Name]>
  /** Those facts, all at once. */
  read(names: readonly FactName[]): Promise<Partial<Facts>>
}

/** What reading facts works with. */
export interface FactTools {
  /** Where each fact comes from. Those of ours tell the truth or fail the request. */
  readonly own: Sources
  /** The host's, which stand in the place of ours. Where one fails or is silent for two seconds, the fact is unknown. */
  readonly host: Sources
  header(name: string): string | undefined
  /** Told of each that failed. */
  failed(name: string, fault: unknown): void
}

const NEVER = new AbortController().signal

/** Reads the facts of one request. @see {@link FactReader} */
export const createFactReader = ({ own, host, header, failed }: FactTools): FactReader => {
  const known = new Map<string, Promise<unknown>>()
  const ask = async (name: string): Promise<unknown> => {
    const request = { header, fact } satisfies Omit<FactRequest, 'signal'>
    const theirs = Object.hasOwn(host, name) ? host[name] : undefined
    if (theirs === undefined) return own[name]?.({ ...request, signal: NEVER })
    try {
      return await withinSeconds(HOST_SECONDS, (signal) => theirs({ ...request, signal }))
    } catch (fault) {
      failed(name, fault)
      return undefined
    }
  }
  const wanted = (name: string): Promise<unknown> => {
    const asked = known.get(name)
    if (asked !== undefined) return asked
    const answer = ask(name)
    answer.catch(() => undefined)
    known.set(name, answer)
    return answer
  }
  const fact = <Name extends FactName>(name: Name) => wanted(name) as Promise<Facts[Name]>
  return Object.freeze<FactReader>({
    fact,
    async read(names) {
      const values = await Promise.all(names.map(wanted))
      return Object.fromEntries(names.map((name, index) => [name, values[index]]))
    },
  })
}
