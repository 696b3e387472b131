/** A database image as it comes from a replicator: what its headers say, and its bytes, counted. */
import type { InnerSnapshot } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'
import { InnerShapeError, imageHeaders } from '../src/wire/inner.ts'
import type { InnerResponse } from './inner-fetch.ts'

/** Throws InnerShapeError. */
export const receivedImage = ({ headers, body }: InnerResponse, env: string): InnerSnapshot => {
  const number = (name: string): number => {
    const text = headers.get(name) ?? ''
    if (!/^-?[0-9]{1,15}$/.test(text)) throw new InnerShapeError(`the header \`${name}\` is no integer`)
    return Number(text)
  }
  const stateHash = headers.get(imageHeaders.stateHash)
  if (stateHash === null || body === null) throw new InnerShapeError('the answer is no image')
  const rawBytes = number(imageHeaders.rawBytes)
  return {
    revision: number(imageHeaders.revision),
    through: number(imageHeaders.through),
    rawBytes,
    stateHash,
    schemaVersion: number(imageHeaders.schemaVersion),
    chunks: counted(body, rawBytes, env),
  }
}

/** Breaks off with LogError `unavailable` when bytes are missing or left over. */
async function* counted(body: AsyncIterable<Uint8Array>, rawBytes: number, env: string): AsyncGenerator<Uint8Array> {
  let found = 0
  const brokeOff = (cause?: unknown): LogError =>
    new LogError('unavailable', `the image of environment \`${env}\` broke off after ${found} of ${rawBytes} bytes`, { cause })
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        throw brokeOff(cause)
      })
      if (next.done === true) break
      found += next.value.length
      if (found > rawBytes) throw brokeOff()
      yield next.value
    }
  } finally {
    // A reader that stops early frees the connection.
    await chunks.return?.()
  }
  if (found < rawBytes) throw brokeOff()
}
