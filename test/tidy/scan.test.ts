/** The scanner tells code from comments and text. */
import { expect, test } from 'vitest'
import { scan } from './scan.ts'

const cases: readonly (readonly [source: string, code: string])[] = [
  ["a 'b' c", 'a  c'],
  ["a 'b\\'c' d", 'a  d'],
  ['a // b\nc', 'a \nc'],
  ['a /* b\n */ c', 'a  c'],
  ['a `b` c', 'a  c'],
  ['a `b ${c + `d ${e} f`} g` h', 'a c + e h'],
  ['a `b ${ {c: 1} } d` e', 'a  {c: 1}  e'],
  ["a / 'b' / c", 'a /  / c'],
  ['a = /[/"]b/g; c', 'a = ; c'],
  ["f(/'/, 'b') / 2", 'f(, ) / 2'],
  ["return /'/.test(a)", 'return .test(a)'],
  ["a = 'http://b' // c", 'a =  '],
  ['a `\\`` b', 'a  b'],
]

test.each(cases)('the code of %j is %j', (source, code) => {
  const pieces = scan(source)
  expect(pieces.map(({ text }) => text).join('')).toBe(source)
  expect(
    pieces
      .filter(({ kind }) => kind === 'code')
      .map(({ text }) => text)
      .join(''),
  ).toBe(code)
})

test('pieces know their line', () => {
  expect(scan("a\n'b'\n/* c\n*/ d").map(({ kind, line }) => [kind, line])).toEqual([
    ['code', 1],
    ['literal', 2],
    ['code', 2],
    ['comment', 3],
    ['code', 4],
  ])
})
