/** Every setting of the runtime: its environment variable, its flag, what it may be, and its default. */
import { limits } from '../base/limits.ts'
import { isAddress, type Parsed, parseLogPlace, parseReplicatorPlace, parseStorePlace } from './places.ts'

export type Setting =
  | {
      readonly kind: 'text'
      readonly variable: string
      readonly flag: string
      readonly help: string
      readonly default: string | null
      readonly secret?: true
      /** What was expected, when the text is not it. */
      readonly check?: (text: string) => string | null
    }
  | {
      readonly kind: 'choice'
      readonly variable: string
      readonly flag: string
      readonly help: string
      readonly default: string
      readonly values: readonly string[]
    }
  | { readonly kind: 'boolean'; readonly variable: string; readonly flag: string; readonly help: string; readonly default: boolean }
  | {
      readonly kind: 'integer'
      readonly variable: string
      readonly flag: string
      readonly help: string
      readonly default: number
      readonly minimum: number
      readonly maximum: number
    }

const bound = (
  variable: string,
  flag: string,
  help: string,
  range: { readonly default: number; readonly minimum: number; readonly maximum: number },
) => ({ kind: 'integer', variable, flag, help, ...range }) as const

const minute = 60_000
const hour = 60 * minute

const text = (
  variable: string,
  flag: string,
  help: string,
  more: { readonly secret?: true; readonly check?: (text: string) => string | null } = {},
) => ({ kind: 'text', variable, flag, help, default: null, ...more }) as const

const expectedOf =
  <P>(parse: (text: string) => Parsed<P>) =>
  (value: string): string | null => {
    const parsed = parse(value)
    return 'expected' in parsed ? parsed.expected : null
  }

/** Hexadecimal SHA-256, as `arctos key generate` prints it. */
const keyHash = (value: string): string | null => (/^(?:sha256:)?[0-9a-f]{64}$/.test(value) ? null : '`sha256:` and 64 hexadecimal digits')

const url = (value: string): string | null => (isAddress(value) ? null : '`http(s)://…` without a name or password')

export const settings = {
  mode: {
    kind: 'choice',
    variable: 'ARCTOS_MODE',
    flag: 'mode',
    help: 'development has a well-known key; production needs configured keys and enforces every limit',
    default: 'development',
    values: ['development', 'production'],
  },
  host: { kind: 'text', variable: 'ARCTOS_HOST', flag: 'host', help: 'address to listen on', default: '127.0.0.1' },
  port: bound('OSO_PORT', 'port', 'port to listen on, 0 for a free one', { default: 8080, minimum: 0, maximum: 65_535 }),
  directory: { kind: 'text', variable: 'OSO_DIRECTORY', flag: 'directory', help: 'data directory', default: './.arctos' },
  log: {
    kind: 'text',
    variable: 'ARCTOS_LOG',
    flag: 'log',
    help: 'the log of writes',
    default: 'embedded',
    check: expectedOf(parseLogPlace),
  },
  kafkaUsername: text('ARCTOS_KAFKA_USERNAME', 'kafka-username', 'name for the SASL mechanism of the log'),
  kafkaPassword: text('ARCTOS_KAFKA_PASSWORD', 'kafka-password', 'password for the SASL mechanism of the log', { secret: true }),
  store: text('ARCTOS_STORE', 'store', 'the object store of snapshots, by default a folder in the data directory', {
    check: expectedOf(parseStorePlace),
  }),
  replicator: text('ARCTOS_REPLICATOR', 'replicator', 'where the replicator listens and its runtimes connect, by default in this process', {
    check: expectedOf(parseReplicatorPlace),
  }),
  origin: text('ARCTOS_ORIGIN', 'origin', 'base URL of a cell, where an edge sends writes and reads that it is too old for', {
    check: url,
  }),
  keys: {
    kind: 'text',
    variable: 'ARCTOS_KEYS',
    flag: 'keys',
    help: 'file of key hashes, as `arctos key generate` prints them',
    default: null,
  },
  secret: {
    kind: 'text',
    variable: 'ARCTOS_SECRET',
    flag: 'secret',
    help: 'secret that authenticates page tokens across processes, and runtimes at their replicator',
    default: null,
    secret: true,
  },
  adminKey: text('ARCTOS_ADMIN_KEY', 'admin-key', 'hash of the key that manages environments, keys and snapshots', {
    secret: true,
    check: keyHash,
  }),
  apiToken: text('OSO_API_TOKEN', 'api-token', 'read-only key of a fallback', { secret: true }),
  fallbackEnvironment: text('OSO_ENVIRONMENT', 'environment', 'environment of a fallback'),
  tenant: text('OSO_TENANT', 'tenant', 'tenant of a fallback; only shown'),
  example: {
    kind: 'boolean',
    variable: 'ARCTOS_EXAMPLE',
    flag: 'example',
    help: 'load the example policy into a new data directory',
    default: true,
  },
  logLevel: {
    kind: 'choice',
    variable: 'ARCTOS_LOG_LEVEL',
    flag: 'log-level',
    help: 'least important log line to write',
    default: 'info',
    values: ['debug', 'info', 'warn', 'error'],
  },
  queryTimeoutMs: bound('ARCTOS_QUERY_TIMEOUT_MS', 'query-timeout-ms', 'time budget of one query', {
    default: limits.queryMs,
    minimum: 1,
    maximum: 20_000,
  }),
  tokenWaitMs: bound('ARCTOS_TOKEN_WAIT_MS', 'token-wait-ms', 'longest wait of a read for its consistency token', {
    default: limits.tokenWaitMs,
    minimum: 0,
    maximum: minute,
  }),
  appliedWaitMs: bound('ARCTOS_APPLIED_WAIT_MS', 'applied-wait-ms', 'longest wait of a durable write until it is applied', {
    default: limits.appliedWaitMs,
    minimum: 0,
    maximum: minute,
  }),
  appendTimeoutMs: bound('ARCTOS_APPEND_TIMEOUT_MS', 'append-timeout-ms', 'longest wait for the log; after it the outcome is unknown', {
    default: 4000,
    minimum: 1,
    maximum: minute,
  }),
  requestTimeoutMs: bound('ARCTOS_REQUEST_TIMEOUT_MS', 'request-timeout-ms', 'longest time to receive a request', {
    default: 30_000,
    minimum: 100,
    maximum: 10 * minute,
  }),
  shutdownTimeoutMs: bound('ARCTOS_SHUTDOWN_TIMEOUT_MS', 'shutdown-timeout-ms', 'longest time to drain requests at shutdown', {
    default: 10_000,
    minimum: 0,
    maximum: 10 * minute,
  }),
  maxStalenessMs: bound('ARCTOS_MAX_STALENESS_MS', 'max-staleness-ms', 'refuse reads when the state is older, 0 for never', {
    default: 0,
    minimum: 0,
    maximum: 24 * hour,
  }),
  readyStalenessMs: bound('ARCTOS_READY_STALENESS_MS', 'ready-staleness-ms', 'not ready when the state is older, 0 for never', {
    default: 30_000,
    minimum: 0,
    maximum: 24 * hour,
  }),
  memoryMib: bound(
    'ARCTOS_MEMORY_MIB',
    'memory-mib',
    'memory of the databases in MiB, over which environments that nobody uses are unloaded',
    {
      default: 1024,
      minimum: 1,
      maximum: 1_048_576,
    },
  ),
  snapshotRecords: bound('ARCTOS_SNAPSHOT_RECORDS', 'snapshot-records', 'records after which a snapshot is cut', {
    default: 10_000,
    minimum: 1,
    maximum: 100_000_000,
  }),
  snapshotIntervalMs: bound(
    'ARCTOS_SNAPSHOT_INTERVAL_MS',
    'snapshot-interval-ms',
    'time after which a snapshot is cut when there are records',
    {
      default: 10 * minute,
      minimum: 100,
      maximum: 24 * hour,
    },
  ),
  deltaIntervalMs: bound('ARCTOS_DELTA_INTERVAL_MS', 'delta-interval-ms', 'time between deltas while there are records', {
    default: 1000,
    minimum: 10,
    maximum: hour,
  }),
  retainedSnapshots: bound('ARCTOS_RETAINED_SNAPSHOTS', 'retained-snapshots', 'snapshots that are kept', {
    default: 3,
    minimum: 2,
    maximum: 100,
  }),
  heartbeatMs: bound(
    'ARCTOS_HEARTBEAT_MS',
    'heartbeat-ms',
    'time between heartbeats, by which followers of the object store know how old they are',
    {
      default: 1000,
      minimum: 10,
      maximum: hour,
    },
  ),
  refreshMs: bound('ARCTOS_REFRESH_MS', 'refresh-ms', 'time between looks of an edge or fallback at the object store', {
    default: 1000,
    minimum: 10,
    maximum: hour,
  }),
  trim: {
    kind: 'boolean',
    variable: 'ARCTOS_TRIM',
    flag: 'trim',
    help: 'forget records of the log that retained snapshots cover',
    default: true,
  },
  getFacts: bound('ARCTOS_GET_FACTS', 'get-facts', 'most facts of one GET /facts', {
    default: limits.getFacts,
    minimum: 1,
    maximum: 10_000_000,
  }),
  concurrentRequests: bound('ARCTOS_CONCURRENT_REQUESTS', 'concurrent-requests', 'concurrent requests per environment, 0 for no limit', {
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
  }),
  readsPerSecond: bound('ARCTOS_READS_PER_SECOND', 'reads-per-second', 'reads per second and environment, 0 for no limit', {
    default: 0,
    minimum: 0,
    maximum: 10_000_000,
  }),
  factUpdatesPerMinute: bound(
    'ARCTOS_FACT_UPDATES_PER_MINUTE',
    'fact-updates-per-minute',
    'fact updates per minute and environment, 0 for no limit',
    {
      default: 0,
      minimum: 0,
      maximum: 1_000_000_000,
    },
  ),
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

type ValueOf<S extends Setting> = S extends { kind: 'integer' }
  ? number
  : S extends { kind: 'boolean' }
    ? boolean
    : S extends { kind: 'choice'; values: readonly (infer V)[] }
      ? V
      : S extends { default: null }
        ? string | null
        : string

export type Configuration = { readonly [N in SettingName]: ValueOf<(typeof settings)[N]> }
