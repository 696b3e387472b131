/** Every endpoint, what a key must allow for it, and how its errors look. */

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** `open` needs no key; `write` needs a read-write key; `admin` needs the admin key; `secret` needs that of the cell. */
  readonly access: 'open' | 'read' | 'write' | 'admin' | 'secret'
}

const endpoint = (access: Endpoint['access'], method: Endpoint['method'], path: string): Endpoint => ({ access, method, path })

export const endpoints = {
  getPolicy: endpoint('read', 'GET', '/api/policy'),
  savePolicy: endpoint('write', 'POST', '/api/policy'),
  testPolicy: endpoint('read', 'POST', '/api/policy/test'),
  policyMetadata: endpoint('read', 'GET', '/api/policy_metadata'),
  getFacts: endpoint('read', 'GET', '/api/facts'),
  insertFact: endpoint('write', 'POST', '/api/facts'),
  deleteFacts: endpoint('write', 'DELETE', '/api/facts'),
  bulkLoad: endpoint('write', 'POST', '/api/bulk_load'),
  bulkDelete: endpoint('write', 'POST', '/api/bulk_delete'),
  bulk: endpoint('write', 'POST', '/api/bulk'),
  batch: endpoint('write', 'POST', '/api/batch'),
  clearData: endpoint('write', 'POST', '/api/clear_data'),
  authorize: endpoint('read', 'POST', '/api/authorize'),
  authorizeResources: endpoint('read', 'POST', '/api/authorize_resources'),
  list: endpoint('read', 'POST', '/api/list'),
  actions: endpoint('read', 'POST', '/api/actions'),
  bulkActions: endpoint('read', 'POST', '/api/bulk_actions'),
  query: endpoint('read', 'POST', '/api/query'),
  evaluateQuery: endpoint('read', 'POST', '/api/evaluate_query'),
  authorizeQuery: endpoint('read', 'POST', '/api/authorize_query'),
  listQuery: endpoint('read', 'POST', '/api/list_query'),
  actionsQuery: endpoint('read', 'POST', '/api/actions_query'),
  evaluateQueryLocal: endpoint('read', 'POST', '/api/evaluate_query_local'),
  expect: endpoint('read', 'POST', '/api/expect'),
  explain: endpoint('read', 'POST', '/v1/explain'),
  stats: endpoint('read', 'GET', '/api/stats'),
  healthcheck: endpoint('open', 'GET', '/api/healthcheck'),
  testEnvironment: endpoint('open', 'POST', '/test_environment'),
  live: endpoint('open', 'GET', '/livez'),
  ready: endpoint('open', 'GET', '/readyz'),
  metrics: endpoint('open', 'GET', '/metrics'),
  openapi: endpoint('open', 'GET', '/v1/openapi.json'),
  fallbackHealthcheck: endpoint('open', 'GET', '/healthcheck'),
  policyHistory: endpoint('read', 'GET', '/v1/policy/history'),
  inspectEnvironment: endpoint('read', 'GET', '/v1/environment'),
  objects: endpoint('secret', 'GET', '/v1/objects/*'),
  status: endpoint('admin', 'GET', '/v1/status'),
  listEnvironments: endpoint('admin', 'GET', '/v1/admin/environments'),
  createEnvironment: endpoint('admin', 'POST', '/v1/admin/environments'),
  deleteEnvironment: endpoint('admin', 'DELETE', '/v1/admin/environments'),
  listKeys: endpoint('admin', 'GET', '/v1/admin/keys'),
  createKey: endpoint('admin', 'POST', '/v1/admin/keys'),
  revokeKey: endpoint('admin', 'DELETE', '/v1/admin/keys'),
  publishSnapshot: endpoint('admin', 'POST', '/v1/admin/snapshot'),
  restoreEnvironment: endpoint('admin', 'POST', '/v1/admin/restore'),
} as const
