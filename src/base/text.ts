/** Order and size of text as UTF-8, without encoding it. */

/** Whether a text has a surrogate without its partner: no UTF-8 exists for it, so it can be no id. */
export const hasLoneSurrogate = (text: string): boolean => !text.isWellFormed()

/** Bytes of a text in UTF-8; a lone surrogate counts as U+FFFD, which encoders put in its place. */
export const utf8Length = (text: string): number => {
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (isHigh(unit) && isLow(text.charCodeAt(index + 1))) {
      bytes += 4
      index++
    } else bytes += 3
  }
  return bytes
}

/** Negative, zero or positive as `a` sorts before, with or after `b` by UTF-8 bytes, which is also the order of code points and of SQLite's BINARY collation.
 * Both are free of lone surrogates. */
export const compareBytewise = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000

// UTF-16 puts surrogates (code points from U+10000) below U+E000 … U+FFFF; UTF-8 puts them above.
const rank = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit)

/** Sorts in place by UTF-8 bytes. Below U+D800 code units sort as bytes do, which the engine's own sort compares twice as fast. */
export const sortBytewise = (texts: string[]): string[] => {
  const plain = !texts.some((text) => SURROGATE_OR_ABOVE.test(text))
  return plain ? texts.sort() : texts.sort(compareBytewise)
}

const SURROGATE_OR_ABOVE = /[\uD800-\uFFFF]/
