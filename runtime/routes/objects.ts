/** `/v1/objects/…`: the objects of this cell, for edges that have no other object store. */
import type { HonoBase } from 'hono/hono-base'
import { byteStream } from '../../snapshots/byte-stream.ts'
import { tagOf, versionOf } from '../../snapshots/entity-tag.ts'
import { type ObjectStore, type StoredObject, StoreError } from '../../snapshots/object-store.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { beginExchange, refusalOf } from '../exchange.ts'
import { finishFor } from '../finish.ts'
import type { Platform } from '../platform.ts'
import type { Reply } from '../reply.ts'

export interface ServedObjects {
  readonly objects: ObjectStore
  /** Whoever has it reads everything: facts, policies, hashes of keys. Null: nobody does. */
  readonly secret: string | null
  readonly platform: Platform
}

const PREFIX = endpoints.objects.path.replace('*', '')

export const serveObjects = (app: HonoBase, served: ServedObjects): void => {
  const finish = finishFor(served.platform, endpoints.objects.path)
  app.on(endpoints.objects.method, endpoints.objects.path, async (context) => {
    const request = context.req.raw
    const exchange = beginExchange(request, served.platform)
    try {
      checkSecret(request.headers.get('authorization'), served)
      return finish(exchange, await replyOf(request, served.objects, exchange.requestId))
    } catch (error) {
      return finish(exchange, refusalOf(error, {}, exchange, served.platform))
    }
  })
}

const checkSecret = (header: string | null, { secret, platform }: ServedObjects): void => {
  if (secret === null) throw new ApiError('not-found', 'objects are served only where a secret is configured')
  // Hashes are of one length, and tell nothing of where two texts differ.
  const [sent, expected] = [platform.sha256(header ?? ''), platform.sha256(`Bearer ${secret}`)]
  const difference = sent.reduce((sum, byte, index) => sum | (byte ^ (expected[index] ?? 0)), 0)
  if (difference !== 0) throw new ApiError('unauthorized', 'the `Authorization` header does not hold the secret of this cell')
}

const replyOf = async (request: Request, objects: ObjectStore, requestId: string): Promise<Reply> => {
  const key = keyOf(request)
  const unless = versionOf(request.headers.get('if-none-match'))
  const found = await find(objects, key, unless)
  if (found === null) throw new ApiError('not-found', 'there is no such object')
  if (found === 'unchanged') return objectReply({ status: 304, body: null, headers: { ETag: tagOf(unless ?? '') } }, requestId)
  const { version, sizeBytes, chunks } = found
  // What nobody reads must not stay open.
  if (request.method === 'HEAD') await chunks[Symbol.asyncIterator]().return?.()
  const length = sizeBytes === null ? {} : { 'Content-Length': String(sizeBytes) }
  return objectReply(
    { status: 200, body: request.method === 'HEAD' ? null : byteStream(chunks), headers: { ETag: tagOf(version), ...length } },
    requestId,
  )
}

interface ObjectAnswer {
  readonly status: number
  readonly body: ReadableStream<Uint8Array> | null
  readonly headers: Readonly<Record<string, string>>
}

const objectReply = ({ status, body, headers }: ObjectAnswer, requestId: string): Reply => ({
  status,
  body,
  contentType: 'application/octet-stream',
  offset: null,
  applied: true,
  retryAfterSeconds: null,
  passed: { 'Content-Type': 'application/octet-stream', 'X-Request-ID': requestId, ...headers },
})

/** Null for what no object can be called, too. */
const find = async (objects: ObjectStore, key: string, unless: string | undefined): Promise<StoredObject | 'unchanged' | null> => {
  try {
    return await objects.get(key, unless === undefined ? {} : { unless })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'denied' || error.code === 'missing') return null
    throw new ApiError('unavailable', 'the objects of this cell cannot be read at the moment')
  }
}

const keyOf = (request: Request): string => {
  const path = new URL(request.url).pathname.replace(/\/{2,}/g, '/').slice(PREFIX.length)
  try {
    return decodeURIComponent(path)
  } catch {
    throw new ApiError('not-found', 'there is no such object')
  }
}
