import type { Sender, Step } from '../factors/factor.ts'

/** How long a sender may take before the user is told that nothing was sent. */
const SEND_DEADLINE_SECONDS = 10

const deadline = (seconds: number) => {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the sender did not answer in time')), seconds * 1000)
  })
  return { passed, cancel: () => clearTimeout(timer) }
}

/** Hands the step's message over, after its state was committed. Answers whether nothing is left unsent. */
export const deliver = async (sender: Sender | undefined, locale: string, step: Step): Promise<boolean> => {
  if (step.outcome !== 'continue' || step.message === undefined) return true
  if (sender === undefined) return false
  const { passed, cancel } = deadline(SEND_DEADLINE_SECONDS)
  try {
    await Promise.race([sender({ ...step.message, locale }), passed])
    return true
  } catch {
    return false
  } finally {
    cancel()
  }
}
