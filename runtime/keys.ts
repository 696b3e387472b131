/** Who asks: API keys are kept as hashes and compared in constant time. */
import { ApiError } from '../src/wire/api-error.ts'
import { isEnvironmentId, parseKey } from '../src/wire/api-key.ts'

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
const KEYS_PER_ENVIRONMENT = 128
/** Presented keys whose hash was found right and need not be computed again. */
const VERIFIED_KEYS = 1024

export class KeyRing {
  readonly #sha256: (text: string) => Uint8Array
  readonly #records = new Map<string, KeyRecord & Principal>()
  // By the whole header as presented. A key is checked by its hash once; it stays in memory only, and only as long as few others are in use.
  #verified = new Map<string, Principal>()

  constructor(sha256: (text: string) => Uint8Array) {
    this.#sha256 = sha256
  }

  add(record: KeyRecord): void {
    this.#records.set(`${record.environment}_${record.tokenId}`, record)
  }

  environments(): ReadonlySet<string> {
    return new Set([...this.#records.values()].map((record) => record.environment))
  }

  /** The holder of the key in an `Authorization` header; throws ApiError 401. */
  identify(header: string | null): Principal {
    if (header === null) throw new ApiError('unauthorized', 'the `Authorization` header is missing, expected `Bearer` and an API key')
    const known = this.#verified.get(header)
    if (known !== undefined) return known
    const principal = this.#verify(header)
    if (this.#verified.size >= VERIFIED_KEYS) this.#verified = new Map()
    this.#verified.set(header, principal)
    return principal
  }

  #verify(header: string): Principal {
    const key = /^\s*bearer\s+(\S+)\s*$/i.exec(header)?.[1] ?? ''
    const parsed = parseKey(key)
    if (parsed === null) throw new ApiError('unauthorized', 'the API key is malformed')
    const record = this.#records.get(`${parsed.environment}_${parsed.tokenId}`)
    // The hash is computed for unknown keys too, so that the time does not tell which token ids exist.
    const matches = equalInConstantTime(hexOf(this.#sha256(key)), record?.hash ?? '0'.repeat(64))
    if (record === undefined || !matches) throw new ApiError('unauthorized', 'the API key is not known')
    return record
  }
}

export const hashKey = (sha256: (text: string) => Uint8Array, key: string): string => hexOf(sha256(key))

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
    if (count > KEYS_PER_ENVIRONMENT)
      problems.push(`environment \`${environment}\` has ${count} keys, at most ${KEYS_PER_ENVIRONMENT} are allowed`)
  }
  return { records, problems }
}

const parseKeyLine = (words: string): KeyRecord | null => {
  const match = /^e_([^_\s]+)_([^_\s]+)\s+(read-write|read-only)\s+sha256:([0-9a-f]{64})$/.exec(words)
  const [, environment, tokenId, access, hash] = match ?? []
  if (environment === undefined || tokenId === undefined || hash === undefined || !isEnvironmentId(environment)) return null
  return { environment, tokenId, access: access === 'read-only' ? 'read-only' : 'read-write', hash }
}

const equalInConstantTime = (left: string, right: string): boolean => {
  let difference = left.length ^ right.length
  for (let index = 0; index < left.length; index++) difference |= left.charCodeAt(index) ^ right.charCodeAt(index)
  return difference === 0
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
