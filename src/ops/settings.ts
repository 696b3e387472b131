/** Every setting of the runtime: its environment variable, its flag, what it may be, and its default. */
import { limits } from '../base/limits.ts'
import { isAddress, type Parsed, parseLogPlace, parseReplicatorPlace, parseStorePlace } from './places.ts'

export type Setting =
  | {
      readonly kind: 'text'
      readonly variable: string
      readonly flag: string
      readonly default: string | null
      readonly secret?: true
      /** What was expected, when the text is not it. */
      readonly check?: (text: string) => string | null
    }
  | {
      readonly kind: 'choice'
      readonly variable: string
      readonly flag: string
      readonly default: string
      readonly values: readonly string[]
    }
  | { readonly kind: 'boolean'; readonly variable: string; readonly flag: string; readonly default: boolean }
  | {
      readonly kind: 'integer'
      readonly variable: string
      readonly flag: string
      readonly default: number
      readonly minimum: number
      readonly maximum: number
    }

const bound = (variable: string, flag: string, range: { readonly default: number; readonly minimum: number; readonly maximum: number }) =>
  ({ kind: 'integer', variable, flag, ...range }) as const

const minute = 60_000
const hour = 60 * minute

const text = (variable: string, flag: string, more: { readonly secret?: true; readonly check?: (text: string) => string | null } = {}) =>
  ({ kind: 'text', variable, flag, default: null, ...more }) as const

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
    default: 'development',
    values: ['development', 'production'],
  },
  host: { kind: 'text', variable: 'ARCTOS_HOST', flag: 'host', default: '127.0.0.1' },
  port: bound('OSO_PORT', 'port', { default: 8080, minimum: 0, maximum: 65_535 }),
  directory: { kind: 'text', variable: 'OSO_DIRECTORY', flag: 'directory', default: './.arctos' },
  log: {
    kind: 'text',
    variable: 'ARCTOS_LOG',
    flag: 'log',
    default: 'embedded',
    check: expectedOf(parseLogPlace),
  },
  kafkaUsername: text('ARCTOS_KAFKA_USERNAME', 'kafka-username'),
  kafkaPassword: text('ARCTOS_KAFKA_PASSWORD', 'kafka-password', { secret: true }),
  store: text('ARCTOS_STORE', 'store', {
    check: expectedOf(parseStorePlace),
  }),
  replicator: text('ARCTOS_REPLICATOR', 'replicator', {
    check: expectedOf(parseReplicatorPlace),
  }),
  origin: text('ARCTOS_ORIGIN', 'origin', {
    check: url,
  }),
  keys: {
    kind: 'text',
    variable: 'ARCTOS_KEYS',
    flag: 'keys',
    default: null,
  },
  secret: {
    kind: 'text',
    variable: 'ARCTOS_SECRET',
    flag: 'secret',
    default: null,
    secret: true,
  },
  adminKey: text('ARCTOS_ADMIN_KEY', 'admin-key', {
    secret: true,
    check: keyHash,
  }),
  apiToken: text('OSO_API_TOKEN', 'api-token', { secret: true }),
  fallbackEnvironment: text('OSO_ENVIRONMENT', 'environment'),
  tenant: text('OSO_TENANT', 'tenant'),
  example: {
    kind: 'boolean',
    variable: 'ARCTOS_EXAMPLE',
    flag: 'example',
    default: true,
  },
  logLevel: {
    kind: 'choice',
    variable: 'ARCTOS_LOG_LEVEL',
    flag: 'log-level',
    default: 'info',
    values: ['debug', 'info', 'warn', 'error'],
  },
  queryTimeoutMs: bound('ARCTOS_QUERY_TIMEOUT_MS', 'query-timeout-ms', {
    default: limits.queryMs,
    minimum: 1,
    maximum: 20_000,
  }),
  tokenWaitMs: bound('ARCTOS_TOKEN_WAIT_MS', 'token-wait-ms', {
    default: limits.tokenWaitMs,
    minimum: 0,
    maximum: minute,
  }),
  appliedWaitMs: bound('ARCTOS_APPLIED_WAIT_MS', 'applied-wait-ms', {
    default: limits.appliedWaitMs,
    minimum: 0,
    maximum: minute,
  }),
  appendTimeoutMs: bound('ARCTOS_APPEND_TIMEOUT_MS', 'append-timeout-ms', {
    default: 4000,
    minimum: 1,
    maximum: minute,
  }),
  requestTimeoutMs: bound('ARCTOS_REQUEST_TIMEOUT_MS', 'request-timeout-ms', {
    default: 30_000,
    minimum: 100,
    maximum: 10 * minute,
  }),
  shutdownTimeoutMs: bound('ARCTOS_SHUTDOWN_TIMEOUT_MS', 'shutdown-timeout-ms', {
    default: 10_000,
    minimum: 0,
    maximum: 10 * minute,
  }),
  maxStalenessMs: bound('ARCTOS_MAX_STALENESS_MS', 'max-staleness-ms', {
    default: 0,
    minimum: 0,
    maximum: 24 * hour,
  }),
  readyStalenessMs: bound('ARCTOS_READY_STALENESS_MS', 'ready-staleness-ms', {
    default: 30_000,
    minimum: 0,
    maximum: 24 * hour,
  }),
  memoryMib: bound('ARCTOS_MEMORY_MIB', 'memory-mib', {
    default: 1024,
    minimum: 1,
    maximum: 1_048_576,
  }),
  snapshotRecords: bound('ARCTOS_SNAPSHOT_RECORDS', 'snapshot-records', {
    default: 10_000,
    minimum: 1,
    maximum: 100_000_000,
  }),
  snapshotIntervalMs: bound('ARCTOS_SNAPSHOT_INTERVAL_MS', 'snapshot-interval-ms', {
    default: 10 * minute,
    minimum: 100,
    maximum: 24 * hour,
  }),
  deltaIntervalMs: bound('ARCTOS_DELTA_INTERVAL_MS', 'delta-interval-ms', {
    default: 1000,
    minimum: 10,
    maximum: hour,
  }),
  retainedSnapshots: bound('ARCTOS_RETAINED_SNAPSHOTS', 'retained-snapshots', {
    default: 3,
    minimum: 2,
    maximum: 100,
  }),
  heartbeatMs: bound('ARCTOS_HEARTBEAT_MS', 'heartbeat-ms', {
    default: 1000,
    minimum: 10,
    maximum: hour,
  }),
  refreshMs: bound('ARCTOS_REFRESH_MS', 'refresh-ms', {
    default: 1000,
    minimum: 10,
    maximum: hour,
  }),
  trim: {
    kind: 'boolean',
    variable: 'ARCTOS_TRIM',
    flag: 'trim',
    default: true,
  },
  getFacts: bound('ARCTOS_GET_FACTS', 'get-facts', {
    default: limits.getFacts,
    minimum: 1,
    maximum: 10_000_000,
  }),
  concurrentRequests: bound('ARCTOS_CONCURRENT_REQUESTS', 'concurrent-requests', {
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
  }),
  readsPerSecond: bound('ARCTOS_READS_PER_SECOND', 'reads-per-second', {
    default: 0,
    minimum: 0,
    maximum: 10_000_000,
  }),
  factUpdatesPerMinute: bound('ARCTOS_FACT_UPDATES_PER_MINUTE', 'fact-updates-per-minute', {
    default: 0,
    minimum: 0,
    maximum: 1_000_000_000,
  }),
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
