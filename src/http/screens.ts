/** What every screen gets. Texts are looked up in the template by `it.t(id, values)`. */
export interface Screen {
  /** Text of a message in the screen's language, `{name}` places filled in; unescaped. */
  readonly t: (id: string, values?: Readonly<Record<string, string | number>>) => string
  readonly locale: string
  /** URL path of the style sheet. */
  readonly stylesheet: string
  /** URL path of the script that makes pages handier and that none of ours needs; absent on pages without it. */
  readonly script?: string
  /** URL paths of the scripts that this page cannot do without, in this order. */
  readonly scripts?: readonly string[]
  /** Whose account; absent before sign-in. */
  readonly accountLabel?: string
  /** The relying party's name; absent where it is unknown (expired pages). */
  readonly clientName?: string
}

/** The ways out of a screen inside an interaction; each is a form that posts `csrf`. */
export interface WaysOut {
  readonly csrf: string
  /** Posts here to cancel and go back to the relying party; absent where nothing is owed. */
  readonly cancelAction?: string
  /** Posts here to go on without; present where the level is voluntary. */
  readonly declineAction?: string
}

/** A message about the last answer: its id, and the values of its places. */
export interface Notice {
  readonly id: string
  readonly values?: Readonly<Record<string, string | number>>
}

/** `views/<factor>/challenge.ejs` and `views/<factor>/enroll.ejs`. */
export interface CeremonyScreen<View = unknown> extends Screen, WaysOut, Offered {
  /** Where the form posts to. */
  readonly action: string
  /** Link to the list of other ways, present where there is another. */
  readonly chooseHref?: string
  /** The other ways, each with the link to its own page. */
  readonly alternatives?: readonly { readonly factor: string; readonly href: string }[]
  /** Masked names of the authenticators that can answer; an empty name is not shown. */
  readonly authenticators: readonly string[]
  /** Id of the message about the last answer, with its values. */
  readonly error?: Notice
  /** Present where this browser can be remembered: for how long, and whether it was ticked before. */
  readonly remember?: { readonly seconds: number; readonly checked: boolean }
  /** Present where a device is to answer; the page's script listens there, and asks where it cannot. */
  readonly waiting?: { readonly eventsHref: string; readonly stateHref: string; readonly version: string }
  /** A device has answered rightly: the form has only to be sent. */
  readonly answered?: boolean
  /** The factor's own view. */
  readonly view: View
}

/** A page that an offer may have led to. */
export interface Offered {
  /** Why this is offered though nothing is owed: a recovery code was used, or what stands beside others runs out. */
  readonly offer?: Offer
  /** How many recovery codes are left, where they are few and one was just used. */
  readonly codesLeft?: number
}

/**
 * Why an enrolment is offered. `recovered`: a recovery code was used. `due`: recovery codes run out. `better`: it would
 * serve the account better than what it has; the form that declines can say `here=no`, which keeps the offer away from
 * this browser.
 */
export type Offer = 'recovered' | 'due' | 'better'

/** `views/closed.ejs`: no further answer is looked at for now; says why, and what to do. */
export interface ClosedScreen extends Screen, WaysOut {
  /** Message id of the heading, where the factor has one of its own. */
  readonly heading?: string
  readonly notice: Notice
  /** Link that begins anew, present where that will help. */
  readonly retryHref?: string
  /** Posts `again=yes` here to begin anew, where only a form may. */
  readonly againAction?: string
  /** Link to the list of other ways, present where there is another. */
  readonly chooseHref?: string
}

/** `views/choose.ejs`: which way to prove it, or which to set up. */
export interface ChooseScreen extends Screen, WaysOut, Offered {
  readonly purpose: 'challenge' | 'enroll'
  readonly options: readonly {
    readonly factor: string
    readonly href: string
    readonly authenticators: readonly string[]
  }[]
}

/** `views/unreachable.ejs`: the relying party asks for more than this account can show. */
export interface UnreachableScreen extends Screen, WaysOut {
  /**
   * `offered`: this service has a method that would do and the account only lacks it. `ticket`: it may only be set
   * up with a link. `absent`: no method here would do.
   */
  readonly reason: 'offered' | 'ticket' | 'absent'
}

/** `views/setup/open.ejs`: where an enrolment ticket is opened. */
export interface SetupScreen extends Screen {
  readonly csrf: string
  readonly action: string
  /** The ticket that was tried is used, expired or none of ours. */
  readonly error?: Notice
}

/** `views/expired.ejs` and `views/error.ejs`. */
export interface ErrorScreen extends Screen {
  /** Message id stem: `<id>.heading` and `<id>.text` exist. */
  readonly id: string
  /** Shown to quote to support; also in the log line. */
  readonly reference?: string
  /** Link to try again. */
  readonly retryHref?: string
}

/** `views/serve/login.ejs`: the login page of a provider that runs by itself. */
export interface LoginScreen extends Screen, WaysOut {
  readonly action: string
  readonly error?: Notice
  /** What was typed before, or the relying party's hint. */
  readonly username?: string
}

/** `views/serve/consent.ejs`: what the relying party may read. */
export interface ConsentScreen extends Screen, WaysOut {
  readonly action: string
  readonly clientName: string
  readonly accountLabel: string
  /** `text` is shown as it is, in the screen's language. */
  readonly scopes: readonly { readonly id: string; readonly text: string }[]
}

/** `views/serve/logout.ejs`: posts `xsrf`, and `logout=yes` to sign out. */
export interface LogoutScreen extends Screen {
  readonly action: string
  readonly xsrf: string
}

/** `views/serve/signed-out.ejs` and `views/serve/home.ejs`. */
export interface PlainScreen extends Screen {
  /** Link to the demonstration app, present where it runs. */
  readonly demoHref?: string
}
