/** What a route answers, before the headers that every response carries are added. */
import type { ApiError } from '../src/wire/api-error.ts'

export interface Reply {
  readonly status: number
  /** Null where the status allows none. */
  readonly body: string | ReadableStream<Uint8Array> | null
  readonly contentType: string
  /** Position of a mutation, for `OsoOffset`. */
  readonly offset: string | null
  /** Position of the state that answered, when other turns ran since. */
  readonly position?: string
  /** False when a durable write was not applied within the wait. */
  readonly applied: boolean
  readonly retryAfterSeconds: number | null
  /** Headers of another server's answer, which go out in place of ours. */
  readonly passed?: Readonly<Record<string, string>>
}

export const jsonType = 'application/json'

const plain = { contentType: jsonType, offset: null, applied: true, retryAfterSeconds: null } as const

/** A JSON answer. */
export const json = (body: unknown, status = 200): Reply => ({ ...plain, status, body: JSON.stringify(body) })

/** An answer whose JSON text is made already. */
export const jsonText = (body: string | ReadableStream<Uint8Array>): Reply => ({ ...plain, status: 200, body })

/** An answer that is no JSON. */
export const other = (body: string, contentType: string): Reply => ({ ...plain, status: 200, body, contentType })

/** A refusal. Errors of the policy endpoint carry their kind. */
export const refusal = (error: ApiError, shape: 'api' | 'save-policy'): Reply => ({
  ...json(shape === 'api' ? { message: error.message } : { error_type: 'Generic', message: error.message }, error.status),
  retryAfterSeconds: error.retryAfterSeconds,
})
