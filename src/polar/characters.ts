/** Classes of characters by UTF-16 code; the code past the end of a text is NaN and belongs to no class. */

export const isWhitespace = (code: number): boolean =>
  code === 0x20 || (code >= 0x09 && code <= 0x0d) || (code >= 0x80 && isWideWhitespace(code))

export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** `_` or any character that is not ASCII punctuation, an ASCII digit or whitespace (polar.md 3). */
export const isSymbolStart = (code: number): boolean =>
  isLetter(code) || code === 0x5f || (code >= 0x80 ? !isWideWhitespace(code) : isControl(code))

export const isSymbolPart = (code: number): boolean => isSymbolStart(code) || isDigit(code)

const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)

const isControl = (code: number): boolean => code === 0x7f || (code < 0x20 && !(code >= 0x09 && code <= 0x0d))

/** Unicode White_Space beyond ASCII, and U+FEFF: files glued together leave one in the middle, and as part of a name nobody would see it. */
const isWideWhitespace = (code: number): boolean =>
  code === 0x85 ||
  code === 0xa0 ||
  code === 0x1680 ||
  (code >= 0x2000 && code <= 0x200a) ||
  code === 0x2028 ||
  code === 0x2029 ||
  code === 0x202f ||
  code === 0x205f ||
  code === 0x3000 ||
  code === 0xfeff
