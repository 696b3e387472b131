/** "Did you mean": the known name nearest to a slip (polar.md 17). */

/** Largest distance of a suggestion. */
const FARTHEST = 2

/** The known name within edit distance 2 of `name`, the nearest and then the first in code unit order; null when none is. Linear in the length of each known name. */
export const suggest = (name: string, known: Iterable<string>): string | null => {
  const points = [...name]
  let best: string | null = null
  let bestDistance = FARTHEST + 1
  for (const candidate of known) {
    if (candidate === name || Math.abs(candidate.length - name.length) > 2 * FARTHEST) continue
    const distance = cappedDistance(points, [...candidate])
    // A name that shares nothing with the slip is no suggestion, however short both are.
    if (distance > FARTHEST || distance >= Math.max(points.length, [...candidate].length)) continue
    if (distance < bestDistance || (distance === bestDistance && best !== null && candidate < best)) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance, or a number above `FARTHEST` when it is farther: only the cells within `FARTHEST` of the diagonal count. */
const cappedDistance = (a: readonly string[], b: readonly string[]): number => {
  const far = FARTHEST + 1
  if (Math.abs(a.length - b.length) > FARTHEST) return far
  // Cell `k` of row `i` is the distance of the first `i` points of `a` and the first `i + k - FARTHEST` points of `b`.
  const columns = Array.from({ length: 2 * FARTHEST + 1 }, (_, k) => k)
  let row = columns.map((k) => (k < FARTHEST ? far : k - FARTHEST))
  for (let i = 1; i <= a.length; i += 1) {
    const next: number[] = []
    for (const k of columns) {
      const j = i + k - FARTHEST
      const replaced = (row[k] ?? far) + (j > 0 && a[i - 1] === b[j - 1] ? 0 : 1)
      const removed = (row[k + 1] ?? far) + 1
      const added = (next[k - 1] ?? far) + 1
      next.push(j < 0 || j > b.length ? far : j === 0 ? i : Math.min(replaced, removed, added, far))
    }
    if (Math.min(...next) > FARTHEST) return far
    row = next
  }
  return row[b.length - a.length + FARTHEST] ?? far
}
