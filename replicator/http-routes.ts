/** The requests of the inner interface, each with what it does on a replicator. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ObjectStore } from '../snapshots/object-store.ts'
import { innerLimits } from '../src/base/inner-limits.ts'
import { limits } from '../src/base/limits.ts'
import { LogError } from '../src/log/log.ts'
import { createShape, InnerShapeError, imageHeaders, parseInner, restoreShape, streamHeader, streamProtocol } from '../src/wire/inner.ts'
import { sentError } from '../src/wire/inner-errors.ts'
import type { Budget } from './http-budget.ts'
import { answerObject } from './http-objects.ts'
import { answerBytes, answerJson, answerNothing, answerRefusal, readBody, recordBody, refusal } from './http-reply.ts'
import type { Served } from './http-stream.ts'
import type { RuntimeStreams } from './http-streams.ts'
import type { Caller } from './replicator.ts'

export interface InnerRequestParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Of the path, decoded. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly replicator: Served
  readonly objects: ObjectStore | null
  readonly streams: RuntimeStreams
  /** Of the records that are under way. */
  readonly budget: Budget
}

interface InnerRoute {
  readonly method: string
  /** Null stands for any one segment. */
  readonly path: readonly (string | null)[]
  handle(parts: InnerRequestParts): void | Promise<void>
}

/** Bodies other than records and commands. */
const SMALL_BYTES = 64 * 1024

/** The route of a request, or undefined. */
export const routeOf = (method: string, segments: readonly string[]): InnerRoute | undefined =>
  segments[0] === 'objects' && (method === 'GET' || method === 'HEAD')
    ? objectRoute
    : routes.find(
        (route) =>
          route.method === method &&
          route.path.length === segments.length &&
          route.path.every((part, index) => part === null || part === segments[index]),
      )

const objectRoute: InnerRoute = {
  method: 'GET',
  path: ['objects'],
  async handle({ request, response, segments, objects }) {
    await answerObject(objects, segments.slice(1).join('/'), request, response)
  },
}

const routes: readonly InnerRoute[] = [
  {
    method: 'POST',
    path: ['v1', 'environments', null, 'records'],
    async handle(parts) {
      const { request, segments, query, replicator } = parts
      const writeId = query.get('write-id') ?? ''
      if (writeId === '') throw new InnerShapeError('`write-id` is missing')
      const release = parts.budget.take(sizeOf(request))
      try {
        const body = recordBody(await readBody(request, innerLimits.bodyBytes))
        answerJson(parts.response, await replicator.append(envOf(segments), body, writeId, callerOf(parts)))
      } finally {
        release()
      }
    },
  },
  {
    method: 'GET',
    path: ['v1', 'stream'],
    handle: ({ response }) => {
      response.setHeader('upgrade', streamProtocol)
      answerRefusal(response, refusal(426, `upgrade to ${streamProtocol}`))
    },
  },
  {
    method: 'GET',
    path: ['v1', 'environments', null, 'snapshot'],
    async handle({ response, segments, replicator }) {
      const image = await replicator.snapshot(envOf(segments))
      if (image === null) return answerNothing(response)
      const headers = {
        [imageHeaders.revision]: image.revision,
        [imageHeaders.through]: image.through,
        [imageHeaders.rawBytes]: image.rawBytes,
        [imageHeaders.stateHash]: image.stateHash,
        [imageHeaders.schemaVersion]: image.schemaVersion,
      }
      return answerBytes(response, image.chunks, { sizeBytes: image.rawBytes, headers })
    },
  },
  {
    method: 'POST',
    path: ['v1', 'environments', null, 'snapshot'],
    async handle({ response, segments, replicator }) {
      const { revision, coveredThrough, key } = await replicator.publish(envOf(segments))
      answerJson(response, { revision, coveredThrough, key })
    },
  },
  {
    method: 'POST',
    path: ['v1', 'environments', null, 'restore'],
    async handle({ request, response, segments, replicator }) {
      const { revision } = parseInner(restoreShape, await readBody(request, SMALL_BYTES))
      answerJson(response, await replicator.restore(envOf(segments), revision))
    },
  },
  {
    method: 'PUT',
    path: ['v1', 'environments', null],
    async handle({ request, response, segments, replicator }) {
      const { ephemeral, partition } = parseInner(createShape, await readBody(request, SMALL_BYTES))
      await replicator.createEnvironment(envOf(segments), {
        ...(ephemeral !== undefined && { ephemeral }),
        ...(partition !== undefined && { partition }),
      })
      answerNothing(response)
    },
  },
  {
    method: 'DELETE',
    path: ['v1', 'environments', null],
    async handle({ response, segments, replicator }) {
      await replicator.deleteEnvironment(envOf(segments))
      answerNothing(response)
    },
  },
  {
    method: 'GET',
    path: ['v1', 'environments'],
    async handle({ response, replicator }) {
      answerJson(response, { environments: await replicator.environments() })
    },
  },
  {
    method: 'GET',
    path: ['v1', 'status'],
    handle({ response, replicator }) {
      const { problem, ...status } = replicator.status()
      answerJson(response, { ...status, problem: problem === null ? null : sentError(problem) })
    },
  },
]

const envOf = (segments: readonly string[]): string => {
  const env = segments[2] ?? ''
  if (env.length > limits.environmentName) throw new LogError('unknown-environment', 'no environment has a name so long')
  return env
}

/** What a body may have, where its length is not told. */
const sizeOf = ({ headers }: IncomingMessage): number => {
  const told = Number(headers['content-length'] ?? Number.NaN)
  return Number.isSafeInteger(told) && told >= 0 ? Math.min(told, innerLimits.bodyBytes) : innerLimits.bodyBytes
}

/** The runtime that asks, if it has a stream. */
const callerOf = ({ request, streams }: InnerRequestParts): Caller => {
  const id = request.headers[streamHeader]
  return typeof id === 'string' && streams.has(id) ? { runtime: id } : {}
}
