/** Objects over HTTP: versions as entity tags, chunks as bodies. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteStream } from '../../snapshots/byte-stream.ts'
import { tagOf, versionOf } from '../../snapshots/entity-tag.ts'

test('a version comes back from its tag, whatever it holds and whether a proxy made it weak', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (version) => {
      const tag = tagOf(version)
      expect(tag).toMatch(/^"[\x21\x23-\x7e]*"$/)
      expect(versionOf(tag)).toBe(version)
      expect(versionOf(`W/${tag}`)).toBe(version)
    }),
  )
})

test.each([null, undefined, '', '*', 'abc', '"a", "b"', '"a b"', '"%"', '"%ff"', 'w/"a"'])('%j is no tag of ours', (tag) => {
  expect(versionOf(tag)).toBeUndefined()
})

test('a body asks for the next chunk when there is room, and whoever reads no further ends the chunks', async () => {
  const seen: string[] = []
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (const byte of [1, 2, 3]) {
        seen.push(`made ${byte}`)
        yield new Uint8Array([byte])
      }
    } finally {
      seen.push('ended')
    }
  }
  expect(new Uint8Array(await new Response(byteStream(chunks())).arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]))
  expect(seen.splice(0)).toEqual(['made 1', 'made 2', 'made 3', 'ended'])

  const reader = byteStream(chunks()).getReader()
  expect((await reader.read()).value).toEqual(new Uint8Array([1]))
  await reader.cancel()
  expect(seen.at(-1)).toBe('ended')
  expect(seen).not.toContain('made 3')
})
