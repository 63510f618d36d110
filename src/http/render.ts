import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ejs from 'ejs'
import type { Message, OutgoingMessage } from '../factors/factor.ts'
import { once } from '../once.ts'
import { type Asset, type FactorScripts, readAsset, readScripts, type Scripted } from './assets.ts'
import type { Screen } from './screens.ts'

const defaultLocale = 'en'

// Both headers are the browser's to fill; a person's real list of languages is far shorter.
const maxHeaderLength = 256

/** Text of a message in one language, `{name}` places filled in; unescaped, the template escapes on output. */
export type Translate = Screen['t'] & {
  /** Whether there is a message of that id. */
  readonly knows: (id: string) => boolean
}

/** Turns screens into HTML. Everything it needs is read once, when it is created. */
export interface Renderer {
  /** HTML of a view such as `choose` or `totp/challenge`. Throws a `TypeError` for a name that is no view. */
  readonly render: (view: string, screen: Screen) => string
  readonly hasView: (view: string) => boolean
  /**
   * The texts of one language. Throws a `TypeError` for a language that is not in `locales`; the returned function
   * throws one for an unknown message id and for a place without a value.
   *
   * `{name}` is filled in as it is, `{name:duration}` takes seconds and reads as a length of time.
   */
  readonly translate: (locale: string) => Translate
  /** BCP 47 tags of the languages the screens exist in. */
  readonly locales: readonly string[]
  /**
   * The best of `locales` for a request, `en` where none fits: `ui_locales` first, then `Accept-Language` by weight.
   *
   * @see RFC 4647 section 3.4 (Lookup); OpenID Connect Core 1.0 section 3.1.2.1 (`ui_locales`)
   */
  readonly negotiate: (uiLocales: string | undefined, acceptLanguage: string | undefined) => string
  /** The one style sheet. */
  readonly stylesheet: Asset
  /** The one script. */
  readonly script: Asset
  /** For pages that wait for another device. */
  readonly waitingScript: Asset
  /** Paths of the scripts of a factor's pages. */
  readonly scriptsOf: FactorScripts['of']
  /** Anything of this that browsers fetch, by its path. */
  readonly asset: (path: string) => Asset | undefined
  /** A message in words. Throws a `TypeError` for a template that is none. */
  readonly compose: (message: Message, locale: string) => OutgoingMessage
}

/**
 * Reads and compiles every view, language and style of this package, and the scripts that `factors` bring along.
 * Throws where a message id is defined twice.
 */
export const createRenderer = (factors: readonly Scripted[] = []): Renderer => {
  // The same from src/http and from dist/http.
  const root = fileURLToPath(new URL('../../views/', import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const { draw, views } = compileViews(root, files)
  const translations = readTranslations(root, files)
  const locales = Object.freeze([...translations.keys()].sort())
  const translate = (locale: string) => known(translations, locale, 'language')
  const stylesheet = readAsset(join(root, 'assets/step-up.css'))
  const script = readAsset(join(root, 'assets/step-up.js'))
  const waitingScript = readAsset(join(root, 'assets/waiting.js'))
  const scripts = readScripts(factors)
  const assets = new Map([
    ...[stylesheet, script, waitingScript].map((one) => [one.path, one] as const),
    ...scripts.all,
  ])
  return Object.freeze({
    render: draw,
    hasView: (view: string) => views.has(view),
    translate,
    locales,
    negotiate: createNegotiator(locales),
    stylesheet,
    script,
    waitingScript,
    scriptsOf: scripts.of,
    asset: (path: string) => assets.get(path),
    compose: createComposer({ draw, hasView: (view) => views.has(view), translate }),
  })
}

/** What a message's templates get. */
interface Letter {
  readonly t: Translate
  readonly locale: string
  readonly values: Message['values']
}

interface ComposerTools {
  readonly draw: (view: string, letter: Letter) => string
  readonly hasView: (view: string) => boolean
  readonly translate: (locale: string) => Translate
}

/** `sms/challenge` is the view `sms/messages/challenge.text`, and `….html`; its subject is `sms.messages.challenge.subject`. */
const createComposer =
  ({ draw, hasView, translate }: ComposerTools): Renderer['compose'] =>
  ({ to, template, values, channel = 'text', reference, expiresAt }, locale) => {
    const t = translate(locale)
    const [factor, name] = template.split('/')
    const view = `${factor}/messages/${name}`
    const subject = `${factor}.messages.${name}.subject`
    const letter = { t, locale, values }
    return {
      to,
      channel,
      locale,
      ...(reference === undefined ? {} : { reference }),
      // A subject is one line, whatever a client is called.
      ...(t.knows(subject)
        ? {
            subject: t(subject, values)
              .replace(/[\p{Cc}\s]+/gu, ' ')
              .trim(),
          }
        : {}),
      text: draw(`${view}.text`, letter).trim(),
      ...(hasView(`${view}.html`) ? { html: draw(`${view}.html`, letter) } : {}),
      expiresAt,
    }
  }

/** A map, never a path: a name that was not on the disk at creation cannot reach the disk (CWE-22). */
const known = <Value>(table: ReadonlyMap<string, Value>, name: string, what: string): Value => {
  const value = table.get(name)
  if (value === undefined) throw new TypeError(`unknown ${what} ${JSON.stringify(name)}`)
  return value
}

/** What a partial does not get itself it inherits from its page, and nothing from `Object`; a copy would cost more than the page. */
const INHERITING = { unsafePrototypeLocals: true }

type Part = (name: string, more?: object) => string

/**
 * A page gets `it.partial(name, more)`: the partial of that name, with the page's values and `more` over them. It is
 * `head` for `partials/head.ejs`, and `demo/head` for `demo/partials/head.ejs`; no page reads the disk.
 */
const compileViews = (root: string, files: readonly string[]) => {
  const views = new Map<string, ejs.TemplateFunction>()
  const partials = new Map<string, ejs.TemplateFunction>()
  for (const file of files.filter((name) => name.endsWith('.ejs'))) {
    const options = {
      filename: join(root, file),
      strict: true,
      _with: false,
      localsName: 'it',
      compileDebug: false,
      ...INHERITING,
    }
    const template = ejs.compile(readFileSync(join(root, file), 'utf8'), options)
    const name = file.slice(0, -'.ejs'.length).replaceAll(sep, '/')
    if (name.split('/').includes('partials')) partials.set(name.replace('partials/', ''), template)
    else views.set(name, template)
  }
  const draw = (template: ejs.TemplateFunction, above: object | null, own: object): string => {
    const partial: Part = (name, more) => {
      const part = known(partials, name, 'partial')
      return more === undefined ? part(values) : draw(part, values, more)
    }
    const values: object = Object.assign(Object.create(above), own, { partial })
    return template(values)
  }
  return { views, draw: (view: string, screen: Screen | Letter) => draw(known(views, view, 'view'), null, screen) }
}

/** Shared words live in `messages/`, a factor's own beside its views: `totp/en.json`. */
const readTranslations = (root: string, files: readonly string[]): ReadonlyMap<string, Translate> => {
  const words = new Map<string, Map<string, string>>()
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const locale = basename(file, '.json')
    const messages = words.get(locale) ?? new Map<string, string>()
    words.set(locale, messages)
    for (const [id, text] of Object.entries<string>(JSON.parse(readFileSync(join(root, file), 'utf8')))) {
      if (messages.has(id)) throw new TypeError(`${file}: ${id} is defined twice`)
      messages.set(id, text)
    }
  }
  const offered = files.filter((file) => dirname(file) === 'messages' && file.endsWith('.json'))
  const english = words.get(defaultLocale) ?? new Map<string, string>()
  return new Map(
    offered.map((file) => {
      const locale = basename(file, '.json')
      // A factor from elsewhere may bring English only: one English sentence is better than no page.
      return [locale, translator(locale, new Map([...english, ...(words.get(locale) ?? [])]))]
    }),
  )
}

const DAY = 86_400

const translator = (locale: string, messages: ReadonlyMap<string, string>): Translate => {
  const inSeconds = durationFormat(locale, 'second')
  const inMinutes = durationFormat(locale, 'minute')
  const inDays = durationFormat(locale, 'day')
  const duration = once((seconds: number) => {
    if (seconds >= 2 * DAY) return inDays.format(Math.ceil(seconds / DAY))
    return seconds < 120 ? inSeconds.format(seconds) : inMinutes.format(Math.ceil(seconds / 60))
  })
  const t: Screen['t'] = (id, values = {}) =>
    // One pass: braces inside a value stay what they are.
    known(messages, id, 'message').replace(/\{(\w+)(:duration)?\}/g, (_place, name: string, format?: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      if (value === undefined) throw new TypeError(`message ${id}: no value for {${name}}`)
      return format === undefined ? String(value) : duration(Number(value))
    })
  return Object.assign(t, { knows: (id: string) => messages.has(id) })
}

const durationFormat = (locale: string, unit: 'second' | 'minute' | 'day') =>
  new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })

/** How many different headers are remembered before all are forgotten: browsers send few. */
const MAX_HEADERS = 500

const createNegotiator = (locales: readonly string[]): Renderer['negotiate'] => {
  const answers = new Map<string, string>()
  const negotiate = (uiLocales: string | undefined, acceptLanguage: string | undefined) =>
    [...languageTags(uiLocales), ...languageRanges(acceptLanguage)]
      .map((tag) => lookUp(tag, locales))
      .find((locale) => locale !== undefined) ?? defaultLocale
  return (uiLocales = '', acceptLanguage = '') => {
    if (uiLocales.length > maxHeaderLength || acceptLanguage.length > maxHeaderLength)
      return negotiate(uiLocales, acceptLanguage)
    const headers = `${uiLocales}\n${acceptLanguage}`
    const known = answers.get(headers)
    if (known !== undefined) return known
    const answer = negotiate(uiLocales, acceptLanguage)
    if (answers.size >= MAX_HEADERS) answers.clear()
    answers.set(headers, answer)
    return answer
  }
}

const languageTags = (uiLocales = ''): readonly string[] => uiLocales.slice(0, maxHeaderLength).split(' ')

/** RFC 9110 section 12.5.4: comma-separated, `;q=` from 0 (not acceptable) to 1, which is the default. */
const languageRanges = (acceptLanguage = ''): readonly string[] =>
  acceptLanguage
    .slice(0, maxHeaderLength)
    .split(',')
    .map((range) => {
      const [tag = '', weight = 'q=1'] = range.split(';').map((part) => part.trim())
      return { tag, weight: Number(weight.replace(/^q=/i, '')) }
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag)

const lookUp = (tag: string, locales: readonly string[]): string | undefined => {
  const subtags = tag.toLowerCase().split('-')
  for (let length = subtags.length; length > 0; length--) {
    const shorter = subtags.slice(0, length).join('-')
    const found = locales.find((locale) => locale.toLowerCase() === shorter)
    if (found !== undefined) return found
  }
  return undefined
}
