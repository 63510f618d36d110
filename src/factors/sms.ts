import type { Authenticator, Factor } from './factor.ts'
import { challengeBy } from './sms/challenge.ts'
import { proofBy, type SmsData, type SmsState, type SmsView } from './sms/code.ts'
import { enrollment } from './sms/enroll.ts'
import { checkedSender } from './sms/facts.ts'
import { masked } from './sms/number.ts'
import { type SmsOptions, settingsOf } from './sms/options.ts'

export type { SmsCodeView, SmsData, SmsNumberView, SmsState, SmsView } from './sms/code.ts'
export type { SmsCountry } from './sms/number.ts'
export { BUDGETS, type CodeJudge, type NumberFacts, type NumberLookup, type SmsOptions } from './sms/options.ts'

/**
 * Codes by text message, and by a call where `voice` is on: six digits, used once, of use for five minutes, and for
 * nothing but the ceremony and the number that they were sent for.
 *
 * Proves possession of a phone's number, out-of-band and restricted: numbers are taken over, so a level can refuse it
 * (NIST SP 800-63B-4 section 3.1.3.3). `amr` is `sms`, and `tel` for a code that was spoken (RFC 8176 section 2).
 *
 * Numbers are kept in E.164 form and shown masked, always at the same length; whoever enrolls one sees it whole.
 * Refused are what is no number, an extension, a country that is not listed, and every kind of number that is nobody's
 * own phone or that costs more; these are problems and count as no refusal. What `lookup` says is asked at each message,
 * once it is counted.
 *
 * A code is the same for two messages to one number while half of its life is left, so that a slow one still works.
 *
 * @throws StepUpError `ERR_CONFIG` with what was found and what is allowed.
 * @see NIST SP 800-63B-4 section 3.1.3 (Out-of-Band Authenticators); ITU-T E.164; WICG, Origin-bound one-time codes
 *   delivered via SMS.
 */
export const sms = (options: SmsOptions): Factor<SmsState, SmsData, SmsView> => {
  const settings = settingsOf(options)
  return Object.freeze({
    id: 'sms',
    ...proofBy('text', settings.otpAmr),
    describe: ({ data }: Authenticator<SmsData>) => masked(data.number),
    enroll: enrollment(settings),
    challenge: challengeBy(settings),
    sender: checkedSender(settings),
    budgets: settings.budgets,
    perAccount: settings.perAccount,
  } satisfies Factor<SmsState, SmsData, SmsView>)
}
