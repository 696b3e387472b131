/** Sets of type names: what a variable or a position can be. */

/** Sorted and shared, never changed; null is every type, also those no policy names. */
export type TypeSet = readonly string[] | null

export const intersect = (a: TypeSet, b: TypeSet): TypeSet => {
  if (a === null || a === b) return b
  if (b === null) return a
  const [small, large] = a.length <= b.length ? [a, b] : [b, a]
  return small.length < LARGE ? common(small, large) : remember(intersections, small, large, common)
}

type Names = readonly string[]
type Results = WeakMap<Names, WeakMap<Names, Names>>

/** Sets from this size on are few, as they are shared, and dear to combine: `Actor` and `Resource` of a large policy meet in every rule. */
const LARGE = 32
const intersections: Results = new WeakMap()
const unions: Results = new WeakMap()

const remember = (results: Results, small: Names, large: Names, combine: (small: Names, large: Names) => Names): Names => {
  const known = results.get(small) ?? new WeakMap<Names, Names>()
  results.set(small, known)
  const result = known.get(large) ?? combine(small, large)
  known.set(large, result)
  return result
}

const common = (small: Names, large: Names): Names => {
  const both = small.filter((name) => hasType(large, name))
  return both.length === small.length ? small : both
}

export const union = (a: TypeSet, b: TypeSet): TypeSet => {
  if (a === null || b === null) return null
  if (a === b || b.length === 0) return a
  if (a.length === 0) return b
  const [small, large] = a.length <= b.length ? [a, b] : [b, a]
  return small.length < LARGE ? merged(small, large) : remember(unions, small, large, merged)
}

const merged = (small: Names, large: Names): Names => {
  const extra = small.filter((name) => !hasType(large, name))
  return extra.length === 0 ? large : [...large, ...extra].toSorted(compareNames)
}

export const overlap = (a: TypeSet, b: TypeSet): boolean => {
  if (a === null) return b === null || b.length > 0
  if (b === null) return a.length > 0
  if (a === b) return a.length > 0
  const [small, large] = a.length <= b.length ? [a, b] : [b, a]
  if (small.length >= LARGE) return intersect(small, large)?.length !== 0
  return small.some((name) => hasType(large, name))
}

export const sameSet = (a: TypeSet, b: TypeSet): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((name, index) => name === b[index]))

export const hasType = (set: TypeSet, name: string): boolean => {
  if (set === null) return true
  let low = 0
  let high = set.length
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareNames(set[middle] ?? '', name)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle
  }
  return false
}

export const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
