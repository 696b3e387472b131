/** Errors about a request: one class, one closed list of codes, one table of statuses. */

const statuses = {
  'malformed-request': 400,
  'bad-value': 400,
  'not-used-in-policy': 400,
  'query-refused': 400,
  'bad-page-token': 400,
  'too-many-results': 400,
  'not-available': 400,
  unauthorized: 401,
  'read-only': 403,
  'not-found': 404,
  'page-not-ready': 409,
  conflict: 409,
  'too-large': 413,
  'too-many-requests': 429,
  internal: 500,
  'not-ready': 503,
  'not-fresh': 503,
  unavailable: 503,
  'unknown-outcome': 503,
} as const

export type ApiErrorCode = keyof typeof statuses

/** A request that is refused. The message is one sentence for the caller and holds no internal detail. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  readonly status: number
  /** Whole seconds after which a repetition makes sense, or null. */
  readonly retryAfterSeconds: number | null

  constructor(code: ApiErrorCode, message: string, retryAfterSeconds: number | null = defaultRetry(code)) {
    super(message)
    this.code = code
    this.status = statuses[code]
    this.retryAfterSeconds = retryAfterSeconds
  }
}

// Clients wait this long by themselves: 409 pages are repeated by the Node SDK, 429 and 503 by the Go SDK. A conflict stays one.
const defaultRetry = (code: ApiErrorCode): number | null =>
  code === 'page-not-ready' || statuses[code] === 429 || statuses[code] === 503 ? 1 : null
