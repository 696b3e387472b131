/** `/v1/explain`: why `authorize` answers as it does. */
import { explain } from '../../src/engine/explain.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { explainRequest } from '../../src/wire/requests.ts'
import type { ExplainBody } from '../../src/wire/responses.ts'
import { questionValue } from '../../src/wire/values.ts'
import type { Route } from '../exchange.ts'
import { json } from '../reply.ts'
import { questionOf } from './question.ts'

export const explainRoute: Route = {
  endpoint: endpoints.explain,
  handle({ body, environment }, service) {
    const asked = decode(explainRequest, parseJson(body))
    const { action, resource_type: type, resource_id: id } = asked
    const actor = questionValue(asked.actor_type, asked.actor_id, 'actor')
    const hasType = type !== undefined && type !== null
    const hasId = id !== undefined && id !== null
    if (hasType !== hasId)
      throw new ApiError(
        'malformed-request',
        '`resource_type` and `resource_id` belong together: send both, or none for a global permission',
      )
    const resource = hasType && hasId ? questionValue(type, id, 'resource') : null
    const question = questionOf(asked.context_facts, environment, service)
    return json(explain(environment, { actor, action, resource }, question) satisfies ExplainBody)
  },
}
