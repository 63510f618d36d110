import type { Authenticator, Ceremony, Devices, Factor } from './factor.ts'
import { challengeBy } from './push/challenge.ts'
import { senderOf } from './push/channel.ts'
import { devicesOf } from './push/devices.ts'
import { enrollment } from './push/enroll.ts'
import { type PushOptions, settingsOf } from './push/options.ts'
import { type PushData, type PushState, type PushView, proofOf } from './push/state.ts'

export type { PushMessage, PushOptions, PushSender } from './push/options.ts'
export type {
  PushChallengeView,
  PushChannel,
  PushData,
  PushDeviceView,
  PushState,
  PushTicketView,
  PushView,
} from './push/state.ts'

/** Devices that are asked: a factor that hears from others than the browser that began. */
export interface PushFactor extends Factor<PushState, PushData, PushView> {
  readonly enroll: Ceremony<PushState, PushData, PushView>
  readonly devices: Devices<PushData>
  withoutAddress(authenticator: Authenticator<PushData>): PushData
}

/** Challenges in a row without an approval, after which somebody seems to be tiring the owner out. */
const MAX_UNANSWERED = 10

/**
 * A question on a device of the account, which answers with the number that the sign-in page shows, signed with a key
 * that it made itself (docs/push-protocol.md). The device is any app on that protocol, the web authenticator among them.
 *
 * Proves possession, out-of-band and replay-resistant. Who types a number can be talked into typing it, so it is never
 * phishing-resistant (NIST SP 800-63B-4, "Phishing (Verifier Impersonation) Resistance"); a tap alone never answers.
 * With `userVerification: 'trusted'` it is a second kind too where the app made sure of its user.
 *
 * Refused are (`invalid`) a wrong number and an answer to another question, account or time; (`not-enrolled`) one of a
 * device that cannot answer here. These end it: (`expired`) an answer too late, (`denied`), and (`reported`) "it was not
 * me". Three wrong answers end it too.
 *
 * A challenge without a browser (CIBA) compares the client's binding message: digits are typed and not shown on the
 * device, any other is shown there.
 *
 * @throws StepUpError `ERR_CONFIG` that names a setting and what it can be.
 * @see NIST SP 800-63B-4 section 3.1.3 (Out-of-Band Authenticators); RFC 7515; RFC 7638; CIBA Core 1.0 section 7.1.
 */
export const push = (options: PushOptions = {}): PushFactor => {
  const settings = settingsOf(options)
  return Object.freeze({
    id: 'push',
    ...proofOf(settings.trustsUserVerification),
    describe: ({ nickname, data }: Authenticator<PushData>) => nickname ?? data.name,
    enroll: enrollment(settings),
    challenge: challengeBy(settings),
    sender: senderOf(settings),
    budgets: settings.budgets,
    // A push that comes late is of little use, and the challenge lives for minutes.
    retriesAfterSeconds: [3, 10],
    perAccount: settings.perAccount,
    devices: devicesOf(settings),
    withoutAddress: ({ data: { channel: _dead, ...data } }: Authenticator<PushData>): PushData => data,
    maxUnanswered: MAX_UNANSWERED,
  } satisfies PushFactor)
}
