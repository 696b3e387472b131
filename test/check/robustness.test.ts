/** Whatever the text, checking answers with diagnostics: it never throws, and always says the same. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { checkPolicy } from '../../src/check/check.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Outcome } from '../../src/polar/diagnostic.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { samples } from './samples.ts'
import { basePolicy, checkTexts, ruleText } from './support.ts'

const texts = [basePolicy('', 'p(x: Vualt, n: Integer) if not f(x) and n > 3 or x in [];'), ...Object.values(samples)]

/** Checks also what the parser could only repair. */
const checkAny = (text: string): Outcome<CheckedPolicy> => {
  const files = [{ name: 'a.polar', text }]
  return checkPolicy(files, known(parsePolicy(files).value, 'the parser always gives a tree'))
}

test.each(Object.keys(samples))('sample loads: %s', (name) => {
  const { diagnostics } = checkTexts(known(samples[name], name))
  expect(diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([])
})

describe('mutated policies', () => {
  const words = [...new Set(texts.flatMap((text) => text.match(/"[^"]*"|\w+|[^\s\w]/g) ?? []))]
  const mutation = fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: fc.array(fc.constantFrom(...words), { maxLength: 2 }) })
  test('are answered, with an error or a value, and the same way twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), fc.array(mutation, { minLength: 1, maxLength: 6 }), async (text, mutations) => {
        const tokens = text.match(/"[^"]*"|\w+|[^\s\w]|\s+/g) ?? []
        for (const { at, remove, insert } of mutations) tokens.splice(at % (tokens.length + 1), remove, ...insert, ' ')
        const mutated = tokens.join('')
        const outcome = checkAny(mutated)
        expect(outcome.value === null).toBe(outcome.diagnostics.some(({ severity }) => severity === 'error'))
        expect(checkAny(mutated)).toEqual(outcome)
        for (const { span, labels } of outcome.diagnostics) {
          for (const place of [span, ...labels.map((label) => label.span)]) {
            expect(place.file).toBe(0)
            expect(place.start >= 0 && place.start <= place.end && place.end <= mutated.length).toBe(true)
          }
        }
      }),
      { numRuns: 600 },
    )
  })
})

test('order of items changes no rule, signature or verdict (polar 20)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...texts), fc.infiniteStream(fc.nat()), async (text, random) => {
      const files = [{ name: 'a.polar', text }]
      const { items } = known(parsePolicy(files).value, 'tree')
      const shuffled = items.map((item) => ({ item, rank: random.next().value })).toSorted((a, b) => a.rank - b.rank)
      const summary = ({ value, diagnostics }: Outcome<CheckedPolicy>) => ({
        rules: value?.rules.map(ruleText).toSorted(),
        signatures: value?.signatures.map((signature) => JSON.stringify(signature)).toSorted(),
        types: value === null ? [] : [...value.concreteTypes].map(([name, types]) => `${name}: ${types.join()}`).toSorted(),
        metadata: value?.metadata,
        codes: diagnostics
          .filter(({ code }) => code !== 'undeclared-type')
          .map(({ code }) => code)
          .toSorted(),
      })
      expect(summary(checkPolicy(files, { items: shuffled.map(({ item }) => item) }))).toEqual(summary(checkPolicy(files, { items })))
    }),
    { numRuns: 60 },
  )
})
