/** Bodies of the inner interface's requests, read within a bound, and its answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorCode } from '../snapshots/node/error-code.ts'
import { messageText } from '../snapshots/node/message-text.ts'
import { innerLimits } from '../src/base/inner-limits.ts'
import { parseBodyText } from '../src/log/body.ts'
import { LogError } from '../src/log/log.ts'
import type { RecordBody } from '../src/log/record.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import { InnerShapeError } from '../src/wire/inner.ts'
import { retryAfterOf, sentError, statusOf } from '../src/wire/inner-errors.ts'

/** The text of a body. Rejects with LogError `too-large` over the bound, with InnerShapeError when the connection breaks before its end. */
export const readBody = (request: IncomingMessage, maxBytes: number): Promise<string> =>
  messageText(request, maxBytes, (why, cause) =>
    why === 'too-large'
      ? new LogError('too-large', `the request has more than ${maxBytes} bytes`)
      : new InnerShapeError('the request broke off', { cause }),
  )

/** The body of a record, from its text. Throws InnerShapeError. */
export const recordBody = (text: string): RecordBody => {
  try {
    return parseBodyText(text)
  } catch (cause) {
    throw new InnerShapeError(cause instanceof Error ? cause.message : 'unexpected shape', { cause })
  }
}

export const answerJson = (response: ServerResponse, body: unknown): void => answerText(response, 200, JSON.stringify(body))

export const answerNothing = (response: ServerResponse): void => {
  if (!response.headersSent) response.writeHead(204)
  response.end()
}

export const answerText = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
): void => {
  const bytes = Buffer.from(text, 'utf8')
  response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes)
}

/** Bytes as they come, at the pace of the other side. Too few or too many break the connection off, and the call rejects. */
export const answerBytes = async (
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  { sizeBytes, headers }: { readonly sizeBytes: number | null; readonly headers: Readonly<Record<string, string | number>> },
): Promise<void> => {
  response.setTimeout(innerLimits.callMs, () => response.destroy())
  const length = sizeBytes === null ? {} : { 'content-length': sizeBytes }
  response.writeHead(200, { 'content-type': 'application/octet-stream', ...headers, ...length })
  await pipeline(Readable.from(exactly(chunks, sizeBytes), { objectMode: false }), response)
}

async function* exactly(chunks: AsyncIterable<Uint8Array>, sizeBytes: number | null): AsyncIterable<Uint8Array> {
  let found = 0
  for await (const chunk of chunks) {
    found += chunk.length
    if (sizeBytes !== null && found > sizeBytes) break
    yield chunk
  }
  if (sizeBytes !== null && found !== sizeBytes) throw new Error(`found ${found} bytes where ${sizeBytes} were announced`)
}

/** The answer to what was thrown; a response that has begun is broken off instead. */
export const answerError = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  // A body that was not read to its end is none of the next request.
  if (!response.req.complete) response.setHeader('connection', 'close')
  answerRefusal(response, refusalOf(error))
}

export const answerRefusal = (response: ServerResponse, { status, body, headers }: Refusal): void =>
  answerText(response, status, body, headers)

export interface Refusal {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** What is answered to what was thrown. */
export const refusalOf = (error: unknown): Refusal => {
  const sent = sentError(error)
  const retryAfter = retryAfterOf(sent)
  const headers = { 'content-type': 'application/json', ...(retryAfter !== null && { 'retry-after': String(retryAfter) }) }
  return { status: error instanceof InnerShapeError ? 400 : statusOf(sent), body: JSON.stringify(sent), headers }
}

/** What is answered to a request that never got to the replicator. */
export const refusal = (status: number, message: string): Refusal => ({
  status,
  body: JSON.stringify({ code: null, message }),
  headers: { 'content-type': 'application/json' },
})

/** What a LogError says, its runtime hears and logs; a connection that broke is no failure of ours. */
export const logBug = (log: WriteLogLine, error: unknown): void => {
  if (error instanceof LogError || error instanceof InnerShapeError || isBroken(error)) return
  const { name, stack } = error instanceof Error ? error : new Error(String(error))
  log('error', 'inner-request-failed', { name, stack: stack ?? null })
}

const isBroken = (error: unknown): boolean => ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET'].includes(errorCode(error))
