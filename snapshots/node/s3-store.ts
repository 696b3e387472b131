/** Objects in a bucket of S3, R2, or a server that speaks their protocol. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { limits } from '../../src/base/limits.ts'
import type { StorePlace } from '../../src/ops/places.ts'
import { boundedChunks } from '../deadline.ts'
import { byKey, checkKey } from '../key-rules.ts'
import type { ListedObject, ObjectStore, PutCondition, StoredObject } from '../object-store.ts'
import { prefixed } from '../prefixed-store.ts'
import { type StoreCall, storeFailure } from '../store-failure.ts'
import { type Attempts, persist } from './s3-attempts.ts'
import { isLost, isNothing, isUnchanged, isWithoutConditions } from './s3-failure.ts'

export type S3Place = Extract<StorePlace, { kind: 's3' }>

export interface S3StoreOptions {
  /** Of one call with all its attempts; large objects have longer. */
  readonly timeoutMs?: number
  /** False for a server that knows no conditions: they are looked at beforehand, which is good enough where nothing rests on them. */
  readonly conditions?: boolean
}

const TIMEOUT_MS = 10_000
const CONNECT_MS = 3000
/** The slowest upload that is waited for. */
const UPLOAD_BYTES_PER_MS = 256

/** Credentials as the AWS SDK finds them. Asks nothing yet: see `openObjectStore`. */
export const s3ObjectStore = (place: S3Place, options: S3StoreOptions = {}): ObjectStore =>
  prefixed(new S3Store(place, options), place.prefix)

class S3Store implements ObjectStore {
  readonly name: string
  readonly #client: S3Client
  readonly #bucket: string
  readonly #timeoutMs: number
  readonly #conditions: boolean

  constructor(place: S3Place, { timeoutMs = TIMEOUT_MS, conditions = true }: S3StoreOptions) {
    this.name = `bucket ${place.bucket}${place.endpoint === null ? '' : ` of ${place.endpoint}`}`
    this.#client = new S3Client(configurationOf(place))
    this.#bucket = place.bucket
    this.#timeoutMs = timeoutMs
    this.#conditions = conditions
  }

  async get(key: string, { unless }: { readonly unless?: string } = {}): Promise<StoredObject | 'unchanged' | null> {
    const call = this.#call('get', key)
    const command = new GetObjectCommand({ ...this.#at(key), ...(unless === undefined ? {} : { IfNoneMatch: unless }) })
    try {
      const { ETag, ContentLength, Body } = await persist(this.#attempts(call), (abortSignal) =>
        this.#client.send(command, { abortSignal }),
      )
      const sizeBytes = ContentLength ?? null
      if (ETag === undefined || !(Body instanceof Readable))
        throw storeFailure('unavailable', call, 'the server answered without `ETag` or body')
      const chunks = boundedChunks(bytesOf(Body), {
        idleMs: this.#timeoutMs,
        sizeBytes,
        end: () => Body.destroy(),
        failure: (why, cause) => storeFailure('unavailable', call, why, cause),
      })
      return { version: ETag, sizeBytes, chunks }
    } catch (error) {
      if (isUnchanged(error)) return 'unchanged'
      if (isNothing(error)) return null
      throw error
    }
  }

  async put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<string> {
    const call = this.#call('put', key)
    if (condition !== undefined && !this.#conditions) await this.#look(call, condition)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const command = new PutObjectCommand({
      ...this.#at(key),
      ...(this.#conditions ? headersOf(condition) : {}),
      Body: bytes,
      ContentLength: bytes.length,
      Metadata: { sha256 },
    })
    const attempts = this.#attempts(call, bytes.length / UPLOAD_BYTES_PER_MS)
    try {
      const { ETag } = await persist(attempts, (abortSignal) => this.#client.send(command, { abortSignal }))
      if (ETag === undefined) throw storeFailure('unavailable', call, 'the server answered without `ETag`')
      return ETag
    } catch (error) {
      if (isWithoutConditions(error))
        throw storeFailure(
          'denied',
          call,
          'the server does not implement conditional writes, or these checksums: try `checksums=when-required`',
          error,
        )
      if (!isNothing(error) && !isLost(error)) throw error
      // An attempt whose answer was lost may have won the race that this one lost.
      const earlier = attempts.made() > 1 ? await this.#writtenAs(call, sha256) : null
      if (earlier !== null) return earlier
      throw storeFailure('precondition', call, 'the condition does not hold', error)
    }
  }

  async list(prefix: string): Promise<readonly ListedObject[]> {
    const call = this.#call('list', prefix)
    const found: ListedObject[] = []
    let token: string | undefined
    for (let pages = 0; pages < limits.listedObjects; pages++) {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        // Otherwise the parser of the response takes spaces off.
        EncodingType: 'url',
        ...(token === undefined ? {} : { ContinuationToken: token }),
      })
      const page = await persist(this.#attempts(call), (abortSignal) => this.#client.send(command, { abortSignal }))
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        const key = page.EncodingType === 'url' ? decodeURIComponent((Key ?? '').replaceAll('+', ' ')) : (Key ?? '')
        // Some servers list folders.
        if (key !== '' && !key.endsWith('/')) found.push({ key, sizeBytes: Size ?? 0, modifiedAtMs: LastModified?.getTime() ?? 0 })
      }
      if (found.length > limits.listedObjects) throw storeFailure('too-large', call, `there are more than ${limits.listedObjects} objects`)
      token = page.NextContinuationToken
      if (page.IsTruncated !== true || token === undefined) return found.sort(byKey)
    }
    throw storeFailure('unavailable', call, 'the server`s list has no end')
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#at(key))
    try {
      await persist(this.#attempts(this.#call('delete', key)), (abortSignal) => this.#client.send(command, { abortSignal }))
    } catch (error) {
      if (!isNothing(error)) throw error
    }
  }

  #call(operation: StoreCall['operation'], key: string): StoreCall {
    const call: StoreCall = { store: this.name, operation, key }
    if (operation !== 'list') checkKey(call)
    return call
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key }
  }

  #attempts(call: StoreCall, moreMs = 0): Attempts {
    let made = 0
    return { call, timeoutMs: this.#timeoutMs + moreMs, count: () => (made += 1), made: () => made }
  }

  async #head(call: StoreCall): Promise<{ readonly version: string; readonly sha256: string } | null> {
    const command = new HeadObjectCommand(this.#at(call.key))
    try {
      const { ETag = '', Metadata } = await persist(this.#attempts(call), (abortSignal) => this.#client.send(command, { abortSignal }))
      return { version: ETag, sha256: Metadata?.['sha256'] ?? '' }
    } catch (error) {
      if (isNothing(error)) return null
      throw error
    }
  }

  async #writtenAs(call: StoreCall, sha256: string): Promise<string | null> {
    const there = await this.#head(call)
    return there?.sha256 === sha256 ? there.version : null
  }

  async #look(call: StoreCall, condition: PutCondition): Promise<void> {
    const there = await this.#head(call)
    const holds = condition.kind === 'absent' ? there === null : there?.version === condition.version
    if (!holds) throw storeFailure('precondition', call, 'the condition does not hold')
  }
}

const configurationOf = ({ endpoint, region, forcePathStyle, checksums }: S3Place): S3ClientConfig => {
  const mode = checksums === 'when-supported' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED'
  // A server of one's own rarely has regions; its requests are signed for one all the same.
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const signedFor = region ?? (endpoint === null ? undefined : (AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1'))
  return {
    ...(signedFor === undefined ? {} : { region: signedFor }),
    ...(endpoint === null ? {} : { endpoint }),
    forcePathStyle,
    requestChecksumCalculation: mode,
    responseChecksumValidation: mode,
    // Attempts are counted and bounded in time here, not there.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_MS },
  }
}

const headersOf = (condition: PutCondition | undefined): { IfNoneMatch?: string; IfMatch?: string } => {
  if (condition === undefined) return {}
  return condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.version }
}

/** The adapter of Node's streams, which yield anything. */
async function* bytesOf(body: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a chunk is no bytes')
    yield chunk
  }
}
