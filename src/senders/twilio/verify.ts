import type { CodeJudge } from '../../factors/sms.ts'
import { createCaller } from './caller.ts'
import { codesOf } from './faults.ts'
import { ACCESS, checkAccess, checkOptions, rules, type TwilioAccess } from './options.ts'

/** What {@link twilioVerify} asks. */
export interface TwilioVerifyOptions extends TwilioAccess {
  /** SID of the Verify Service: `VA` and 32 hexadecimal digits. */
  readonly serviceSid: string
}

const WHERE = 'twilioVerify()'

/** A verification of another number or service says nothing about this one. */
const mismatch = () => new Error('Twilio answered about another verification')

interface Answer {
  readonly to: string
  readonly serviceSid: string
  readonly status: string
  readonly valid: boolean
}

const judge = ({ status, valid }: Answer) => {
  if (status === 'approved' && valid === true) return 'approved'
  // A verification that is approved already, canceled or expired takes no code any more.
  return status === 'pending' ? 'pending' : 'gone'
}

/** No such verification any more, and too many codes: a new code has to be sent. */
const GONE: ReadonlySet<number | undefined> = new Set([20404, 60202])

const unlessGone = (fault: unknown) => {
  if (GONE.has(codesOf(fault).code)) return 'gone' as const
  throw fault
}

/**
 * Lets Twilio Verify make, send and judge the codes: its texts, its languages, its protection against pumping.
 *
 * A code is accepted where Verify says `approved` and `valid` of this very number and service, and nowhere else. It
 * binds codes to numbers, not to sign-ins: while a code stands, it sends the same one again for ten minutes. That a
 * sign-in had one sent, and a short while ago, is seen to by `sms()`.
 *
 * @throws StepUpError `ERR_CONFIG` at once for wrong options; when sending, `ERR_ADDRESS` for a number that Twilio does
 *   not send to, for good or for a while. No error names a number or holds a code.
 * @see Twilio, Verification resource and Verification Check resource
 */
export const twilioVerify = (options: TwilioVerifyOptions): CodeJudge => {
  checkOptions(WHERE, options, { ...ACCESS, serviceSid: { ...rules.sid('VA'), isRequired: true } })
  checkAccess(WHERE, options)
  const { serviceSid } = options
  const call = createCaller(options)
  const checkAnswer = (answer: Answer, to: string) => {
    if (answer.to !== to || answer.serviceSid !== serviceSid) throw mismatch()
    return answer
  }
  return Object.freeze<CodeJudge>({
    async send({ to, channel, locale }) {
      const answer = await call((client) =>
        client.verify.v2
          .services(serviceSid)
          .verifications.create({ to, channel: channel === 'voice' ? 'call' : 'sms', locale }),
      )
      checkAnswer(answer, to)
    },
    async check(to, code) {
      const answer = await call((client) =>
        client.verify.v2.services(serviceSid).verificationChecks.create({ to, code }).catch(unlessGone),
      )
      return answer === 'gone' ? answer : judge(checkAnswer(answer, to))
    },
  })
}
