/** The route that the check over HTTP is measured against, in a process and in a Worker. */
import type { Route } from '../../runtime/exchange.ts'
import { json } from '../../runtime/reply.ts'
import { questionOf } from '../../runtime/routes/question.ts'
import { decodeAuthorize } from '../../src/wire/authorize-request.ts'
import { questionValue } from '../../src/wire/values.ts'

/** Does everything that the authorize route does but ask the engine. */
export const echoRoute: Route = {
  endpoint: { access: 'read', method: 'POST', path: '/api/echo' },
  handle({ body, environment }, service) {
    const asked = decodeAuthorize(body)
    const actor = questionValue(asked.actor_type, asked.actor_id, 'actor')
    const resource = questionValue(asked.resource_type, asked.resource_id, 'resource')
    const question = questionOf(asked.context_facts, environment, service)
    return question.contextFacts.length === 0 && actor.id !== resource.id ? echoed : refused
  },
}

const echoed = json({ allowed: true })
const refused = json({ allowed: false })
