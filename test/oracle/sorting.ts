/** The order of answers: UTF-8 bytes, a wildcard before every id. */

export const compareTexts = (a: string, b: string): number => {
  const [left, right] = [[...a], [...b]]
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    // UTF-8 keeps the order of code points, UTF-16 does not.
    const order = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0)
    if (order !== 0) return order
  }
  return left.length - right.length
}

export const compareIds = (a: string | null, b: string | null): number => {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1)
  return compareTexts(a, b)
}
