import { z } from 'zod'
import { HOST_SECONDS, withinSeconds } from '../deadline.ts'
import { StepUpError } from '../errors.ts'
import type { Assessment, Confidence, FactName, FactRequest, FactSource, RiskAssessment } from '../policy/facts.ts'
import { type Assessor, lowestConfidence, type OverallConfidence, type Risk } from './assessor.ts'

const UNAVAILABLE: Assessment = Object.freeze({ confidence: 'low', code: 'assessment_not_available' })

const OVERALL = z.enum(['low', 'medium', 'high'])

const ASSESSMENT = z.object({
  confidence: z.enum(['low', 'medium', 'high', 'unknown']),
  code: z.string().min(1),
  details: z.record(z.string(), z.unknown()).optional(),
})

/** A copy that nobody else holds, and that can be written down. Anything but an assessment throws. */
const copied = (answer: unknown): Assessment => {
  const { confidence, code, details } = ASSESSMENT.parse(JSON.parse(JSON.stringify(answer)))
  return Object.freeze({ confidence, code, ...(details === undefined ? {} : { details: Object.freeze(details) }) })
}

const answerOf = async (assessor: Assessor, request: FactRequest, signal: AbortSignal): Promise<unknown> => {
  const read = async (name: FactName) => [name, await request.fact(name)] as const
  const facts = Object.fromEntries(await Promise.all(assessor.reads.map(read)))
  return assessor.assess(Object.freeze(facts) as Parameters<Assessor['assess']>[0], Object.freeze({ signal }))
}

const assessedBy = async (assessor: Assessor, request: FactRequest): Promise<Assessment> => {
  try {
    return copied(await withinSeconds(HOST_SECONDS, (signal) => answerOf(assessor, request, signal)))
  } catch {
    return UNAVAILABLE
  }
}

const overallOf = (overall: OverallConfidence, assessments: RiskAssessment['assessments']): Confidence => {
  try {
    const answer: unknown = overall(assessments)
    // A promise is no confidence; where it rejects that must not end the process.
    Promise.resolve(answer).catch(() => undefined)
    return OVERALL.parse(answer)
  } catch {
    return 'low'
  }
}

const refuse = (path: string, found: string, allowed: string) => {
  throw new StepUpError('ERR_CONFIG', `${path}: found ${found}; allowed: ${allowed}`)
}

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

const isListOfTexts = (value: unknown) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '')

const check = (assessor: Partial<Assessor> | undefined, path: string) => {
  const { name, reads, assess } = Object(assessor) as Partial<Assessor>
  if (typeof name !== 'string' || !NAME.test(name)) refuse(`${path}.name`, 'none that can be used', String(NAME))
  if (!isListOfTexts(reads)) refuse(`${path}.reads`, 'no list of names of facts', 'names of facts')
  if (reads?.includes('risk')) refuse(`${path}.reads`, 'risk', 'facts that risk is not made of')
  if (typeof assess !== 'function') refuse(`${path}.assess`, 'no function', 'a function')
}

const checkAll = ({ assessors, overall }: Risk) => {
  if (!Array.isArray(assessors)) refuse('risk.assessors', 'no list', 'a list of assessors')
  if (overall !== undefined && typeof overall !== 'function') refuse('risk.overall', 'no function', 'a function')
  const names = new Set<string>()
  for (const [index, assessor] of assessors.entries()) {
    check(assessor, `risk.assessors[${index}]`)
    if (names.has(assessor.name)) refuse(`risk.assessors[${index}].name`, `${assessor.name} again`, 'each name once')
    names.add(assessor.name)
  }
}

/**
 * The source of the fact `risk`: asks all assessors at once, each for what it reads only, and makes one confidence of
 * their answers.
 *
 * Every assessor has two seconds, those for its facts included. One that throws, is late, or answers no assessment
 * counts as low with the code `assessment_not_available`; an overall rule that throws, or answers no confidence, as low.
 * The source itself answers within two seconds and never rejects; the answer is frozen.
 *
 * @throws StepUpError `ERR_CONFIG` for what is no assessor, two of one name, and one that reads `risk` itself.
 */
export const createRiskSource = (risk: Risk): FactSource<RiskAssessment> => {
  checkAll(risk)
  const { assessors, overall = lowestConfidence } = risk
  const all = [...assessors]
  return async (request) => {
    const assessed = await Promise.all(
      all.map(async (assessor) => [assessor.name, await assessedBy(assessor, request)] as const),
    )
    const assessments = Object.freeze(Object.fromEntries(assessed))
    return Object.freeze({ confidence: overallOf(overall, assessments), version: '1', assessments })
  }
}
