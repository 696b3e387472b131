/** What workerd asks a bucket of R2 for, and the answers: as much of its protocol as a Worker needs that reads. */
import { createHash } from 'node:crypto'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { assert } from '../../src/base/assert.ts'

/** Of the request, with what is asked for. */
export const r2RequestHeader = 'cf-r2-request'
const METADATA_SIZE = 'cf-r2-metadata-size'
const ERROR = 'cf-r2-error'
const NO_SUCH_OBJECT = 10_007
const CONDITION_FAILED = 10_031
const MAX_BYTES = 2 ** 30

interface Asked {
  readonly method: string
  readonly object: string
  readonly onlyIf?: { readonly etagDoesNotMatch?: readonly { readonly value: string }[] }
}

export interface R2Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

export const answerR2 = async (objects: ObjectStore, asked: string): Promise<R2Answer> => {
  // Sent by workerd.
  const { method, object: key, onlyIf } = JSON.parse(asked) as Asked
  assert(method === 'get', 'a Worker reads')
  const object = await objects.get(key)
  if (object === null || object === 'unchanged') return refusal(404, NO_SUCH_OBJECT)
  const bytes = await objectBytes(key, object, MAX_BYTES)
  const etag = createHash('md5').update(object.version).digest('hex')
  const isKnown = onlyIf?.etagDoesNotMatch?.some(({ value }) => value === etag) ?? false
  const metadata = Buffer.from(
    JSON.stringify({ name: key, version: etag, size: bytes.length, etag, uploaded: 0, httpFields: {}, customFields: [] }),
  )
  const size = { [METADATA_SIZE]: `${metadata.length}` }
  if (!isKnown) return { status: 200, headers: size, bytes: Buffer.concat([metadata, bytes]) }
  return { ...refusal(412, CONDITION_FAILED, size), bytes: metadata }
}

const refusal = (status: number, v4code: number, headers: Readonly<Record<string, string>> = {}): R2Answer => ({
  status,
  headers: { ...headers, [ERROR]: JSON.stringify({ version: 1, v4code, message: 'refused' }) },
  bytes: new Uint8Array(),
})
