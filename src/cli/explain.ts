import { type Clock, systemClock } from '../clock.ts'
import { StepUpError } from '../errors.ts'
import { AN_INSTANT, instantOf } from '../explain/instant.ts'
import type { AskedEvidence, Question } from '../explain/question.ts'
import { explanationTree } from '../explain/tree.ts'
import { createRenderer } from '../http/render.ts'
import { stepUp } from '../step-up.ts'
import { construct, kept, openBacking, plugin } from './assemble.ts'
import { type CheckedConfig, checkConfig, foldUsername, type Person, type ServeConfig } from './config.ts'
import { buildConfiguration } from './configuration.ts'
import type { Directory } from './directory.ts'
import { generateSigningKeys } from './key-ring.ts'
import { createScreens } from './screens.ts'

/** What the command line says of a sign-in; each text as it was typed. */
export interface ExplainValues {
  readonly account?: string | undefined
  readonly client?: string | undefined
  readonly acr?: readonly string[] | undefined
  readonly essential?: boolean | undefined
  readonly scope?: readonly string[] | undefined
  readonly resource?: readonly string[] | undefined
  readonly ip?: string | undefined
  readonly 'user-agent'?: string | undefined
  readonly country?: string | undefined
  readonly 'known-device'?: boolean | undefined
  readonly remembered?: boolean | undefined
  readonly at?: string | undefined
  readonly 'max-age'?: string | undefined
  readonly prompt?: string | undefined
  readonly with?: readonly string[] | undefined
  readonly json?: boolean | undefined
}

/** What the command runs in. */
export interface ExplainTerminal {
  print(line: string): void
  /** Whether it shows colors. */
  readonly color: boolean
  readonly redisUrl?: string | undefined
  /** @default the machine's */
  readonly clock?: Clock
}

/** A command line that cannot be understood. */
interface Usage {
  readonly usage: string
}

const mistaken = (name: string, found: string, allowed: string): Usage => ({
  usage: `--${name}: found ${JSON.stringify(found)}; allowed: ${allowed}`,
})

const WITH = /^([a-z][a-z0-9-]*)(?:@(\d{1,9}))?$/
const COUNTRY = /^[A-Z]{2}$/

/** What is wrong with a text that was typed, where something is. */
const mistakeIn = (values: ExplainValues): Usage | undefined => {
  const { at, country, prompt, with: proved = [], 'max-age': maxAge } = values
  if (at !== undefined && instantOf(at) === undefined) return mistaken('at', at, AN_INSTANT)
  if (country !== undefined && !COUNTRY.test(country)) return mistaken('country', country, 'two capital letters: DE')
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) return mistaken('max-age', maxAge, 'a number of seconds')
  if (prompt !== undefined && prompt !== 'none' && prompt !== 'login')
    return mistaken('prompt', prompt, 'none or login')
  const strange = proved.find((one) => !WITH.test(one))
  return strange === undefined ? undefined : mistaken('with', strange, 'a factor and how many seconds ago: totp@300')
}

const provedBy = (text: string): AskedEvidence => {
  const [, factor = '', secondsAgo = '0'] = WITH.exec(text) ?? []
  return { factor, secondsAgo: Number(secondsAgo) }
}

const words = (texts: readonly string[]) => texts.flatMap((text) => text.split(' ').filter(Boolean))

/** The members that were given. */
const given = <Value extends object>(value: Value) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [Name in keyof Value]?: Exclude<Value[Name], undefined>
  }

const questionFrom = (values: ExplainValues, accountId: string, clientId: string): Question => ({
  accountId,
  clientId,
  ...given({
    acrValues: values.acr,
    essential: values.essential,
    scopes: values.scope && words(values.scope),
    resources: values.resource,
    address: values.ip,
    userAgent: values['user-agent'],
    location: values.country === undefined ? undefined : { country: values.country },
    at: values.at === undefined ? undefined : instantOf(values.at),
    maxAgeSeconds: values['max-age'] === undefined ? undefined : Number(values['max-age']),
    prompt: values.prompt as Question['prompt'],
    device: values['known-device'] === true ? ('known' as const) : undefined,
    remembered: values.remembered,
    evidence: values.with?.map(provedBy),
  }),
})

type People = Pick<Directory, 'find' | 'identify'>

/** As serve does it, but for passwords: nobody signs in here. */
const peopleOf = ({ accounts }: CheckedConfig): People => {
  if ('authenticate' in accounts)
    return {
      find: async (accountId) => accounts.find(accountId),
      identify: async (hint) => (accounts.identify ? accounts.identify(hint) : hint),
    }
  const people = new Map<string, Person>()
  const ids = new Map<string, string>()
  for (const { username, password: _password, ...account } of accounts) {
    people.set(account.id, { ...account, label: username })
    ids.set(foldUsername(username), account.id)
  }
  return {
    find: async (accountId) => people.get(accountId),
    identify: async (username) => ids.get(foldUsername(username)),
  }
}

const accountIn = async (people: People, named: string): Promise<string> => {
  if ((await people.find(named)) !== undefined) return named
  const accountId = await people.identify(named)
  if (accountId !== undefined && (await people.find(accountId)) !== undefined) return accountId
  const found = JSON.stringify(named)
  throw new StepUpError('ERR_ACCOUNT', `--account: found ${found}; allowed: the id or the user name of an account`)
}

/** A provider that nobody reaches: it knows the clients, those in its adapter as well. */
const assemble = async (checked: CheckedConfig, people: People, clock: Clock) => {
  const mfa = stepUp({ ...plugin(checked, clock), account: people.find })
  const screens = createScreens(createRenderer(), {})
  const parts = { directory: people, screens, jwks: checked.jwks ?? generateSigningKeys(), clock }
  mfa.attach(construct(checked.issuer, mfa.configure(buildConfiguration(checked, parts))))
  await mfa.ready()
  return mfa
}

/**
 * Explains what a sign-in would come to. Nothing is written, and no port opened.
 *
 * @param load - Loads the configuration; asked once the command line is understood.
 * @throws StepUpError `ERR_CONFIG` for mistakes in the configuration or in what is asked, `ERR_ACCOUNT` for nobody's id
 * and user name.
 */
export const explain = async (
  load: () => Promise<ServeConfig>,
  values: ExplainValues,
  { print, color, redisUrl, clock = systemClock }: ExplainTerminal,
): Promise<Usage | undefined> => {
  const { account, client } = values
  if (!account) return { usage: 'explain needs --account ID' }
  if (!client) return { usage: 'explain needs --client ID' }
  const mistake = mistakeIn(values)
  if (mistake !== undefined) return mistake
  const checked = checkConfig(await load())
  const backing = await openBacking(checked, { redisUrl, clock })
  try {
    const people = peopleOf(checked)
    const mfa = await assemble(kept(checked, backing), people, clock)
    const explanation = await mfa.explain(questionFrom(values, await accountIn(people, account), client))
    print(values.json === true ? JSON.stringify(explanation, null, 2) : explanationTree(explanation, { color }))
    return undefined
  } finally {
    await backing?.close()
  }
}
