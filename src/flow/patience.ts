import type { Step } from '../factors/factor.ts'

/** How long a judge outside this process may take; a person waits for the page. */
const JUDGE_SECONDS = 5

/** A step of a factor, for as long as there is patience: a judge that does not answer is `unavailable`, never right. */
export const inTime = async <S extends Step>(step: S | Promise<S>): Promise<S | (Step & { outcome: 'refused' })> => {
  if (!(step instanceof Promise)) return step
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Step & { outcome: 'refused' }>((resolve) => {
    timer = setTimeout(resolve, JUDGE_SECONDS * 1000, { outcome: 'refused', reason: 'unavailable' })
  })
  try {
    return await Promise.race([step, late])
  } finally {
    clearTimeout(timer)
  }
}
