/** How user text appears in messages: one line, in back-ticks, nothing a terminal would obey. */

/** The longest piece of user text in a message, in code points. */
const LONGEST = 60

/** User text in back-ticks, shortened and made visible. */
export const quote = (text: string): string => {
  // Two units per code point at most, so this slice keeps the work small for a token of megabytes.
  const points = Array.from(text.slice(0, 2 * LONGEST + 2))
  const short = points.length > LONGEST ? `${points.slice(0, LONGEST - 1).join('')}…` : points.join('')
  return `\`${visible(short)}\``
}

/** Text with control and direction characters written as `\u{…}`. */
export const visible = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

// C0, DEL, C1, soft hyphen, line and paragraph separators, marks that reorder or hide text, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]|\p{Cs}/gu
