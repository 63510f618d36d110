import type { RiskAssessment } from '../policy/facts.ts'
import type { RuleTrace } from '../policy/trace.ts'
import type { ExplainedFactor, ExplainedLevel, Explanation } from './explanation.ts'
import { demandInWords, factorName, levelInWords, missingInWords, outcomeInWords, reasonInWords } from './words.ts'

/** A line with what stands below it. */
type Row = readonly [name: string, text: string, below?: readonly string[], tint?: (text: string) => string]

/** Colors or none. */
interface Paint {
  strong(text: string): string
  good(text: string): string
  bad(text: string): string
  faint(text: string): string
}

const same = (text: string) => text
const PLAIN: Paint = { strong: same, good: same, bad: same, faint: same }
const sgr = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`
const COLORED: Paint = { strong: sgr(1), good: sgr(32), bad: sgr(31), faint: sgr(2) }

/** What comes from outside must not steer a terminal. */
const printable = (text: string) =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)

const WIDEST = 24

const section = (title: string, rows: readonly Row[], paint: Paint): readonly string[] => {
  if (rows.length === 0) return []
  const width = Math.min(WIDEST, Math.max(...rows.map(([name]) => name.length)))
  const lines = rows.flatMap(([name, text, below = [], tint = same]) => [
    `  ${tint(printable(name).padEnd(width))}  ${text}`.trimEnd(),
    ...below.map((line) => `  ${' '.repeat(width)}  ${line}`),
  ])
  return ['', paint.strong(title), ...lines]
}

const instant = (at: number) => new Date(at * 1000).toISOString().replace('.000Z', 'Z')

const requestRows = ({ request, account, decision: { trace } }: Explanation): readonly Row[] => {
  const asked = [...trace.asked, ...trace.unknown.map((acr) => `${acr} (no level)`)]
  return [
    ['account', `${account.id}${account.tenant === undefined ? '' : `, tenant ${account.tenant}`}`],
    ['client', request.clientId],
    ['at', instant(request.at)],
    ['scopes', request.scopes.join(' ')],
    ['resources', request.resources.join(' ')],
    ['asks for', asked.length === 0 ? '' : `${asked.join(' or ')}${trace.essential ? ', essential' : ''}`],
    ['max_age', trace.maxAgeSeconds === undefined ? '' : `${trace.maxAgeSeconds} s`],
    ['prompt', trace.prompt ?? ''],
    ['session proved', trace.evidence.map(factorName).join(', ') || 'nothing'],
  ].flatMap(([name = '', text = '']) => (text === '' ? [] : [[name, printable(text)] as const]))
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A fact as people read it: `country DE, region BY`. */
const valueText = (value: unknown): string => {
  if (value === null || value === undefined) return 'not known'
  if (Array.isArray(value)) return value.map(valueText).join(', ') || 'none'
  if (!isObject(value)) return String(value)
  return Object.entries(value)
    .map(([name, member]) => `${name} ${isObject(member) ? `(${valueText(member)})` : valueText(member)}`)
    .join(', ')
}

const isRisk = (name: string, value: unknown): value is RiskAssessment =>
  name === 'risk' && isObject(value) && 'assessments' in value

const riskRow = ({ confidence, assessments }: RiskAssessment): Row => [
  'risk',
  `${confidence} confidence`,
  Object.entries(assessments).map(([name, { confidence: own, code, details }]) =>
    printable(`${name}: ${own}, ${code}${details === undefined ? '' : ` (${valueText(details)})`}`),
  ),
]

const INSTANTS: ReadonlySet<string> = new Set(['now', 'lastFactorAt'])

const factRows = ({ facts }: Explanation): readonly Row[] =>
  Object.entries(facts).map(([name, value]): Row => {
    if (isRisk(name, value)) return riskRow(value)
    return [name, INSTANTS.has(name) && typeof value === 'number' ? instant(value) : printable(valueText(value))]
  })

const ruleRow = ({ rule, demand, because, reportOnly, exempted }: RuleTrace): Row => {
  const effect = reportOnly === true ? 'without effect: ' : exempted === true ? 'taken back by an exemption: ' : ''
  const why = because === undefined ? '' : ` (${because})`
  return ['-', printable(`${rule}${why}`), [printable(`${effect}${demandInWords(demand)}`)]]
}

const trialRows = ({ reportOnly }: Explanation): readonly Row[] => {
  if (reportOnly === undefined) return []
  if ('fault' in reportOnly) return [['it failed', printable(reportOnly.fault)]]
  const { outcome, error, reason } = reportOnly
  return [['outcome', `${outcome}${error === undefined ? '' : ` ${error}`}, as ${reasonInWords(reason)}`]]
}

const closersIn = ({ closedBy: { has, toSetUp } = { has: [], toSetUp: [] } }: ExplainedLevel) => {
  const ways = [...has.map(factorName), ...toSetUp.map((id) => `${factorName(id)} (to be set up)`)]
  return `could be met by: ${ways.join(', ') || 'nothing the account has or could set up'}`
}

const levelRow = (level: ExplainedLevel, paint: Paint): Row => {
  const { acr, met, asked, floor, lifted, missing } = level
  const why = [...(asked === undefined ? [] : [`asked, ${asked}`]), ...(floor === true ? ['owed by the policy'] : [])]
  const [mark, tint]: readonly [string, Paint['good']] = met
    ? ['✓', paint.good]
    : lifted === undefined
      ? ['✗', paint.bad]
      : ['–', paint.faint]
  const below = [
    ...(lifted === undefined
      ? []
      : [lifted === 'address' ? 'a verified address does' : 'lifted: the browser is remembered']),
    ...(missing === undefined ? [] : [`missing: ${missingInWords(missing)}`, closersIn(level)]),
  ]
  const text = `${printable(acr)}: ${why.join('; ')}${paint.faint(` (needs ${levelInWords(level)})`)}`
  return [mark, text, below, tint]
}

const OFF = {
  refused: 'switched off after too many refusals',
  unanswered: 'not asked any more: nobody answers',
  'used-up': 'cannot be asked now',
} as const

const factorRow = ({ factor, enrolled, implied, usable, off }: ExplainedFactor): Row => {
  const counts = [
    ...(enrolled === 0 ? [] : [`${enrolled} set up`]),
    ...(implied === 0 ? [] : [`${implied} known from the account`]),
  ]
  const state = off === undefined ? (usable ? 'can be asked' : '') : OFF[off]
  return [factor, [...(counts.length === 0 ? ['none'] : counts), ...(state === '' ? [] : [state])].join(', ')]
}

const reportedLine = ({ decision }: Explanation) =>
  decision.outcome === 'satisfied' ? [`reports ${decision.acr ?? 'no level'}, by ${decision.amr.join(' ')}`] : []

/**
 * An explanation for people: one line of outcome, then why.
 *
 * @param options - `color`: whether to use a terminal's colors. Default false.
 */
export const explanationTree = (explanation: Explanation, { color = false } = {}): string => {
  const paint = color ? COLORED : PLAIN
  const { decision, rules, levels, account } = explanation
  const { reason, aim } = decision.trace
  return [
    paint.strong(outcomeInWords(decision)),
    `because ${reasonInWords(reason)}${aim === undefined ? '' : `: ${printable(aim)}`}`,
    ...reportedLine(explanation).map(printable),
    ...section('request', requestRows(explanation), paint),
    ...section('facts that were read', factRows(explanation), paint),
    ...section('rules that spoke', rules.map(ruleRow), paint),
    ...section('on trial', trialRows(explanation), paint),
    ...section(
      'levels',
      levels.map((level) => levelRow(level, paint)),
      paint,
    ),
    ...section('what the account has', account.factors.map(factorRow), paint),
  ].join('\n')
}
