/** Whatever the input, the parser returns: with places inside the file, and with a diagnostic for everything it left out. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteFaults, textFaults } from './parser-faults.ts'
import { inputFaults, pieces } from './random-input.ts'
import { samples } from './samples.ts'

const checkText = (text: string): void => expect(textFaults(text)).toEqual([])

test('random bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(byteFaults(bytes)).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

test('random characters', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 100 }), async (text) => {
      checkText(text)
    }),
    { numRuns: 1000 },
  )
})

test('random tokens', async () => {
  const text = fc
    .array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom(' ', ' ', ' ', '', '\n')))
    .map((parts) => parts.flat().join(''))
  await fc.assert(
    fc.asyncProperty(text, async (sample) => {
      checkText(sample)
    }),
    { numRuns: 5000 },
  )
})

test('mutated samples', async () => {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(8),
    insert: fc.oneof(fc.constant(''), fc.constantFrom(...pieces)),
  })
  const mutate = (text: string, changes: readonly { at: number; remove: number; insert: string }[]): string =>
    changes.reduce((changed, { at, remove, insert }) => {
      const position = Math.floor(at * changed.length)
      return changed.slice(0, position) + insert + changed.slice(position + remove)
    }, text)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 4 }), async (text, changes) => {
      checkText(mutate(text, changes))
    }),
    { numRuns: 3000 },
  )
})

test('samples cut off anywhere', () => {
  for (const text of samples) for (let end = 0; end <= text.length; end += 1) checkText(text.slice(0, end))
})

test('seeded inputs of every kind: `npm run fuzz -- --parser 1000000` goes on from here', () => {
  const failures = Array.from({ length: 20_000 }, (_, seed) => inputFaults(seed, samples).map((fault) => `seed ${seed}: ${fault}`))
  expect(failures.flat()).toEqual([])
})
