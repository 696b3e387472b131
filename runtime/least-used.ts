/** Which databases go when memory is short: the least recently used ones, and never the one that was used last. */

export interface InMemory {
  readonly id: string
  /** The larger, the more recently. */
  readonly usedAt: number
  readonly bytes: number
  /** Whether it may go now. */
  readonly canGo: boolean
}

/** Ids of those without which the others fit, as far as that can be had. */
export const leastUsed = (all: readonly InMemory[], maxBytes: number): readonly string[] => {
  const oldestFirst = all.toSorted((a, b) => a.usedAt - b.usedAt)
  const going: string[] = []
  let bytes = all.reduce((sum, one) => sum + one.bytes, 0)
  for (const one of oldestFirst.slice(0, -1)) {
    if (bytes <= maxBytes) break
    if (!one.canGo) continue
    going.push(one.id)
    bytes -= one.bytes
  }
  return going
}
