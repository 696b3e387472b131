/** Damaged policies of the corpus: compiled or refused with diagnostics inside the text, never an exception. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at } from '../../src/base/assert.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { worlds } from '../support/worlds.ts'

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat({ max: 12 }),
  insert: fc.oneof(
    fc.constantFrom('', ';', '}', '{', '(', ')', '"', ' not ', ' or ', ' if ', ' on ', ' = ', '[', ']', '_', 'actor ', 'test "t" {'),
    fc.string({ maxLength: 4 }),
  ),
})

const apply = (text: string, edits: readonly { at: number; remove: number; insert: string }[]): string =>
  edits.reduce((before, { at: share, remove, insert }) => {
    const start = Math.floor(share * before.length)
    return before.slice(0, start) + insert + before.slice(start + remove)
  }, text)

test('mutated policies of the corpus never throw', async () => {
  const policies = worlds.map((world) => world.policy)
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: policies.length - 1 }), fc.array(edit, { minLength: 1, maxLength: 5 }), async (index, edits) => {
      const text = apply(at(policies, index), edits)
      const { value, diagnostics } = compilePolicy([{ name: 'mutated.polar', text }])
      expect(value === null).toBe(diagnostics.some(({ severity }) => severity === 'error'))
      for (const { span } of diagnostics) expect(span.start >= 0 && span.start <= span.end && span.end <= text.length).toBe(true)
    }),
    { numRuns: 1500 },
  )
})
