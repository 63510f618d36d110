import type { DecisionRecord } from '../recording/decision-record.ts'

/** What one line says: a decision, that some were not written, or nothing that could be told. */
export interface ReadLine {
  readonly record?: DecisionRecord
  readonly dropped: number
}

const OUTCOMES: ReadonlySet<unknown> = new Set(['satisfied', 'login', 'challenge', 'enroll', 'refuse'])

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const areTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string')

const isEvent = (value: unknown) =>
  isObject(value) && typeof value.by === 'string' && typeof value.proof === 'string' && Number.isFinite(value.age)

const isOutcome = (value: unknown) => isObject(value) && OUTCOMES.has(value.is) && areTexts(value.floors)

const isAsked = ({ scopes, resources = [], acr = [] }: Readonly<Record<string, unknown>>) =>
  areTexts(scopes) && areTexts(resources) && areTexts(acr)

const isRecord = (value: Readonly<Record<string, unknown>>) =>
  Number.isFinite(value.at) &&
  typeof value.client === 'string' &&
  isAsked(value) &&
  Array.isArray(value.events) &&
  value.events.every(isEvent) &&
  isObject(value.factors) &&
  isObject(value.facts) &&
  isOutcome(value.outcome)

/** Reads one line of a recording; undefined where it is none. */
export const readLine = (text: string): ReadLine | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value) || value.v !== 1) return undefined
  const dropped = Number.isSafeInteger(value.dropped) ? Number(value.dropped) : 0
  if (isRecord(value)) return { record: value as unknown as DecisionRecord, dropped }
  return dropped > 0 && value.outcome === undefined ? { dropped } : undefined
}
