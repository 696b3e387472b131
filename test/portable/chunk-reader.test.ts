/** What a stream holds arrives whole, in few parts, and whoever wants to keep parts has them to itself. */
import { expect, test } from 'vitest'
import { chunkReader } from '../../snapshots/chunk-reader.ts'

const KIB = 1024
const bytes = Uint8Array.from({ length: 1000 * KIB }, (_, index) => (index * 31) >>> 3)

const bodyOf = (content: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> => {
  const { body } = new Response(content)
  if (body === null) throw new Error('it has a body')
  return body
}

const copies = async (chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> => {
  const found: Uint8Array[] = []
  for await (const chunk of chunks) found.push(chunk.slice())
  return found
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))

test('a large body comes in parts of 64 KiB at most, not in many small ones', async () => {
  for (const sizeBytes of [null, bytes.length]) {
    const parts = await copies(chunkReader(bodyOf(bytes), sizeBytes).chunks)
    expect(joined(parts)).toEqual(bytes)
    expect(Math.max(...parts.map((part) => part.length))).toBe(64 * KIB)
    expect(parts.length).toBeLessThan(40)
  }
})

test('small ones and empty ones', async () => {
  expect(joined(await copies(chunkReader(bodyOf(bytes.slice(0, 3)), 3).chunks))).toEqual(bytes.slice(0, 3))
  expect(await copies(chunkReader(bodyOf(new Uint8Array(0)), 0).chunks)).toEqual([])
})

test('a stream that makes its own chunks, and a reader that keeps them', async () => {
  const made = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let from = 0; from < 10; from++) controller.enqueue(bytes.slice(from, from + 1))
        controller.close()
      },
    })
  expect(joined(await copies(chunkReader(made()).chunks))).toEqual(bytes.slice(0, 10))
  const kept: Uint8Array[] = []
  for await (const chunk of chunkReader(bodyOf(bytes), null, false).chunks) kept.push(chunk)
  expect(joined(kept)).toEqual(bytes)
})

test('whoever reads no further lets the stream go', async () => {
  const reader = chunkReader(bodyOf(bytes))
  expect((await reader.chunks.next()).done).toBe(false)
  await reader.cancel()
  expect((await reader.chunks.next()).done).toBe(true)
})
