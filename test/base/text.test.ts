/** Text helpers against the encoder. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytewise, hasLoneSurrogate, sortBytewise, utf8Length } from '../../src/base/text.ts'

const encode = (text: string): Buffer => Buffer.from(new TextEncoder().encode(text))

// Units around every border of UTF-8 and UTF-16, so that pairs of texts often differ right there.
const border = fc.constantFrom(
  '\0',
  'a',
  '\x7f',
  '\x80',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\ufeff',
  '\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{10ffff}',
)
const wellFormed = fc.oneof(fc.string({ unit: border, maxLength: 6 }), fc.string({ unit: 'binary' }))
const unit = fc.integer({ min: 0xd700, max: 0xe0ff }).map((code) => String.fromCharCode(code))
const anything = fc.oneof(wellFormed, fc.string({ unit, maxLength: 8 }))

describe('compareBytewise', () => {
  test('agrees with the bytes of the encoder', async () => {
    await fc.assert(
      fc.asyncProperty(wellFormed, wellFormed, async (a, b) => {
        expect(Math.sign(compareBytewise(a, b))).toBe(Buffer.compare(encode(a), encode(b)))
      }),
      { numRuns: 2000 },
    )
  })

  test('puts code points from U+10000 after U+FFFF, unlike `<`', () => {
    expect(['\uffff', '\u{10000}'].toSorted()).toEqual(['\u{10000}', '\uffff'])
    expect(compareBytewise('\u{10000}', '\uffff')).toBeGreaterThan(0)
    expect(compareBytewise('\uffff', '\u{10000}')).toBeLessThan(0)
  })

  test('a prefix sorts first and equal texts are equal', () => {
    expect(compareBytewise('ab', 'abc')).toBeLessThan(0)
    expect(compareBytewise('', '')).toBe(0)
    expect(compareBytewise('x\u{1f600}', 'x\u{1f600}')).toBe(0)
  })
})

test('utf8Length agrees with the encoder, lone surrogates included', async () => {
  await fc.assert(
    fc.asyncProperty(anything, async (text) => {
      expect(utf8Length(text)).toBe(encode(text).length)
    }),
    { numRuns: 2000 },
  )
})

test('hasLoneSurrogate is true exactly when encoding changes the text', async () => {
  await fc.assert(
    fc.asyncProperty(anything, async (text) => {
      const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(encode(text))
      expect(hasLoneSurrogate(text)).toBe(decoded !== text)
    }),
    { numRuns: 2000 },
  )
  expect(hasLoneSurrogate('\ud800')).toBe(true)
  expect(hasLoneSurrogate('\ude00\ud83d')).toBe(true)
  expect(hasLoneSurrogate('\u{1f600}')).toBe(false)
})

test('sortBytewise sorts as the encoded texts sort', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.string({ unit: 'binary' }))), async (texts) => {
      const expected = texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(sortBytewise(texts.slice())).toEqual(expected)
    }),
    { numRuns: 1000 },
  )
  expect(sortBytewise(['\u{10000}', '\uffff', 'a'])).toEqual(['a', '\uffff', '\u{10000}'])
})
