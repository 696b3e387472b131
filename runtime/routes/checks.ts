/** The check endpoints: authorize, authorize_resources, actions, bulk_actions. */
import { decodeAuthorize } from '../../src/wire/authorize-request.ts'
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { actionsRequest, authorizeResourcesRequest, bulkActionsRequest } from '../../src/wire/requests.ts'
import type { AuthorizedResourcesBody, ResultsBody } from '../../src/wire/responses.ts'
import { concreteValue, questionValue } from '../../src/wire/values.ts'
import type { Route } from '../exchange.ts'
import { json } from '../reply.ts'
import { questionOf } from './question.ts'

const allowed = json({ allowed: true })
const denied = json({ allowed: false })

export const authorize: Route = {
  endpoint: endpoints.authorize,
  handle({ body, environment }, service) {
    const asked = decodeAuthorize(body)
    const actor = questionValue(asked.actor_type, asked.actor_id, 'actor')
    const resource = questionValue(asked.resource_type, asked.resource_id, 'resource')
    const question = questionOf(asked.context_facts, environment, service)
    return environment.engine.authorize(actor, asked.action, resource, question) ? allowed : denied
  },
}

export const authorizeResources: Route = {
  endpoint: endpoints.authorizeResources,
  handle({ body, environment }, service) {
    const asked = decode(authorizeResourcesRequest, parseJson(body))
    const actor = questionValue(asked.actor_type, asked.actor_id, 'actor')
    const resources = asked.resources.map((resource, index) => concreteValue(resource, `resources[${index}]`))
    const question = questionOf(asked.context_facts, environment, service)
    const results = environment.engine.authorizeResources(actor, asked.action, resources, question)
    return json({ results: results.map(({ type, id }) => ({ type, id })) } satisfies AuthorizedResourcesBody)
  },
}

export const actions: Route = {
  endpoint: endpoints.actions,
  handle({ body, environment }, service) {
    const asked = decode(actionsRequest, parseJson(body))
    const actor = questionValue(asked.actor_type, asked.actor_id, 'actor')
    const resource = questionValue(asked.resource_type, asked.resource_id, 'resource')
    const results = environment.engine.actions(actor, resource, questionOf(asked.context_facts, environment, service))
    return json({ results } satisfies ResultsBody)
  },
}

export const bulkActions: Route = {
  endpoint: endpoints.bulkActions,
  handle({ body, environment }, service) {
    const asked = decode(bulkActionsRequest, parseJson(body))
    // The Node SDK puts all context facts into the first element, so they count for the whole request.
    const question = questionOf(
      asked.flatMap((item) => item.context_facts ?? []),
      environment,
      service,
    )
    const results = asked.map((item, index): ResultsBody => {
      const actor = questionValue(item.actor_type, item.actor_id, `[${index}].actor`)
      const resource = questionValue(item.resource_type, item.resource_id, `[${index}].resource`)
      return { results: environment.engine.actions(actor, resource, question) }
    })
    return json(results)
  },
}
