/** What the package exports: the clients of the HTTP API and the shapes of their answers. */

export type {
  EnvironmentBody,
  EnvironmentDetailsBody,
  FactBody,
  FactPatternBody,
  KeyBody,
  PolicyTestResult,
  PolicyVersionBody,
  StatsBody,
  StatusBody,
  ValueBody,
  ValuePatternBody,
} from '../wire/responses.ts'
export { AdminClient, type Effective } from './admin-client.ts'
export { ArctosClient, type Changeset, type PolicyFlags, type QueryRequest } from './client.ts'
export { ClientError, type ClientOptions } from './transport.ts'
