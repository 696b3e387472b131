/** The cell behind an edge: takes its writes, and answers the reads that the edge is too old for. */
import { ApiError } from '../src/wire/api-error.ts'
import { type Because, servedBy } from './elsewhere.ts'
import { jsonType, type Reply } from './reply.ts'
import { Slots } from './slots.ts'

export interface Origin {
  /** The origin's answer as it is. Rejects with ApiError 503 when there is none. */
  forward(request: Request, body: string, asked: Forwarded): Promise<Reply>
}

export interface Forwarded {
  readonly requestId: string
  readonly because: Because
}

export interface OriginOptions {
  /** Base URL, without a slash at its end. */
  readonly url: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly timeoutMs?: number
  /** Where requests are cut off without a word: the clock by which those that wait too long count no more. */
  readonly monotonicMs?: () => number
}

/** Requests that wait for the origin at the same time: over it 503. */
const CONCURRENT = 256
/** Longest wait for the head of an answer: a saved policy may take 4 s of tests, and the append after it as long. */
const TIMEOUT_MS = 10_000
/** Edges behind edges, and no further: an origin that leads back to its edge must not go round for ever. */
const HOPS = 4
const HOPS_HEADER = 'arctos-hops'

/** Of one connection, not of the message (RFC 9110 7.6.1); or made anew by whoever sends: the body is forwarded as decoded text. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
  'content-length',
  'accept-encoding',
  'content-encoding',
])

export const createOrigin = ({ url, fetch, timeoutMs = TIMEOUT_MS, monotonicMs }: OriginOptions): Origin => {
  const waiting = new Slots(CONCURRENT, monotonicMs ?? (() => 0), 2 * timeoutMs)
  return {
    async forward(request, body, { requestId, because }) {
      const headers = requestHeaders(request.headers, requestId)
      const leave = waiting.take()
      if (leave === null) throw new ApiError('unavailable', `more than ${CONCURRENT} requests wait for the origin of this edge`)
      const { signal, end } = deadline(timeoutMs)
      try {
        const { pathname, search } = new URL(request.url)
        const response = await fetch(`${url}${pathname.replace(/\/{2,}/g, '/')}${search}`, {
          method: request.method,
          headers,
          redirect: 'manual',
          signal,
          ...(body === '' ? {} : { body }),
        })
        return replyOf(response, because)
      } catch (error) {
        if (error instanceof ApiError) throw error
        throw new ApiError('unavailable', 'the origin of this edge does not answer: a write may have happened, so repeat the request')
      } finally {
        end()
        leave()
      }
    },
  }
}

/** Aborts late, and only until the head of the answer is there: a long body may stream on. */
const deadline = (timeoutMs: number): { readonly signal: AbortSignal; readonly end: () => void } => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeoutMs)
  return { signal: controller.signal, end: () => clearTimeout(timer) }
}

const requestHeaders = (sent: Headers, requestId: string): Headers => {
  const hops = Number(sent.get(HOPS_HEADER) ?? '0') + 1
  if (!(hops <= HOPS)) throw new ApiError('unavailable', 'the origin of this edge leads back to edges only')
  const headers = passed(sent)
  headers.set('x-request-id', requestId)
  headers.set(HOPS_HEADER, String(hops))
  return headers
}

const replyOf = (response: Response, because: Because): Reply => {
  // A redirect would lead clients past the edge, or round in circles; clients break at an answer without a body.
  if (response.status < 200 || response.status === 204 || response.status === 205 || (response.status >= 300 && response.status < 400)) {
    response.body?.cancel().catch(() => {})
    throw new ApiError('unavailable', `the origin of this edge answered ${response.status}, which is no answer of this API`)
  }
  return {
    status: response.status,
    body: response.body ?? '',
    contentType: response.headers.get('content-type') ?? jsonType,
    offset: response.headers.get('osooffset'),
    applied: response.headers.get('arctos-applied') !== 'false',
    retryAfterSeconds: null,
    passed: { ...Object.fromEntries(passed(response.headers)), ...servedBy(because) },
  }
}

const passed = (headers: Headers): Headers => {
  const named = (headers.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase())
  const kept = new Headers()
  for (const [name, value] of headers) if (!HOP_BY_HOP.has(name) && !named.includes(name)) kept.append(name, value)
  return kept
}
