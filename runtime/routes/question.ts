/** What every question route shares: context facts, the budget, and the values in a body. */
import type { Fact } from '../../src/base/value.ts'
import { acceptsFact, signatureText, suggestSignature } from '../../src/check/signatures.ts'
import type { Request as Question } from '../../src/engine/engine.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import type { WireFact } from '../../src/wire/shapes.ts'
import { concreteFact } from '../../src/wire/values.ts'
import type { Environment, Service } from '../service.ts'

const none: readonly Fact[] = []

/** The circumstances of a question with these context facts. Throws ApiError when one of them is refused. */
export const questionOf = (contextFacts: readonly WireFact[] | null | undefined, environment: Environment, service: Service): Question => {
  const { platform, limits } = service
  return {
    contextFacts:
      contextFacts === undefined || contextFacts === null || contextFacts.length === 0
        ? none
        : checkContext(contextFacts, environment, service),
    unixSeconds: Math.floor(platform.nowMs() / 1000),
    nowMs: platform.queryMs === undefined ? platform.monotonicMs : platform.queryMs,
    timeoutMs: limits.queryTimeoutMs,
  }
}

/** The fact in canonical form, when the policy uses it. Throws ApiError 400. */
export const usedFact = (wire: WireFact, field: string, environment: Environment): Fact => {
  const fact = concreteFact(wire, field)
  if (acceptsFact(environment.policy, fact)) return fact
  const meant = suggestSignature(environment.policy, fact)
  const hint =
    meant === null ? 'use it in a rule or add a `declare`' : `use it in a rule or add a \`declare\`, or did you mean \`${meant}\``
  throw new ApiError('not-used-in-policy', `${signatureText(fact)} is not used in policy: ${hint}`)
}

const checkContext = (wire: readonly WireFact[], environment: Environment, { limits }: Service): readonly Fact[] => {
  if (limits.contextFacts !== null && wire.length > limits.contextFacts) {
    throw new ApiError('too-large', `\`context_facts\` has ${wire.length} facts, at most ${limits.contextFacts} are allowed`)
  }
  return wire.map((fact, index) => usedFact(fact, `context_facts[${index}]`, environment))
}
