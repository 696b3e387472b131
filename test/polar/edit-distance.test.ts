/** "Did you mean". */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { suggest } from '../../src/polar/edit-distance.ts'

const cases: readonly (readonly [name: string, known: readonly string[], suggestion: string | null])[] = [
  ['oprator', ['keeper', 'operator'], 'operator'],
  ['sael', ['seal', 'sea', 'sell'], 'sea'],
  ['stff', ['staff'], 'staff'],
  ['Vualt', ['Vault'], 'Vault'],
  ['vault', ['Vault'], 'Vault'],
  ['holdr', ['holders', 'holder'], 'holder'],
  ['abc', ['abc'], null],
  ['abc', ['xyz', 'abcdef', ''], null],
  ['ab', ['cd', 'xab', 'abx'], 'abx'],
  ['a', ['b', ''], null],
  ['', ['a', 'ab'], null],
  ['😀a', ['😁a'], '😁a'],
]

test.each(cases)('%s of %j is %s', (name, known, suggestion) => {
  expect(suggest(name, known)).toBe(suggestion)
  expect(suggest(name, known.toReversed())).toBe(suggestion)
})

/** The textbook table. */
const distance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const above = rows[i - 1] ?? []
      row.push(Math.min((above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1), (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    rows.push(row)
  }
  return rows.at(-1)?.at(-1) ?? 0
}

test('agrees with the textbook', async () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 })
  await fc.assert(
    fc.asyncProperty(word, word, async (name, known) => {
      const far = distance(name, known)
      expect(suggest(name, [known]) !== null).toBe(far > 0 && far <= 2 && far < Math.max(name.length, known.length))
    }),
    { numRuns: 2000 },
  )
})
