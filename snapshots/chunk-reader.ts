/** The bytes of a stream part by part, all of them through one buffer where that is wanted and the stream can fill one. */

/** Workers fill 4 KiB at a time unless they are given more room, and what they fill is collected late: an image would leave as much as it is large. */
const BUFFER_BYTES = 65_536

export interface ChunkReader {
  /** Once. Each is valid until the next one is asked for, when there is one buffer. */
  readonly chunks: AsyncGenerator<Uint8Array>
  /** Whoever reads no further lets the stream go. */
  cancel(): Promise<void>
}

/** `sizeBytes`: of all of them, where that is known. */
export const chunkReader = (stream: ReadableStream<Uint8Array>, sizeBytes: number | null = null, oneBuffer = true): ChunkReader => {
  const filling = oneBuffer ? fillingReader(stream, Math.min(sizeBytes || BUFFER_BYTES, BUFFER_BYTES)) : null
  const reader = filling ?? stream.getReader()
  return { chunks: each(reader), cancel: () => reader.cancel().catch(() => undefined) }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

/** Null for a stream of chunks that it makes itself, which cannot be asked beforehand. */
const fillingReader = (stream: ReadableStream<Uint8Array>, bufferBytes: number): Pick<Reader, 'read' | 'cancel'> | null => {
  try {
    const reader = stream.getReader({ mode: 'byob' })
    let buffer = new ArrayBuffer(bufferBytes)
    const read = async () => {
      const result = await reader.read(new Uint8Array(buffer))
      if (!result.done) buffer = result.value.buffer
      return result
    }
    return { read, cancel: () => reader.cancel() }
  } catch {
    return null
  }
}

async function* each(reader: Pick<Reader, 'read'>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}
