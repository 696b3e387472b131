/** Which terms of a disjunct are equal by its `=` conditions, through any chain of them. */
import type { CoreLiteral, CoreTerm } from './core.ts'

export interface Equalities {
  /** One name for all terms that are equal. */
  find(term: CoreTerm): string
}

export const createEqualities = (literals: readonly CoreLiteral[]): Equalities => {
  const parents = new Map<string, string>()
  const root = (start: string): string => {
    let key = start
    for (let parent = parents.get(key); parent !== undefined; parent = parents.get(key)) {
      const above = parents.get(parent)
      // Halves the path, so that long chains stay cheap.
      if (above !== undefined) parents.set(key, above)
      key = parent
    }
    return key
  }
  for (const literal of literals) {
    if (literal.kind !== 'equal') continue
    const left = root(keyOf(literal.left))
    const right = root(keyOf(literal.right))
    if (left !== right) parents.set(right, left)
  }
  return { find: (term) => root(keyOf(term)) }
}

const keyOf = (term: CoreTerm): string =>
  term.kind === 'variable' ? `v${term.name}` : term.kind === 'now' ? 'n' : `c${JSON.stringify([term.value.type, term.value.id])}`
