/** What each endpoint takes and answers, for the OpenAPI description. */
import type * as z from 'zod/mini'
import type { endpoints } from './endpoints.ts'
import * as requests from './requests.ts'
import { responseSchemas as answers } from './response-schemas.ts'

export interface Operation {
  readonly summary: string
  readonly parameters?: readonly Parameter[]
  readonly request?: z.ZodMiniType
  /** Statuses beside 200 that mean success. */
  readonly also?: readonly number[]
  /** A schema of JSON, or the media type of something else. */
  readonly answer: z.ZodMiniType | 'text/plain' | 'application/octet-stream' | 'application/json'
  /** Refusals of the request itself, beside those of every endpoint. */
  readonly refusals?: readonly number[]
  /** Of a refusal with 400, where it is not a message alone. */
  readonly refused?: z.ZodMiniType
}

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path'
  readonly description: string
  readonly required?: boolean
  readonly schema: Readonly<Record<string, unknown>>
}

const query = (name: string, description: string, schema: Parameter['schema'] = { type: 'string' }): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
})

const flag = { type: 'string', enum: ['true', 'false'] }
const version = { type: 'string', pattern: '^[0-9]+$' }
const policyFlags = [
  query('force', 'save although tests fail', flag),
  query('fail_fast', 'stop at the first test that fails', flag),
  query('suggestions', 'add hints to messages', flag),
]

const check = (summary: string, request: z.ZodMiniType, answer: z.ZodMiniType): Operation => ({ summary, request, answer })
const write = (summary: string, request?: z.ZodMiniType): Operation => ({
  summary,
  answer: answers.message,
  ...(request !== undefined && { request }),
})
const local = (summary: string): Operation => ({ summary: `${summary} (answers 400 in this version)`, answer: answers.message })
const health = (summary: string): Operation => ({ summary, answer: answers.message })

export const operations: Readonly<Record<keyof typeof endpoints, Operation>> = {
  getPolicy: {
    summary: 'the policy, or a kept version of it',
    parameters: [query('id', 'a version', version)],
    answer: answers.policy,
    refusals: [404],
  },
  savePolicy: {
    summary: 'save a policy: it is checked and its tests are run',
    parameters: policyFlags,
    request: requests.policyRequest,
    also: [202],
    answer: answers.message,
    refused: answers.savePolicyError,
  },
  testPolicy: {
    summary: 'check a policy and run its tests without saving it',
    parameters: policyFlags.slice(1),
    request: requests.policyRequest,
    answer: answers.policyTest,
  },
  policyMetadata: {
    summary: 'roles, permissions and relations of each resource',
    parameters: [query('version', 'a version', version), query('id', 'the same', version)],
    answer: answers.metadata,
    refusals: [404],
  },
  getFacts: {
    summary: 'stored facts that match',
    parameters: [
      query('predicate', 'of the facts; `_` and nothing stand for every one'),
      query('args.0.type', 'type of the first argument; so for every position'),
      query('args.0.id', 'id of the first argument, beside its type'),
    ],
    answer: answers.facts,
  },
  insertFact: check('insert one fact', requests.factRequest, answers.fact),
  deleteFacts: write('delete the facts that match a pattern', requests.factRequest),
  bulkLoad: write('insert facts', requests.factsRequest),
  bulkDelete: write('delete what matches', requests.factsRequest),
  bulk: write('delete what matches, then insert', requests.bulkRequest),
  batch: write('changesets, in order, all or none', requests.batchRequest),
  clearData: write('remove every fact and the policy'),
  authorize: check('may this actor do this action on this resource?', requests.authorizeRequest, answers.authorize),
  explain: check('why may it, or may it not?', requests.explainRequest, answers.explain),
  authorizeResources: check('on which of these resources?', requests.authorizeResourcesRequest, answers.authorizeResources),
  list: { ...check('on which resources of a type?', requests.listRequest, answers.list), refusals: [409] },
  actions: check('which actions?', requests.actionsRequest, answers.results),
  bulkActions: check('which actions, for several pairs', requests.bulkActionsRequest, answers.bulkActions),
  query: check('facts and derived facts that match a pattern', requests.queryRequest, answers.query),
  evaluateQuery: check('values for the variables of a conjunction', requests.evaluateQueryRequest, answers.evaluateQuery),
  authorizeQuery: local('local authorization of a check'),
  listQuery: local('local authorization of a list'),
  actionsQuery: local('local authorization of actions'),
  evaluateQueryLocal: local('local evaluation of a query'),
  expect: { summary: 'note an expectation of a parity test', answer: answers.message },
  stats: { summary: 'numbers of facts and policy versions', answer: answers.stats },
  healthcheck: health('whether this process is ready'),
  testEnvironment: {
    summary: 'a new environment of a development server, and its key',
    parameters: [query('copy', 'with the policy and facts of the default environment', flag)],
    answer: answers.testEnvironment,
    refusals: [404],
  },
  live: health('whether this process is alive'),
  ready: health('whether this process is ready'),
  metrics: { summary: 'metrics in the text format of Prometheus', answer: 'text/plain' },
  openapi: { summary: 'this description', answer: 'application/json' },
  fallbackHealthcheck: { ...health('whether a fallback has a valid snapshot'), refusals: [404] },
  policyHistory: { summary: 'the kept versions of the policy, newest first', answer: answers.policyHistory },
  inspectEnvironment: { summary: 'what is in an environment, and how fresh', answer: answers.environmentDetails },
  objects: {
    summary: 'an object of this cell: a manifest, a snapshot, deltas, a heartbeat',
    parameters: [{ name: 'key', in: 'path', required: true, description: 'of the object', schema: { type: 'string' } }],
    answer: 'application/octet-stream',
    also: [304],
    refusals: [404],
  },
  status: { summary: 'the state of this process and of its log', answer: answers.status },
  listEnvironments: { summary: 'every environment', answer: answers.environments },
  createEnvironment: {
    summary: 'make an environment',
    request: requests.createEnvironmentRequest,
    answer: answers.environment,
    refusals: [409],
  },
  deleteEnvironment: { ...write('delete an environment', requests.deleteEnvironmentRequest), refusals: [404, 409] },
  listKeys: {
    summary: 'the keys of an environment',
    parameters: [query('environment', 'whose keys; without it, all')],
    answer: answers.keys,
    refusals: [404],
  },
  createKey: { summary: 'make a key', request: requests.createKeyRequest, answer: answers.createdKey, refusals: [404, 409] },
  revokeKey: { ...write('revoke a key', requests.revokeKeyRequest), refusals: [404, 409] },
  publishSnapshot: { summary: 'publish a snapshot now', request: requests.snapshotRequest, answer: answers.snapshot, refusals: [404, 409] },
  restoreEnvironment: {
    summary: 'bring an environment back to a retained revision',
    request: requests.restoreRequest,
    answer: answers.restored,
    refusals: [404, 409],
  },
}
