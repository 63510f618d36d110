/** How a message reaches its reader. */
export type Channel = 'text' | 'voice'

/** A message that the core sends through the factor's sender, after the new state is committed. */
export interface Message {
  /** One address in the sender's own form: E.164, an email address, a push subscription. */
  readonly to: string
  /** Names the templates: `sms/challenge` is `views/sms/messages/challenge.text.ejs`, and `.html.ejs` where there is one. */
  readonly template: string
  /** What the templates get, beside the language. */
  readonly values: Readonly<Record<string, string>>
  /** Default `text`. */
  readonly channel?: Channel
  /** Epoch seconds: from then on the message is of no use, and nobody tries to send it any longer. */
  readonly expiresAt: number
  /** The block of addresses that it belongs to, for budgets per `block`: a phone number without its last digits. */
  readonly block?: string
  /** An opaque name of what it is about: all that a push carries beside a sentence that says nothing of anybody. */
  readonly reference?: string
}

/** A message in words, as a sender gets it. */
export interface OutgoingMessage {
  readonly to: string
  readonly channel: Channel
  /** BCP 47 tag of the language of its words. */
  readonly locale: string
  /** One line; absent where the factor's messages have none. */
  readonly subject?: string
  /** Plain text, without a line break at its end. */
  readonly text: string
  /** The same as HTML, where the factor has a template for it. */
  readonly html?: string
  /** @see {@link Message.reference} */
  readonly reference?: string
  /** Epoch seconds: of no use from then on. */
  readonly expiresAt: number
}

/** What a sender learned on the way. */
export interface Receipt {
  /** Ids of the authenticators whose address is dead for good; the core drops it by the factor's `withoutAddress`. */
  readonly gone: readonly string[]
  /**
   * Nothing went out, by addresses that their owners chose: it is tried again and told, and others are sent to all the
   * same.
   */
  readonly undelivered?: true
}

/**
 * How many messages may go out. `target`: to one address, whoever asks. `block`: to a block of addresses.
 * `address`: asked for from one IP address. `account`: for one account. `total`: for this factor, all in all.
 */
export interface Budget {
  readonly per: 'target' | 'block' | 'address' | 'account' | 'total'
  readonly messages: number
  readonly windowSeconds: number
}

/**
 * Carries a message: Twilio, SMTP, a gateway of the host's own. It resolves once the message is handed over.
 *
 * @throws StepUpError `ERR_ADDRESS` where this address cannot be reached, for good or for a while, which the user is
 * told; anything else is the gateway's own fault, and after some of them nothing is sent for a while.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: most senders learn nothing, as async functions without a return do
export type Sender = (message: OutgoingMessage) => Promise<void | Receipt>
