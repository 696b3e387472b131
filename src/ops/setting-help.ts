/** What each setting is for, where settings are shown: apart from them, for an edge has a bound of bytes. */
import { known } from '../base/assert.ts'
import type { settings } from './settings.ts'

const helps: Readonly<Record<keyof typeof settings, string>> = {
  mode: 'development has a well-known key; production needs configured keys and enforces every limit',
  host: 'address to listen on',
  port: 'port to listen on, 0 for a free one',
  directory: 'data directory',
  log: 'the log of writes',
  kafkaUsername: 'name for the SASL mechanism of the log',
  kafkaPassword: 'password for the SASL mechanism of the log',
  store: 'the object store of snapshots, by default a folder in the data directory',
  replicator: 'where the replicator listens and its runtimes connect, by default in this process',
  origin: 'base URL of a cell, where an edge sends writes and reads that it is too old for',
  keys: 'file of key hashes, as `arctos key generate` prints them',
  secret: 'secret that authenticates page tokens across processes, and runtimes at their replicator',
  adminKey: 'hash of the key that manages environments, keys and snapshots',
  apiToken: 'read-only key of a fallback',
  fallbackEnvironment: 'environment of a fallback',
  tenant: 'tenant of a fallback; only shown',
  example: 'load the example policy into a new data directory',
  logLevel: 'least important log line to write',
  queryTimeoutMs: 'time budget of one query',
  tokenWaitMs: 'longest wait of a read for its consistency token',
  appliedWaitMs: 'longest wait of a durable write until it is applied',
  appendTimeoutMs: 'longest wait for the log; after it the outcome is unknown',
  requestTimeoutMs: 'longest time to receive a request',
  shutdownTimeoutMs: 'longest time to drain requests at shutdown',
  maxStalenessMs: 'refuse reads when the state is older, 0 for never',
  readyStalenessMs: 'not ready when the state is older, 0 for never',
  memoryMib: 'memory of the databases in MiB, over which environments that nobody uses are unloaded',
  snapshotRecords: 'records after which a snapshot is cut',
  snapshotIntervalMs: 'time after which a snapshot is cut when there are records',
  deltaIntervalMs: 'time between deltas while there are records',
  retainedSnapshots: 'snapshots that are kept',
  heartbeatMs: 'time between heartbeats, by which followers of the object store know how old they are',
  refreshMs: 'time between looks of an edge or fallback at the object store',
  trim: 'forget records of the log that retained snapshots cover',
  getFacts: 'most facts of one GET /facts',
  concurrentRequests: 'concurrent requests per environment, 0 for no limit',
  readsPerSecond: 'reads per second and environment, 0 for no limit',
  factUpdatesPerMinute: 'fact updates per minute and environment, 0 for no limit',
}

const byName: Readonly<Record<string, string>> = helps

/** By the name that a setting has in `settings`. */
export const helpOf = (name: string): string => known(byName[name], `the help of \`${name}\``)
