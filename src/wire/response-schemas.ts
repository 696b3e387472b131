/** The bodies of answers as schemas: what the OpenAPI description says of them, and what tests hold every answer to. */
import * as z from 'zod/mini'
import { explanationSchema } from './explain-schema.ts'
import type {
  AuthorizeBody,
  AuthorizedResourcesBody,
  CreatedKeyBody,
  EnvironmentBody,
  EnvironmentDetailsBody,
  EnvironmentsBody,
  EvaluateQueryBody,
  ExplainBody,
  FactBody,
  FactsBody,
  KeysBody,
  ListBody,
  MessageBody,
  MetadataBody,
  PolicyBody,
  PolicyHistoryBody,
  PolicyTestResult,
  QueryBody,
  RestoredBody,
  ResultsBody,
  SavePolicyError,
  SnapshotBody,
  StatsBody,
  StatusBody,
  TestEnvironmentBody,
} from './responses.ts'

/** The schema of a body that is checked against its type. */
type Of<T> = z.ZodMiniType<T>

const text = z.string()
const texts = z.array(text)
const count = z.int().check(z.nonnegative())
const flag = z.boolean()

const value = z.strictObject({ type: text, id: text })
const valuePattern = z.strictObject({ type: z.nullable(text), id: z.nullable(text) })
const fact = z.strictObject({ predicate: text, args: z.array(value) })
const factPattern = z.strictObject({ predicate: text, args: z.array(valuePattern) })

const policyError = z.strictObject({ error_type: z.enum(['ValidationFailed', 'AssertionFailed', 'ServerError']), message: text })
const policyTestResult = z.strictObject({
  success: flag,
  errors: z.array(policyError),
  tests: z.array(z.strictObject({ name: text, passed: count, total: count })),
})

const facts = z.strictObject({ total: count, predicates: z.record(text, count) })
const policyVersion = { version: count, filename: z.nullable(text), saved_at_ms: count, size_bytes: count, active: flag }

const snapshotState = z.strictObject({
  revision: count,
  covered_through: count,
  snapshots: count,
  deltas: count,
  stored_bytes: count,
  raw_bytes: count,
  written_at_ms: count,
})

const environment = z.strictObject({
  id: text,
  partition: z.nullable(count),
  temporary: flag,
  revision: z.nullable(z.int()),
  facts: z.nullable(count),
  keys: count,
  problem: z.nullable(text),
})

const key = {
  environment: text,
  token_id: text,
  access: z.enum(['read-write', 'read-only']),
  source: z.enum(['control', 'process']),
}

const environmentStatus = z.strictObject({
  id: text,
  revision: z.nullable(z.int()),
  head: z.nullable(z.int()),
  lag: z.nullable(count),
  staleness_ms: z.nullable(count),
  problem: z.nullable(text),
})

export const responseSchemas = {
  message: z.strictObject({ message: text }) satisfies Of<MessageBody>,
  authorize: z.strictObject({ allowed: flag }) satisfies Of<AuthorizeBody>,
  explain: explanationSchema satisfies Of<ExplainBody>,
  results: z.strictObject({ results: texts }) satisfies Of<ResultsBody>,
  list: z.strictObject({ results: texts, next_page_token: z.exactOptional(z.nullable(text)) }) satisfies Of<ListBody>,
  bulkActions: z.array(z.strictObject({ results: texts })) satisfies Of<readonly ResultsBody[]>,
  authorizeResources: z.strictObject({ results: z.array(value) }) satisfies Of<AuthorizedResourcesBody>,
  query: z.strictObject({ results: z.array(factPattern) }) satisfies Of<QueryBody>,
  evaluateQuery: z.strictObject({ results: z.array(z.record(text, z.nullable(text))) }) satisfies Of<EvaluateQueryBody>,
  fact: fact satisfies Of<FactBody>,
  facts: z.array(fact) satisfies Of<FactsBody>,
  policy: z.strictObject({ policy: z.nullable(z.strictObject({ filename: z.nullable(text), src: text })) }) satisfies Of<PolicyBody>,
  metadata: z.strictObject({
    metadata: z.strictObject({
      resources: z.record(text, z.strictObject({ roles: texts, permissions: texts, relations: z.record(text, text) })),
    }),
  }) satisfies Of<MetadataBody>,
  policyTest: policyTestResult satisfies Of<PolicyTestResult>,
  savePolicyError: z.discriminatedUnion('error_type', [
    z.strictObject({ error_type: z.literal('Validation'), message: text, errors: z.array(policyError) }),
    z.strictObject({ error_type: z.literal('TestsFailed'), message: text, test_results: policyTestResult }),
    z.strictObject({ error_type: z.literal('Generic'), message: text }),
  ]) satisfies Of<SavePolicyError>,
  stats: z.strictObject({ policy: z.strictObject({ versions: texts }), facts }) satisfies Of<StatsBody>,
  policyHistory: z.strictObject({ versions: z.array(z.strictObject(policyVersion)) }) satisfies Of<PolicyHistoryBody>,
  environmentDetails: z.strictObject({
    id: text,
    revision: z.int(),
    staleness_ms: z.nullable(count),
    problem: z.nullable(text),
    state_hash: text,
    memory_bytes: count,
    policy: z.nullable(
      z.strictObject({
        ...policyVersion,
        rules: count,
        tests: count,
        types: z.record(text, z.strictObject({ roles: count, permissions: count, relations: count })),
      }),
    ),
    policy_versions: count,
    facts,
    snapshot: z.nullable(snapshotState),
  }) satisfies Of<EnvironmentDetailsBody>,
  testEnvironment: z.strictObject({ token: text }) satisfies Of<TestEnvironmentBody>,
  environment: environment satisfies Of<EnvironmentBody>,
  environments: z.strictObject({ environments: z.array(environment) }) satisfies Of<EnvironmentsBody>,
  keys: z.strictObject({ keys: z.array(z.strictObject(key)) }) satisfies Of<KeysBody>,
  createdKey: z.strictObject({ ...key, key: text }) satisfies Of<CreatedKeyBody>,
  snapshot: z.strictObject({ environment: text, revision: count, covered_through: count, key: text }) satisfies Of<SnapshotBody>,
  restored: z.strictObject({ environment: text, revision: count }) satisfies Of<RestoredBody>,
  status: z.strictObject({
    unready: z.nullable(text),
    log: z.strictObject({
      id: text,
      state: z.enum(['running', 'failed', 'closed', 'unreachable']),
      problem: z.nullable(text),
      pending_appends: count,
    }),
    environments: z.array(environmentStatus),
  }) satisfies Of<StatusBody>,
} as const
