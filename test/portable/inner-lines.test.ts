/** Lines of a stream survive whatever way their bytes are cut. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lines } from '../../snapshots/inner-lines.ts'
import { limits } from '../../src/base/limits.ts'
import { InnerShapeError } from '../../src/wire/inner.ts'

const encoder = new TextEncoder()

test('however the bytes are cut, the lines are the same', async () => {
  const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n') && text.isWellFormed())
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 20 }),
      fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 50 }),
      async (lines, sizes) => {
        const bytes = encoder.encode(lines.map((text) => `${text}\n`).join(''))
        const cut = new Lines()
        const found: string[] = []
        for (let start = 0, turn = 0; start < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 0
          // A chunk may be empty, but not for ever.
          const end = turn > 1000 ? bytes.length : start + size
          found.push(...cut.take(bytes.subarray(start, end)))
          start = end
        }
        expect(found).toEqual(lines)
      },
    ),
  )
})

test('a line without end is refused', () => {
  const chunk = encoder.encode('x'.repeat(8 * 1024 * 1024))
  const lines = new Lines()
  const take = (): void => {
    for (let sizeBytes = 0; sizeBytes <= 7 * limits.developmentRecordBytes; sizeBytes += chunk.length) lines.take(chunk)
  }
  expect(take).toThrow(InnerShapeError)
})
