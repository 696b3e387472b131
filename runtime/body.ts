/** Reads a request body within a bound: never more than that is held, and text that is no UTF-8 is refused rather than altered. */
import { ApiError } from '../src/wire/api-error.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The body as text, empty when there is none. Rejects with ApiError 413 or 400. */
export const readText = (request: Request, maximumBytes: number): Promise<string> => {
  const declared = request.headers.get('content-length')
  if (declared === null) return readChunks(request, maximumBytes)
  if (Number(declared) > maximumBytes) return Promise.reject(tooLarge(maximumBytes))
  return request.arrayBuffer().then(decodeText, refuseBroken)
}

const readChunks = async (request: Request, maximumBytes: number): Promise<string> => {
  const reader = request.body?.getReader()
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch(refuseBroken)
    if (done) break
    size += value.byteLength
    if (size > maximumBytes) {
      // Nobody reads on: the connection is closed or drained by the server.
      reader.cancel().catch(() => {})
      throw tooLarge(maximumBytes)
    }
    chunks.push(value)
  }
  return decodeText(concatenate(chunks, size))
}

const concatenate = (chunks: readonly Uint8Array[], size: number): Uint8Array => {
  const whole = new Uint8Array(size)
  let end = 0
  for (const chunk of chunks) {
    whole.set(chunk, end)
    end += chunk.byteLength
  }
  return whole
}

const decodeText = (bytes: Uint8Array | ArrayBuffer): string => {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new ApiError('malformed-request', 'the body is not valid UTF-8')
  }
}

/** The client went away, or sent less than it declared. */
const refuseBroken = (): never => {
  throw new ApiError('malformed-request', 'the request ended before its body')
}

const tooLarge = (maximumBytes: number): ApiError => new ApiError('too-large', `the body is larger than ${maximumBytes} bytes`)

/** The body of a request that may have none. */
export const bodyOf = (request: Request, maximum: number): string | Promise<string> =>
  request.method === 'GET' || request.method === 'HEAD' ? '' : readText(request, maximum)
