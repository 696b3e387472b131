/** Whatever the input, the parser returns: with places inside the file, and with a diagnostic for everything it left out. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSource } from '../../src/polar/files.ts'
import { lex } from '../../src/polar/lex.ts'
import { shortMessage } from '../../src/polar/locate.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { printPolicy } from '../../src/polar/print.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import type { Span } from '../../src/polar/source.ts'
import { samples } from './samples.ts'

const pieces: readonly string[] = [
  ...'( ) [ ] { } , ; : = != < <= > >= == := ?= . + - * / // % | || && ! @ # \\ ~ $'.split(' '),
  ...'if and or not in matches matches! true false actor resource global extends on declare test fixture'.split(' '),
  ...'setup assert assert_not iff roles permissions relations type new isa cut print forall debug mod rem'.split(' '),
  ...`@current_unix_time @flag x y _ T "a" " "b 'c' ' 1 -1 1.5 99999999999999999999 A{"1"} p(x) 😀`.split(' '),
  'actor A {',
  'resource B {',
  'test "t" {',
  'setup {',
  'roles = ["a"];',
  '"a" if "b";',
  'x in [',
  'not (',
  '\n',
  '\ud800',
  '\uFEFF',
  '\0',
]

/** Every span of a tree. */
const spansOf = (node: unknown): Span[] => {
  if (Array.isArray(node)) return node.flatMap(spansOf)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) => (key === 'span' ? [value as Span] : spansOf(value)))
}

/** Words, strings and numbers in their order; brackets, commas and semicolons may be written in several ways. */
const words = (text: string): string[] =>
  lex(text, 0)
    .tokens.filter((token) => !(token.kind === 'punctuation' && '()[]{},;'.includes(token.text)))
    .map((token) => `${token.kind} ${token.text}`)

/** How many of each bracket. */
const brackets = (text: string): number[] => {
  const marks = lex(text, 0).tokens.filter(({ kind }) => kind === 'punctuation')
  return ['(', ')', '[', ']', '{', '}'].map((bracket) => marks.filter((mark) => mark.text === bracket).length)
}

const checkText = (text: string): void => {
  const files = [{ name: 'policy.polar', text }]
  const { value, diagnostics } = parsePolicy(files)
  const inside = ({ file, start, end }: Span): boolean => file === 0 && start >= 0 && start <= end && end <= text.length
  expect([...spansOf(value), ...spansOf(diagnostics)].filter((span) => !inside(span))).toEqual([])
  const starts = diagnostics.map(({ span }) => span.start)
  expect(starts).toEqual(starts.toSorted((a, b) => a - b))
  for (const diagnostic of diagnostics.slice(0, 5)) {
    expect(diagnostic.message).toMatch(/^(\p{Ll}|`)[^\n\r\0]*[^.]$/u)
    expect(renderDiagnostic(files, diagnostic).split('\n').length).toBeLessThan(12)
    expect(shortMessage(files, diagnostic, true)).toMatch(/^policy\.polar:\d+:\d+: /)
  }
  if (value === null || diagnostics.length > 0) return
  // Nothing is left out silently: only an empty `setup {}` leaves no trace in the tree.
  expect(words(printPolicy(value)).filter(notSetup)).toEqual(words(text).filter(notSetup))
  const [round, roundEnd, square, squareEnd, curly, curlyEnd] = brackets(text)
  expect([roundEnd, squareEnd, curlyEnd]).toEqual([round, square, curly])
}

const notSetup = (word: string): boolean => word !== 'symbol setup'

test('random bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const { value, diagnostics } = decodeSource(bytes)
      expect(value === null).toBe(diagnostics.length > 0)
      const lossy = new TextDecoder().decode(bytes)
      for (const { span } of diagnostics) expect(lossy.slice(span.start, span.end)).toBe('\uFFFD')
      checkText(lossy)
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
