/** Who asks: API keys are kept as hashes and compared in constant time. */
import { controlEnvironment } from '../src/log/control.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { type ApiKey, isAdminKey, isEnvironmentId, parseKey } from '../src/wire/api-key.ts'

export type KeyAccess = 'read-write' | 'read-only'

/** What is kept of a key. */
export interface KeyRecord {
  readonly environment: string
  readonly tokenId: string
  readonly access: KeyAccess
  /** SHA-256 of the key, in hexadecimal. */
  readonly hash: string
}

/** The holder of a key. */
export interface Principal {
  readonly environment: string
  readonly tokenId: string
  readonly access: KeyAccess
}

/** Keys of one environment (http-api.md 15). */
export const keysPerEnvironment = 128
/** Presented keys whose hash was found right and need not be computed again. */
const VERIFIED_KEYS = 1024
/** Of their headers. The longest key and its scheme fit; what is longer is padding, which would take memory for nothing. */
const VERIFIED_CHARACTERS = 400

export class KeyRing {
  readonly #sha256: (text: string) => Uint8Array
  /** Of the key file, of a development server and of test environments. */
  readonly #own = new Map<string, KeyRecord>()
  #controlled: ReadonlyMap<string, KeyRecord> = new Map()
  #isDeleted: (environment: string) => boolean = () => false
  // By the whole header as presented. A key is checked by its hash once; it stays in memory only, and only as long as few others are in use.
  #verified = new Map<string, Principal>()

  constructor(sha256: (text: string) => Uint8Array) {
    this.#sha256 = sha256
  }

  /** A key that is valid as long as this process lives and its environment is there. */
  add(record: KeyRecord): void {
    this.#own.set(nameOf(record), record)
  }

  /** From now on the keys of the control environment are these, and keys of deleted environments open nothing, wherever they come from. */
  follow(records: readonly KeyRecord[], isDeleted: (environment: string) => boolean): void {
    this.#controlled = new Map(records.map((record) => [nameOf(record), record]))
    this.#isDeleted = isDeleted
    // A key that was revoked must not live on here.
    this.#verified = new Map()
  }

  /** Whether an environment was deleted: requests that were on their way when that happened are told what all later ones are. */
  wasDeleted(environment: string): boolean {
    return this.#isDeleted(environment)
  }

  /** The keys that are valid now. */
  records(): readonly (KeyRecord & { readonly source: 'control' | 'process' })[] {
    const own = [...this.#own.values()].filter(({ environment }) => !this.#isDeleted(environment))
    const controlled = [...this.#controlled].flatMap(([name, record]) => (this.#own.has(name) ? [] : [record]))
    return [
      ...own.map((record) => ({ ...record, source: 'process' as const })),
      ...controlled.map((record) => ({ ...record, source: 'control' as const })),
    ]
  }

  /** Environments of the keys that do not come from the control environment. */
  environments(): ReadonlySet<string> {
    return new Set([...this.#own.values()].map((record) => record.environment))
  }

  /** The holder of the key in an `Authorization` header; throws ApiError 401. */
  identify(header: string | null): Principal {
    if (header === null) throw new ApiError('unauthorized', 'the `Authorization` header is missing, expected `Bearer` and an API key')
    const known = this.#verified.get(header)
    if (known !== undefined) return known
    const principal = this.#verify(header)
    if (header.length > VERIFIED_CHARACTERS) return principal
    if (this.#verified.size >= VERIFIED_KEYS) this.#verified = new Map()
    this.#verified.set(header, principal)
    return principal
  }

  #verify(header: string): Principal {
    const key = bearerOf(header)
    const parsed = parseKey(key)
    if (parsed === null) throw new ApiError('unauthorized', 'the API key is malformed')
    const record = this.#find(parsed)
    // The hash is computed for unknown keys too, so that the time does not tell which token ids exist.
    const matches = equalInConstantTime(hashKey(this.#sha256, key), record?.hash ?? NO_HASH)
    if (record === undefined || !matches) throw new ApiError('unauthorized', 'the API key is not known')
    return record
  }

  #find(key: ApiKey): KeyRecord | undefined {
    // Whatever was configured: only the admin key reaches this one.
    if (key.environment === controlEnvironment || this.#isDeleted(key.environment)) return undefined
    return this.#own.get(nameOf(key)) ?? this.#controlled.get(nameOf(key))
  }
}

/** The key that manages environments, keys and snapshots, by its hash; null where there is none. */
export class AdminKey {
  readonly #sha256: (text: string) => Uint8Array
  readonly #hash: string | null

  /** `hash` as `arctos key generate --admin` prints it. */
  constructor(sha256: (text: string) => Uint8Array, hash: string | null) {
    this.#sha256 = sha256
    this.#hash = hash?.replace(/^sha256:/, '') ?? null
  }

  /** Throws ApiError 401 when the `Authorization` header does not hold the admin key, 404 when there is none. */
  check(header: string | null): void {
    if (this.#hash === null) throw new ApiError('not-found', 'this server has no admin API: no admin key is configured')
    if (header === null) throw new ApiError('unauthorized', 'the `Authorization` header is missing, expected `Bearer` and the admin key')
    const key = bearerOf(header)
    if (!equalInConstantTime(hashKey(this.#sha256, key), this.#hash) || !isAdminKey(key))
      throw new ApiError('unauthorized', 'this is not the admin key')
  }
}

const NO_HASH = '0'.repeat(64)

const nameOf = ({ environment, tokenId }: ApiKey): string => `${environment}_${tokenId}`

const bearerOf = (header: string): string => /^\s*bearer\s+(\S+)\s*$/i.exec(header)?.[1] ?? ''

export const hashKey = (sha256: (text: string) => Uint8Array, key: string): string => hexOf(sha256(key))

/** A new key and what is kept of it. `random` are hexadecimal digits that nobody can guess: 12 for the token id, the others the secret. */
export const makeKey = (
  sha256: (text: string) => Uint8Array,
  { environment, access }: Pick<KeyRecord, 'environment' | 'access'>,
  random: string,
): { readonly key: string; readonly record: KeyRecord } => {
  const tokenId = random.slice(0, 12)
  const key = `e_${environment}_${tokenId}_${random.slice(12)}`
  return { key, record: { environment, tokenId, access, hash: hashKey(sha256, key) } }
}

export interface KeyFile {
  readonly records: readonly KeyRecord[]
  readonly problems: readonly string[]
}

/** The line of a key file: `e_<environment>_<token id> <access> sha256:<hash>`. */
export const formatKeyRecord = ({ environment, tokenId, access, hash }: KeyRecord): string =>
  `e_${environment}_${tokenId} ${access} sha256:${hash}`

/** Reads a key file: one key per line, `#` starts a comment. */
export const parseKeyFile = (text: string): KeyFile => {
  const records: KeyRecord[] = []
  const problems: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*$/, '').trim()
    if (words === '') continue
    const record = parseKeyLine(words)
    if (record === null)
      problems.push(`line ${index + 1} is no key, expected \`e_<environment>_<token id> <read-write|read-only> sha256:<hash>\``)
    else records.push(record)
  }
  for (const environment of new Set(records.map((record) => record.environment))) {
    const count = records.filter((record) => record.environment === environment).length
    if (count > keysPerEnvironment)
      problems.push(`environment \`${environment}\` has ${count} keys, at most ${keysPerEnvironment} are allowed`)
  }
  return { records, problems }
}

const parseKeyLine = (words: string): KeyRecord | null => {
  const match = /^e_([^_\s]+)_([^_\s]+)\s+(read-write|read-only)\s+sha256:([0-9a-f]{64})$/.exec(words)
  const [, environment, tokenId, access, hash] = match ?? []
  if (environment === undefined || tokenId === undefined || hash === undefined) return null
  if (!isEnvironmentId(environment) || environment === controlEnvironment) return null
  return { environment, tokenId, access: access === 'read-only' ? 'read-only' : 'read-write', hash }
}

const equalInConstantTime = (left: string, right: string): boolean => {
  let difference = left.length ^ right.length
  for (let index = 0; index < left.length; index++) difference |= left.charCodeAt(index) ^ right.charCodeAt(index)
  return difference === 0
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
