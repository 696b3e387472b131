/** The query endpoints: evaluate_query and the older query. */
import type { ConjunctiveQuery } from '../../src/engine/engine.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { type EvaluateQueryRequest, evaluateQueryRequest, queryRequest } from '../../src/wire/requests.ts'
import type { EvaluateQueryBody, QueryBody } from '../../src/wire/responses.ts'
import { questionValue, valuePattern } from '../../src/wire/values.ts'
import type { Route } from '../exchange.ts'
import { json } from '../reply.ts'
import { questionOf } from './question.ts'

export const evaluateQuery: Route = {
  endpoint: endpoints.evaluateQuery,
  handle({ body, environment }, service) {
    const asked = decode(evaluateQueryRequest, parseJson(body))
    const query = conjunctionOf(asked)
    const results = environment.engine.query(query, questionOf(asked.context_facts, environment, service))
    return json({ results } satisfies EvaluateQueryBody)
  },
}

export const query: Route = {
  endpoint: endpoints.query,
  handle({ body, environment }, service) {
    const { fact, context_facts: contextFacts } = decode(queryRequest, parseJson(body))
    const args = fact.args.map((arg, index) => {
      const pattern = valuePattern(arg, `fact.args[${index}]`)
      refuseAbstract(pattern.type, `fact.args[${index}].type`)
      return pattern
    })
    const found = environment.engine.match(fact.predicate, args, questionOf(contextFacts, environment, service))
    const results = found.map((match) => ({ predicate: match.predicate, args: match.args.map(({ type, id }) => ({ type, id })) }))
    return json({ results } satisfies QueryBody)
  },
}

const conjunctionOf = ({ predicate, calls, constraints }: EvaluateQueryRequest): ConjunctiveQuery => {
  const conjuncts = [predicate, ...(calls ?? [])].map(([name, args]) => ({ predicate: name, args }))
  const used = [...new Set(conjuncts.flatMap(({ args }) => args))]
  return { calls: conjuncts, constraints: Object.fromEntries(used.map((variable) => [variable, constraintOf(variable, constraints)])) }
}

const constraintOf = (variable: string, constraints: EvaluateQueryRequest['constraints']): ConjunctiveQuery['constraints'][string] => {
  const constraint = constraints.get(variable)
  if (constraint === undefined) throw new ApiError('bad-value', `\`constraints\` has no entry for the variable \`${variable}\``)
  const { type, ids } = constraint
  const field = `constraints.${variable}`
  refuseAbstract(type, `${field}.type`)
  return { type, ids: ids === null || ids === undefined ? null : ids.map((id) => questionValue(type, id, field).id) }
}

const refuseAbstract = (type: string | null, field: string): void => {
  if (type === 'Actor' || type === 'Resource') {
    throw new ApiError('bad-value', `\`${field}\` is \`${type}\`, which no value has as its type: name a concrete type`)
  }
}
