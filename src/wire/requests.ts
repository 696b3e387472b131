/** Request bodies of every endpoint. */
import * as z from 'zod/mini'
import { ApiError } from './api-error.ts'
import { decode } from './decode.ts'
import { contextFacts, factPattern, id, list, mapOf, maybe, name, shape, text, valuePattern, type WireFact } from './shapes.ts'

const actor = { actor_type: name, actor_id: id }
const resource = { resource_type: name, resource_id: id }

export const authorizeRequest = shape({ ...actor, action: name, ...resource, context_facts: contextFacts })
export type AuthorizeRequest = z.infer<typeof authorizeRequest>

/** Without a resource it is about a global permission. */
export const explainRequest = shape({
  ...actor,
  action: name,
  resource_type: maybe(name),
  resource_id: maybe(id),
  context_facts: contextFacts,
})

export const authorizeResourcesRequest = shape({ ...actor, action: name, resources: list(valuePattern), context_facts: contextFacts })

/** `page_size` is looked at only without a page token, so its value is not checked here. */
export const listRequest = shape({
  ...actor,
  action: name,
  resource_type: name,
  page_size: z.optional(z.unknown()),
  page_token: maybe(text),
  context_facts: contextFacts,
})
export type ListRequest = z.infer<typeof listRequest>

export const actionsRequest = shape({ ...actor, ...resource, context_facts: contextFacts })
export const bulkActionsRequest = list(actionsRequest)

export const queryRequest = shape({ fact: factPattern, context_facts: contextFacts })

const call = z.tuple([name, list(name)], { error: 'a pair of a predicate and its variables' })

export const evaluateQueryRequest = shape({
  predicate: call,
  calls: maybe(list(call)),
  constraints: mapOf(shape({ type: name, ids: maybe(list(id)) })),
  context_facts: contextFacts,
})
export type EvaluateQueryRequest = z.infer<typeof evaluateQueryRequest>

export const policyRequest = shape({ src: text, filename: maybe(text) })

export const factRequest = factPattern
export const factsRequest = list(factPattern)
export const bulkRequest = shape({ delete: list(factPattern), tell: list(factPattern) })

export const batchRequest = list(shape({ inserts: maybe(list(factPattern)), deletes: maybe(list(factPattern)) }))

/** One step of a write; steps are executed in order. */
export interface Changeset {
  readonly kind: 'inserts' | 'deletes'
  readonly facts: readonly WireFact[]
}

/** Decodes the body of a batch: every changeset has exactly one of the two keys. */
export const decodeBatch = (body: unknown): readonly Changeset[] =>
  decode(batchRequest, body).map(({ inserts, deletes }, index) => {
    if (inserts && !deletes) return { kind: 'inserts', facts: inserts }
    if (deletes && !inserts) return { kind: 'deletes', facts: deletes }
    throw new ApiError('malformed-request', `\`[${index}]\` must have exactly one of \`inserts\` and \`deletes\``)
  })

const count = z
  .number({ error: 'an integer' })
  .check(z.refine((value) => Number.isSafeInteger(value) && value >= 0, { error: 'an integer that is not negative' }))

/** Without a partition one is chosen. */
export const createEnvironmentRequest = shape({ id: text, partition: maybe(count) })
export const deleteEnvironmentRequest = shape({ id: text })

/** Read-write unless it says otherwise. */
export const createKeyRequest = shape({
  environment: text,
  access: maybe(z.enum(['read-write', 'read-only'], { error: '`read-write` or `read-only`' })),
})
export const revokeKeyRequest = shape({ environment: text, token_id: text })

export const snapshotRequest = shape({ environment: text })
export const restoreRequest = shape({ environment: text, revision: count })
