/** Bugs of ours: a broken assumption stops the work at hand and is answered 500, never a wrong decision. */

export class Bug extends Error {
  override readonly name = 'Bug'
}

export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Bug(why)
}

/** Ends an exhaustive `switch`. */
export const unreachable = (value: never): never => {
  throw new Bug(`unreachable: ${JSON.stringify(value)}`)
}

/** Element `index` of an array that is known to be that long. */
export const at = <T>(items: ArrayLike<T>, index: number): T => {
  const item = items[index]
  assert(item !== undefined, `index ${index} of ${items.length}`)
  return item
}

/** A value that is known to be there. */
export const known = <T>(value: T | null | undefined, why: string): T => {
  assert(value !== null && value !== undefined, why)
  return value
}
