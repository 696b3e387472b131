/** The objects of this cell's own folder for edges and runtimes: read-only, each with its version. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tagOf, versionOf } from '../snapshots/entity-tag.ts'
import { type ObjectStore, type StoredObject, StoreError } from '../snapshots/object-store.ts'
import { LogError } from '../src/log/log.ts'
import { answerBytes, answerText } from './http-reply.ts'

/** Answers 200, 304 or 404, and 503 when the folder cannot be read. */
export const answerObject = async (
  objects: ObjectStore | null,
  key: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const seen = versionOf(request.headers['if-none-match'])
  const found = await get(objects, key, seen)
  if (found === null) return answerText(response, 404, 'no such object', { 'content-type': 'text/plain' })
  if (found === 'unchanged') return void response.writeHead(304, { etag: tagOf(seen ?? '') }).end()
  const { version, sizeBytes, chunks } = found
  const headers = { etag: tagOf(version) }
  if (request.method !== 'HEAD') return answerBytes(response, chunks, { sizeBytes, headers })
  await chunks[Symbol.asyncIterator]().return?.()
  response.writeHead(200, { ...headers, ...(sizeBytes !== null && { 'content-length': sizeBytes }) }).end()
  return undefined
}

/** Null for what no object can be called, too. */
const get = async (objects: ObjectStore | null, key: string, unless: string | undefined): Promise<StoredObject | 'unchanged' | null> => {
  try {
    return (await objects?.get(key, unless === undefined ? {} : { unless })) ?? null
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'denied') return null
    throw new LogError('unavailable', error.message, { cause: error })
  }
}
