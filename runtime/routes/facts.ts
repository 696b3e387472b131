/** The endpoints that change facts: each is one record of the log, refused as a whole or written as a whole. */
import type { Change } from '../../src/log/record.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { decode, parseJson } from '../../src/wire/decode.ts'
import { type Endpoint, endpoints } from '../../src/wire/endpoints.ts'
import { bulkRequest, type Changeset, decodeBatch, factRequest, factsRequest } from '../../src/wire/requests.ts'
import type { MessageBody } from '../../src/wire/responses.ts'
import { deletePattern, isWildcard } from '../../src/wire/values.ts'
import type { Call, Route } from '../exchange.ts'
import { json, type Reply } from '../reply.ts'
import type { Environment, Service } from '../service.ts'
import { writeFailure } from '../write-failure.ts'
import { usedFact } from './question.ts'

/** A changeset and how messages name its facts. */
type NamedChangeset = Changeset & { readonly nameOf: (index: number) => string }

const writeRoute = (endpoint: Endpoint, changesetsOf: (body: unknown) => readonly NamedChangeset[], bodyOf = doneBody): Route => ({
  endpoint,
  async handle(call, service) {
    try {
      return await service.repetitions.run(call, (writeId) => write(call, service, { writeId, changesetsOf, bodyOf }))
    } catch (error) {
      throw writeFailure(error)
    }
  },
})

const doneBody = (changes: readonly Change[]): unknown => ({ message: doneMessage(changes) }) satisfies MessageBody

const doneMessage = (changes: readonly Change[]): string => {
  // How many facts a wildcard removes is known only where it is applied.
  if (changes.some((change) => change.kind === 'delete' && isWildcard(change.pattern))) return 'written'
  return changes.length === 1 ? '1 change written' : `${changes.length} changes written`
}

const named = (kind: Changeset['kind'], facts: Changeset['facts'], prefix: string): NamedChangeset => ({
  kind,
  facts,
  nameOf: (index) => `${prefix}[${index}]`,
})

export const factRoutes: readonly Route[] = [
  writeRoute(endpoints.batch, (body) => decodeBatch(body).map(({ kind, facts }, index) => named(kind, facts, `[${index}].${kind}`))),
  writeRoute(
    endpoints.insertFact,
    (body) => [{ kind: 'inserts', facts: [decode(factRequest, body)], nameOf: () => 'fact' }],
    // The one write that answers with what it wrote.
    ([change]) => (change?.kind === 'insert' ? change.fact : null),
  ),
  writeRoute(endpoints.deleteFacts, (body) => [{ kind: 'deletes', facts: [decode(factRequest, body)], nameOf: () => 'fact' }]),
  writeRoute(endpoints.bulkLoad, (body) => [named('inserts', decode(factsRequest, body), '')]),
  writeRoute(endpoints.bulkDelete, (body) => [named('deletes', decode(factsRequest, body), '')]),
  writeRoute(endpoints.bulk, (body) => {
    const bulk = decode(bulkRequest, body)
    return [named('deletes', bulk.delete, 'delete'), named('inserts', bulk.tell, 'tell')]
  }),
]

const write = async (
  { body, environment }: Call,
  service: Service,
  {
    writeId,
    changesetsOf,
    bodyOf,
  }: {
    readonly writeId: string
    readonly changesetsOf: (body: unknown) => readonly NamedChangeset[]
    readonly bodyOf: (changes: readonly Change[]) => unknown
  },
): Promise<Reply> => {
  // A write takes milliseconds in any case, a read that came with it a tenth of one.
  await service.platform.afterArrived?.()
  const changesets = changesetsOf(parseJson(body))
  checkCount(changesets, service)
  const changes = changesets.flatMap((changeset) => changesOf(changeset, environment))
  checkUpdates(changes, environment, service)
  // Nothing to write is as durable as everything before it.
  if (changes.length === 0) return { ...json(bodyOf(changes)), offset: environment.acknowledged }
  const { offset, applied } = await environment.write({ kind: 'facts', changes }, writeId)
  return { ...json(bodyOf(changes)), offset, applied }
}

const changesOf = ({ kind, facts, nameOf }: NamedChangeset, environment: Environment): readonly Change[] =>
  facts.map(
    (fact, index): Change =>
      kind === 'inserts'
        ? { kind: 'insert', fact: usedFact(fact, nameOf(index), environment) }
        : { kind: 'delete', pattern: deletePattern(fact, nameOf(index)) },
  )

const checkCount = (changesets: readonly Changeset[], { limits }: Service): void => {
  const count = changesets.reduce((sum, { facts }) => sum + facts.length, 0)
  if (limits.batchFacts !== null && count > limits.batchFacts) {
    throw new ApiError('too-large', `the request has ${count} facts, at most ${limits.batchFacts} are allowed`)
  }
}

/** Wildcard deletes are counted here, on admission: applying a record never refuses. */
const checkUpdates = (changes: readonly Change[], environment: Environment, { limits, rates }: Service): void => {
  const bound = limits.wildcardDeleteFacts
  if (bound === null && limits.factUpdatesPerMinute === null) return
  const counts = changes.map((change) => {
    if (change.kind === 'insert' || !isWildcard(change.pattern)) return 1
    const count = environment.store.count(change.pattern)
    if (bound !== null && count > bound) {
      throw new ApiError(
        'too-large',
        `a wildcard delete of \`${change.pattern.predicate}\` would remove ${count} facts, at most ${bound} are allowed`,
      )
    }
    return count
  })
  rates.updateFacts(
    environment,
    counts.reduce((sum, count) => sum + count, 0),
  )
}
