import type { Clock } from '../../clock.ts'
import { StepUpError } from '../../errors.ts'
import type { OutgoingMessage, Receipt, Sender } from '../../factors/factor.ts'

/** What came of handing a message over, as far as a page waits for it. */
export type HandedOver =
  | 'sent'
  /** It takes its time; it goes on without anybody waiting. */
  | 'pending'
  /** Not now; it is tried again while it is of use. */
  | 'not-sent'
  /** Never, at this address. */
  | 'unreachable'

/** What the last word on a message was. */
export type LastWord = Exclude<HandedOver, 'pending'>

/** One message on its way. */
export interface Parcel {
  readonly sender: Sender
  readonly outgoing: OutgoingMessage
  /** What it is about; a newer parcel for the same drops what is left of an older one. */
  readonly about: string
  readonly retriesAfterSeconds: readonly number[]
  /** Told what the sender learned. */
  readonly onReceipt: (receipt: Receipt) => void
  /** Told after each attempt that says something of the gateway. */
  readonly onAttempt: (word: LastWord) => void
  /** Told once, when nothing more is tried. A parcel that was dropped has a last word only where it went out. */
  readonly onEnd: (word: LastWord) => void
}

/** How long a page waits for a sender. */
const PATIENCE_MILLISECONDS = 1500
/** How long a sender may take when nobody waits. */
const ATTEMPT_SECONDS = 60

const after = (milliseconds: number): { readonly passed: Promise<void>; readonly cancel: () => void } => {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
    // Nothing that waits here keeps a process alive that is to end.
    timer.unref()
  })
  return { passed, cancel: () => clearTimeout(timer) }
}

/** One attempt's end; `isFaulty` where the gateway is to blame. */
interface Attempted {
  readonly word: LastWord
  readonly isFaulty: boolean
}

const SENT: Attempted = { word: 'sent', isFaulty: false }
const FAULTY: Attempted = { word: 'not-sent', isFaulty: true }
const UNDELIVERED: Attempted = { word: 'not-sent', isFaulty: false }
const UNREACHABLE: Attempted = { word: 'unreachable', isFaulty: false }

const tried = async ({ sender, outgoing, onReceipt }: Parcel): Promise<Attempted> => {
  const { passed, cancel } = after(ATTEMPT_SECONDS * 1000)
  try {
    return await Promise.race([
      Promise.resolve(sender(outgoing)).then((receipt) => {
        if (receipt !== undefined) onReceipt(receipt)
        return receipt?.undelivered === true ? UNDELIVERED : SENT
      }),
      passed.then(() => FAULTY),
    ])
  } catch (fault) {
    return fault instanceof StepUpError && fault.code === 'ERR_ADDRESS' ? UNREACHABLE : FAULTY
  } finally {
    cancel()
  }
}

const attempt = async (parcel: Parcel): Promise<LastWord> => {
  const { word, isFaulty } = await tried(parcel)
  if (isFaulty || word !== 'not-sent') parcel.onAttempt(word)
  return word
}

/** Hands messages over in the background. */
export interface Carrier {
  /** Hands it over; answers as soon as that is known, or after one and a half seconds. */
  hand(parcel: Parcel): Promise<HandedOver>
  /** Tries nothing more for it. */
  drop(about: string): void
}

/** Builds it. What is waiting for another try is lost with the process; its reader asks for a new message. */
export const createCarrier = (clock: Clock): Carrier => {
  const current = new Map<string, Parcel>()

  const tryAgain = async (parcel: Parcel): Promise<void> => {
    let word: LastWord = 'not-sent'
    for (const seconds of parcel.retriesAfterSeconds) {
      if (word !== 'not-sent' || clock() + seconds >= parcel.outgoing.expiresAt) break
      await after(seconds * 1000).passed
      if (current.get(parcel.about) !== parcel) return
      // Timers come late after a machine has slept.
      if (clock() >= parcel.outgoing.expiresAt) break
      word = await attempt(parcel)
    }
    end(parcel, word)
  }
  const end = (parcel: Parcel, word: LastWord) => {
    const isCurrent = current.get(parcel.about) === parcel
    if (isCurrent) current.delete(parcel.about)
    if (isCurrent || word === 'sent') parcel.onEnd(word)
  }

  return Object.freeze<Carrier>({
    async hand(parcel) {
      current.set(parcel.about, parcel)
      const first = attempt(parcel)
      first.then((word) => (word === 'not-sent' ? tryAgain(parcel) : end(parcel, word))).catch(() => undefined)
      const { passed, cancel } = after(PATIENCE_MILLISECONDS)
      const known = await Promise.race([first, passed.then(() => 'pending' as const)])
      cancel()
      return known
    },
    drop: (about) => void current.delete(about),
  })
}
