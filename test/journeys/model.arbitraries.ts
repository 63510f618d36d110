import fc from 'fast-check'
import type { History, Manner, Move, Seat } from './model.moves.ts'
import { type Asks, type ClientId, HOURLY, MULTI, RECENT, REFEDS, RESISTANT, SINGLE, UNKNOWN } from './model.oracle.ts'

type MoveOf<Name extends Move['move']> = Extract<Move, { move: Name }>

const often = <T>(usual: T, ...others: readonly T[]) => fc.constantFrom(...Array<T>(4).fill(usual), ...others)

/** Most of it happens to one account, in one or two browsers, or hardly anything would come of anything. */
const who = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2)
const browser = fc.constantFrom(0, 0, 0, 1, 2)
const seat = fc.record({ browser: fc.constantFrom(0, 0, 0, 1, 1, 2), tab: fc.constantFrom(0, 0, 1) })
const at: fc.Arbitrary<Seat> = fc.option(seat, { nil: undefined, freq: 1 })

const names = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(MULTI, MULTI, REFEDS, HOURLY, RECENT).map((one) => [one]) },
  { weight: 2, arbitrary: fc.subarray([SINGLE, MULTI, RECENT, RESISTANT, UNKNOWN], { minLength: 1, maxLength: 2 }) },
)

const simple: fc.Arbitrary<Asks> = fc.record({
  client: fc.constantFrom<ClientId[]>('plain', 'floored', 'floored', 'floored', 'strict'),
  voluntary: often<string[]>([], [MULTI]),
  essential: fc.constant([]),
  pays: fc.constant(false),
})

const special: fc.Arbitrary<Asks> = fc
  .record({
    client: fc.constantFrom<ClientId[]>('plain', 'plain', 'floored', 'floored', 'strict'),
    acr: fc.constantFrom('none', 'none', 'voluntary', 'essential'),
    names,
    maxAge: often(undefined, 0 as const, 1 as const, 300 as const),
    prompt: often(undefined, 'none' as const, 'none' as const, 'login' as const),
    pays: often(false, true),
  })
  .map(({ client, acr, names: some, maxAge, prompt, pays }) => ({
    client,
    voluntary: acr === 'voluntary' ? some : [],
    essential: acr === 'essential' ? some : [],
    pays,
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(prompt === undefined ? {} : { prompt }),
  }))

const manner: fc.Arbitrary<Manner> = fc.record({
  who,
  remember: fc.constantFrom(true, true, false),
  keep: often(false, true),
  enroll: often(true, false),
  recover: often(false, false, true, true),
  pause: often(0, 0, 0, 40, 700),
})

const pages = often(8, 1, 1, 2, 2, 3)
/** Most requests ask for one thing or for nothing, so that most are within reach. */
const asks = fc.oneof(simple, special)

const visit: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('visit'),
  at,
  asks,
  manner,
  pages,
  anew: often(false, true, true),
})

const goOn: fc.Arbitrary<Move> = fc.record({ move: fc.constant('go on'), at, manner, pages, hold: fc.boolean() })

const typed: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('type'),
  at,
  what: fc.constantFrom<MoveOf<'type'>['what'][]>(
    'wrong',
    'used',
    'of another',
    'of one removed',
    'right',
    'recovery code',
    'used recovery code',
  ),
  times: often(1, 6),
  forge: often(false, true),
})

const operated: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('operate'),
  who,
  what: fc.constantFrom<MoveOf<'operate'>['what'][]>(
    'remove an app',
    'remove codes',
    'reset',
    'reset to tickets',
    'forget browsers',
    'unlock',
    'disable',
    'enable',
    'enable',
    'new codes',
  ),
})

const byHost: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('host'),
  who,
  what: fc.constantFrom<MoveOf<'host'>['what'][]>('new password', 'new password', 'disable', 'enable', 'enable'),
})

const waited: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('wait'),
  seconds: fc.constantFrom(1, 31, 59, 62, 290, 310, 605, 905, 3607, 86_413, 3 * 86_400 + 7, 15 * 86_400 + 11),
})

const stolen: fc.Arbitrary<Move> = fc.record({ move: fc.constant('steal'), from: browser, to: browser })
const refreshed: fc.Arbitrary<Move> = fc.record({ move: fc.constant('refresh'), which: fc.nat(2) })
const left: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('leave'),
  at,
  way: fc.constantFrom('cancel', 'decline'),
})
const reloaded: fc.Arbitrary<Move> = fc.record({ move: fc.constant('reload'), at })
const wentBack: fc.Arbitrary<Move> = fc.record({ move: fc.constant('go back'), at, steps: fc.nat(4), manner })
const followed: fc.Arbitrary<Move> = fc.record({ move: fc.constant('follow'), at })
const signedOut: fc.Arbitrary<Move> = fc.record({ move: fc.constant('sign out'), browser })

const single = fc.oneof(
  { weight: 18, arbitrary: visit },
  { weight: 6, arbitrary: goOn },
  { weight: 4, arbitrary: typed },
  { weight: 4, arbitrary: waited },
  { weight: 3, arbitrary: operated },
  { weight: 2, arbitrary: left },
  { weight: 2, arbitrary: wentBack },
  { weight: 2, arbitrary: followed },
  { weight: 2, arbitrary: stolen },
  { weight: 2, arbitrary: refreshed },
  { weight: 2, arbitrary: byHost },
  { weight: 1, arbitrary: reloaded },
  { weight: 1, arbitrary: signedOut },
)

/** Something that may end what was proved, or hand it to somebody else. */
const turn = fc.oneof(operated, operated, byHost, waited, waited, stolen, refreshed)

/** What takes something away from whom most of it happens to. */
const ended = fc.constantFrom<Move[]>(
  { move: 'operate', who: 0, what: 'remove an app' },
  { move: 'operate', who: 0, what: 'remove codes' },
  { move: 'operate', who: 0, what: 'new codes' },
  { move: 'operate', who: 0, what: 'reset' },
  { move: 'operate', who: 0, what: 'disable' },
  { move: 'host', who: 0, what: 'new password' },
)

const FLOORED: Asks = { client: 'floored', voluntary: [], essential: [], pays: false }
const PLAIN: Asks = { client: 'plain', voluntary: [], essential: [], pays: false }
const TWO_KINDS: Asks = { client: 'plain', voluntary: [], essential: [MULTI], pays: false }
const HASTY: Asks = { ...TWO_KINDS, maxAge: 1 }
const USUAL: Manner = { who: 0, remember: true, keep: false, enroll: true, recover: false, pause: 0 }

const first: Seat = { browser: 0, tab: 0 }
const elsewhere: Seat = { browser: 1, tab: 0 }
const otherTab: Seat = { browser: 0, tab: 1 }

const visiting = (over: Partial<MoveOf<'visit'>> = {}) =>
  fc.record({ remember: often(true, false), pages: often(8, 1) }).map(({ remember, pages: some }): Move => {
    const usual: MoveOf<'visit'> = {
      move: 'visit',
      at: first,
      asks: FLOORED,
      manner: { ...USUAL, remember },
      pages: some,
      anew: true,
    }
    return { ...usual, ...over }
  })
const later = (asks: Asks, over: Partial<MoveOf<'visit'>> = {}) => visiting({ asks, anew: false, pages: 8, ...over })
const typing = (what: MoveOf<'type'>['what'], times = 1) =>
  fc
    .record({ forge: often(false, true) })
    .map(({ forge }): Move => ({ move: 'type', at: undefined, what, times, forge }))
const answering = (hold: boolean, manner = USUAL, at?: Seat) =>
  fc.constant<Move>({ move: 'go on', at, manner, pages: 8, hold })
const declining = answering(true, { ...USUAL, enroll: false })
const emptied = fc.constant<Move>({ move: 'operate', who: 0, what: 'reset' })
const copied = fc.constant<Move>({ move: 'steal', from: 0, to: 1 })
const following = fc.constant<Move>({ move: 'follow', at: undefined })

/** What chance alone would hardly ever bring together; each move can be left out, or come to nothing. */
const SCENES: readonly (readonly fc.Arbitrary<Move>[])[] = [
  // A browser is remembered, and what it was remembered on changes.
  [visiting(), turn, visiting(), turn, later(FLOORED)],
  [visiting(), visiting(), turn, later(FLOORED), turn, later(FLOORED)],
  // More is asked than a remembered browser is good for.
  [visiting(), special.chain((asks) => visiting({ asks: { ...asks, client: 'floored' } })), later(FLOORED)],
  [visiting(), visiting({ asks: { ...FLOORED, pays: true } }), visiting({ asks: { ...FLOORED, client: 'strict' } })],
  // It is copied, and both go on.
  [visiting(), copied, visiting({ at: elsewhere }), waited, visiting(), visiting({ at: elsewhere })],
  [visiting(), copied, waited, visiting(), waited, visiting({ at: elsewhere }), later(FLOORED)],
  // A recovery code is used, and used again.
  [visiting({ pages: 1 }), typing('recovery code'), ended, answering(false)],
  [
    visiting({ pages: 1 }),
    typing('recovery code'),
    visiting({ asks: TWO_KINDS, pages: 1 }),
    typing('used recovery code'),
  ],
  // What nobody had when a page was opened is set up in another tab.
  [emptied, visiting({ pages: 1 }), later(TWO_KINDS, { at: otherTab }), answering(false, USUAL, first)],
  // A code is seen by somebody, who types it at once in another tab.
  [
    visiting({ asks: TWO_KINDS }),
    later({ ...TWO_KINDS, prompt: 'login' }, { at: otherTab, pages: 1 }),
    typing('used'),
    typing('right'),
  ],
  // Somebody guesses, and comes back at once.
  [visiting({ asks: TWO_KINDS, pages: 1 }), typing('wrong', 6), later(TWO_KINDS), waited, later(TWO_KINDS)],
  // The password is typed anew, and the code is not; or the other way round.
  [visiting({ asks: TWO_KINDS }), waited, later({ ...PLAIN, prompt: 'login' }), later(TWO_KINDS)],
  [visiting(), waited, later({ ...FLOORED, voluntary: [RESISTANT], maxAge: 300 })],
  // It is asked silently, after whatever has happened.
  [visiting(), turn, special.chain((asks) => later({ ...asks, prompt: 'none' }))],
  [emptied, visiting({ asks: PLAIN }), later({ ...FLOORED, prompt: 'none' }), later({ ...TWO_KINDS, prompt: 'none' })],
  // Something is taken away while it is relied on, or while a page about it is open.
  [visiting({ asks: TWO_KINDS }), ended, later(TWO_KINDS)],
  [visiting({ pages: 1 }), ended, answering(false)],
  [ended, ended, visiting({ pages: 1 }), ended, answering(false)],
  // An answer is given, and followed when things have changed.
  [visiting({ asks: TWO_KINDS, pages: 1 }), answering(true), turn, following],
  [visiting({ pages: 1 }), typing('recovery code'), declining, ended, following],
  [visiting({ asks: HASTY, pages: 1 }), answering(true), waited, following, waited, later(HASTY)],
  // Tokens are refreshed after what ends them.
  [visiting(), turn, refreshed, turn, refreshed],
]

/** Whoever was disabled before would only be turned away. */
const ENABLED: readonly Move[] = [
  { move: 'operate', who: 0, what: 'enable' },
  { move: 'host', who: 0, what: 'enable' },
]

const leavingOut = (moves: readonly fc.Arbitrary<Move>[]) => {
  const all = [...ENABLED.map((one) => fc.constant(one)), ...moves]
  return fc.tuple(...all.map((one) => fc.option(one, { freq: 20 })))
}

const kept = (moves: readonly (Move | null)[]) => moves.filter((one) => one !== null)

/** Each scene alone. */
export const scenes: readonly fc.Arbitrary<History>[] = SCENES.map((moves) =>
  fc.record({ enrolled: fc.constant(1), moves: leavingOut(moves).map(kept) }),
)

const several = fc.oneof(
  { weight: 3, arbitrary: fc.option(single, { freq: 40 }).map((one) => [one]) },
  { weight: 1, arbitrary: fc.constantFrom(...SCENES).chain(leavingOut) },
)

/** @param length - How many moves or scenes at most. */
export const histories = (length: number): fc.Arbitrary<History> =>
  fc.record({
    enrolled: fc.constantFrom(0, 1, 1, 2),
    // Left out one by one when shrinking, which a minimum of moves would end too early.
    moves: fc.array(several, { minLength: length, maxLength: length }).map((some) => kept(some.flat())),
  })
