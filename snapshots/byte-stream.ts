/** Chunks as the body of a response: each is asked for when there is room for it. */

/** Whoever reads no further ends the chunks, too. */
export const byteStream = (chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> => {
  const source = chunks[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const next = await source.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      await source.return?.()
    },
  })
}
