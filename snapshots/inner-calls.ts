/** Requests of the inner interface that get one answer, and what their failures mean. */

import { Bug } from '../src/base/assert.ts'
import { messageOf } from '../src/base/message.ts'
import { LogError } from '../src/log/log.ts'
import { InnerShapeError, parseInner } from '../src/wire/inner.ts'
import { receivedError, sentErrorShape } from '../src/wire/inner-errors.ts'
import { unknownOutcome } from './inner-appends.ts'
import { type InnerFetch, type InnerRequest, type InnerResponse, UnsentError } from './inner-fetch.ts'

export interface InnerAccess {
  readonly fetch: InnerFetch
  /** Without a slash at its end. */
  readonly url: string
  readonly secret: string | null
}

export interface InnerCall {
  readonly method: InnerRequest['method']
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Whether the call may have taken effect although its answer is missing: then the outcome is unknown, otherwise the replicator is unavailable. */
  readonly appends?: true
  readonly upgrade?: string
}

/** The answer with a status of success, its body not read. Rejects with LogError, or Bug for one of the replicator. */
export const callInner = async ({ fetch, url, secret }: InnerAccess, call: InnerCall): Promise<InnerResponse> => {
  const { method, path, body, signal, upgrade } = call
  const headers = {
    ...call.headers,
    ...(secret !== null && { authorization: `Bearer ${secret}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const request = { method, headers, signal, ...(body !== undefined && { body }), ...(upgrade !== undefined && { upgrade }) }
  const response = await withMeaning(call, () => fetch(url + path, request))
  if ((response.status >= 200 && response.status < 300) || response.send !== undefined) return response
  const text = await withMeaning(call, () => response.text())
  throw refusal(call, response.status, text)
}

/** The body of the answer. Rejects like `callInner`. */
export const askInner = async (access: InnerAccess, call: InnerCall): Promise<string> => {
  const response = await callInner(access, call)
  return withMeaning(call, () => response.text())
}

/** Makes LogErrors of what breaks on the way, and of answers that are none of the inner interface. */
export const withMeaning = async <T>({ appends, path }: Pick<InnerCall, 'appends' | 'path'>, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof LogError || cause instanceof Bug) throw cause
    const reason = messageOf(cause)
    if (cause instanceof UnsentError) throw new LogError('unavailable', `the replicator cannot be reached: ${reason}`, { cause })
    if (cause instanceof InnerShapeError)
      throw new LogError('unavailable', `the answer to \`${path}\` is none of a replicator of this version: ${reason}`, { cause })
    if (appends) throw unknownOutcome(cause)
    throw new LogError('unavailable', `the replicator did not answer: ${reason}`, { cause })
  }
}

const refusal = ({ appends, path }: InnerCall, status: number, text: string): LogError | Bug => {
  if (status === 401)
    return new LogError('unavailable', 'the replicator refused the secret of this process: ARCTOS_SECRET must be the same on both sides')
  try {
    return receivedError(parseInner(sentErrorShape, text))
  } catch (cause) {
    // Whoever answered so is none of ours: a proxy between, perhaps after the replicator had the request.
    const code = appends && status >= 500 ? 'unknown-outcome' : 'unavailable'
    return new LogError(code, `the replicator's place answered \`${path}\` with status ${status}`, { cause })
  }
}
