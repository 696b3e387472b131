/** Where things are: the log, the object store and the replicator, from the texts of the settings. */

export type LogPlace = { readonly kind: 'embedded' } | KafkaPlace

export interface KafkaPlace {
  readonly kind: 'kafka'
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  /** Of the topic, which is named `<prefix>.log`. */
  readonly topicPrefix: string
  /** False: plain text; true: the certificates of the system; text: a file of certificates. */
  readonly tls: boolean | string
  readonly sasl: 'plain' | 'scram-sha-256' | 'scram-sha-512' | null
  /** Of a topic that has to be made. */
  readonly partitions: number
  /** Null: as the brokers are set. */
  readonly replicationFactor: number | null
  /** Null: as the brokers are set. */
  readonly minInsyncReplicas: number | null
}

export type StorePlace =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      /** Without slashes at its ends; empty for none. */
      readonly prefix: string
      readonly endpoint: string | null
      readonly region: string | null
      readonly forcePathStyle: boolean
      /** `when-required`: for servers that know no checksums. */
      readonly checksums: 'when-supported' | 'when-required'
    }
  | { readonly kind: 'http'; readonly url: string }
  /** The bucket that is bound to a Worker. Without slashes at its ends; empty for none. */
  | { readonly kind: 'r2'; readonly prefix: string }

export type ReplicatorPlace = { readonly kind: 'unix'; readonly path: string } | { readonly kind: 'http'; readonly url: string }

/** A place, or what was expected. */
export type Parsed<P> = { readonly place: P } | { readonly expected: string }

const PARTITIONS = 4
/** Of replicas that are asked for, so many must acknowledge: as few as bear the loss of one. */
const INSYNC_REPLICAS = 2
const LOG_OPTIONS = ['tls', 'sasl', 'partitions', 'replication', 'min-insync']
const STORE_OPTIONS = ['endpoint', 'region', 'path-style', 'checksums']

/** None of them holds a secret. */
export const placeOptions: readonly string[] = [...LOG_OPTIONS, ...STORE_OPTIONS]

const LOG =
  '`embedded` or `kafka://host:port[,host:port]/<topic prefix>` with `tls`, `sasl`, `partitions`, `replication`, `min-insync` as options, and without a name or password: those are ARCTOS_KAFKA_USERNAME and ARCTOS_KAFKA_PASSWORD'
const STORE =
  '`file:<folder>`, `s3://<bucket>/<prefix>` with `endpoint`, `region`, `path-style`, `checksums` as options, or `http(s)://…`, ' +
  'and without a name or password: those of S3 are found as its other programs find them'
const REPLICATOR = '`unix:<path>` or `http://127.0.0.1:<port>`'

export const parseLogPlace = (text: string): Parsed<LogPlace> => {
  if (text === 'embedded') return { place: { kind: 'embedded' } }
  const [, authority = '', topicPrefix = '', query] = /^kafka:\/\/([^/?]+)\/([a-zA-Z0-9._-]{1,200})(?:\?(.*))?$/.exec(text) ?? []
  const brokers = authority.split(',')
  const options = optionsOf(query, LOG_OPTIONS)
  const tls = options?.get('tls') ?? 'false'
  const sasl = saslOf(options?.get('sasl'))
  const partitions = count(options?.get('partitions'), 10_000)
  const replicationFactor = count(options?.get('replication'), 100)
  const minInsyncReplicas = count(options?.get('min-insync'), replicationFactor ?? 100)
  if (options === null || !brokers.every((broker) => /^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(broker))) return { expected: LOG }
  if (sasl === undefined || partitions === undefined || replicationFactor === undefined || minInsyncReplicas === undefined)
    return { expected: LOG }
  return {
    place: {
      kind: 'kafka',
      brokers,
      topicPrefix,
      tls: tls === 'true' ? true : tls === 'false' ? false : tls,
      sasl,
      partitions: partitions ?? PARTITIONS,
      replicationFactor,
      // Said by halves it is not left to the brokers: with more than there are replicas nothing could be written.
      minInsyncReplicas: minInsyncReplicas ?? (replicationFactor === null ? null : Math.min(INSYNC_REPLICAS, replicationFactor)),
    },
  }
}

export const parseStorePlace = (text: string): Parsed<StorePlace> => {
  if (/^file:./.test(text)) return { place: { kind: 'folder', path: text.slice('file:'.length) } }
  if (isAddress(text)) return { place: { kind: 'http', url: text.replace(/\/+$/, '') } }
  if (/^r2:[^?]*$/.test(text)) return { place: { kind: 'r2', prefix: text.slice('r2:'.length).replace(/^\/+|\/+$/g, '') } }
  const [, bucket, path = '', query] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(\/[^?]*)?(?:\?(.*))?$/.exec(text) ?? []
  const options = optionsOf(query, STORE_OPTIONS)
  const checksums = options?.get('checksums') ?? 'when-supported'
  if (bucket === undefined || options === null || (checksums !== 'when-supported' && checksums !== 'when-required'))
    return { expected: STORE }
  const endpoint = options.get('endpoint') ?? null
  if (endpoint !== null && !isAddress(endpoint)) return { expected: STORE }
  return {
    place: {
      kind: 's3',
      bucket,
      prefix: path.replace(/^\/+|\/+$/g, ''),
      endpoint,
      region: options.get('region') ?? null,
      // Servers at an address of one's own have no name per bucket.
      forcePathStyle: (options.get('path-style') ?? String(endpoint !== null)) === 'true',
      checksums,
    },
  }
}

export const parseReplicatorPlace = (text: string): Parsed<ReplicatorPlace> => {
  if (/^unix:./.test(text)) return { place: { kind: 'unix', path: text.slice('unix:'.length) } }
  if (/^http:\/\/[^/@]+\/?$/.test(text)) return { place: { kind: 'http', url: text.replace(/\/$/, '') } }
  return { expected: REPLICATOR }
}

/** Of a server, without a name or password: they would be shown wherever the address is. */
export const isAddress = (text: string): boolean => /^https?:\/\/[^/@?#]+(?:[/?#].*)?$/.test(text)

/** Names and values behind the `?`, or null when a name is unknown or comes twice. */
const optionsOf = (query: string | undefined, names: readonly string[]): ReadonlyMap<string, string> | null => {
  const options = new Map<string, string>()
  for (const part of (query ?? '').split('&')) {
    if (part === '') continue
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(part) ?? []
    if (!names.includes(name) || options.has(name)) return null
    try {
      options.set(name, decodeURIComponent(value))
    } catch {
      return null
    }
  }
  return options
}

const saslOf = (text: string | undefined): KafkaPlace['sasl'] | undefined => {
  if (text === undefined || text === 'none') return null
  return text === 'plain' || text === 'scram-sha-256' || text === 'scram-sha-512' ? text : undefined
}

/** Null when it is not said, undefined when it is refused. */
const count = (text: string | undefined, maximum: number): number | null | undefined => {
  if (text === undefined) return null
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= maximum ? value : undefined
}
