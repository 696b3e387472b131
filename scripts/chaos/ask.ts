/** One HTTP request of the load: what came back, or that nothing did. */

import { messageOf as thrownMessage } from '../../src/base/message.ts'

export interface Request {
  readonly url: string
  readonly key: string
  readonly path: string
  readonly body: unknown
  /** Sent as `OsoOffset`. */
  readonly position?: string | null
  /** Makes a repetition recognisable. */
  readonly requestId?: string
  readonly timeoutMs: number
}

export interface Reply {
  /** 0: none came. */
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
  /** What to tell people. */
  readonly said: string
  /** False: the server cannot have got it. */
  readonly sent: boolean
}

/** Never rejects. */
export const ask = async ({ url, key, path, body, position = null, requestId, timeoutMs }: Request): Promise<Reply> => {
  const headers = new Headers({ Authorization: `Bearer ${key}` })
  if (position !== null) headers.set('OsoOffset', position)
  if (requestId !== undefined) headers.set('X-Request-ID', requestId)
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(`${url}${path}`, {
      headers,
      signal,
      ...(body === null ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const { status } = response
    return { status, body: parsed(text), headers: response.headers, said: `${status} ${text.slice(0, 200)}`, sent: true }
  } catch (error) {
    return { status: 0, body: null, headers: new Headers(), said: reason(error), sent: codeOf(error) !== 'ECONNREFUSED' }
  }
}

/** Whether a write that was answered so may have happened, or still happen. */
export const mayHappen = ({ status, body, sent }: Reply): boolean =>
  status === 0 ? sent : status >= 500 && !(status === 503 && !messageOf(body).includes('may have happened'))

export const messageOf = (body: unknown): string =>
  typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string' ? body.message : ''

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const causeOf = (error: unknown): unknown => (error instanceof Error && error.cause !== undefined ? error.cause : error)

const codeOf = (error: unknown): string => {
  const cause = causeOf(error)
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
}

const reason = (error: unknown): string => {
  const cause = causeOf(error)
  return `${codeOf(error)} ${thrownMessage(cause)}`.trim()
}
