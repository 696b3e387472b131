/** What is known of a rule's variables while it is specialised: which are equal, which are constants, which types they can have. */
import { known } from '../base/assert.ts'
import { sameValue, type Value } from '../base/value.ts'
import { open, type PositionClass, sameTerm, type Term } from './terms.ts'

/** Candidate types of a variable; null: any. */
export type Types = readonly string[] | null

/** Mutable only until handed on: branches copy it first. */
export class Bindings {
  #links: ReadonlyMap<string, Term> = new Map()
  #types: ReadonlyMap<string, Types> = new Map()
  #others: ReadonlySet<string> = new Set()
  /** Variables whose types come from the rule itself, not only from how it is called. */
  #owned: ReadonlySet<string> = new Set()
  /** Variables of an enclosing rule: never linked, only compared. */
  #outer: ReadonlySet<string> = new Set()

  /** Shares everything until one of the two changes: what changes is made anew, never mutated. */
  copy(): Bindings {
    const other = new Bindings()
    other.#links = this.#links
    other.#types = this.#types
    other.#others = this.#others
    other.#owned = this.#owned
    other.#outer = this.#outer
    return other
  }

  links(): ReadonlyMap<string, Term> {
    return this.#links
  }

  allTypes(): ReadonlyMap<string, Types> {
    return this.#types
  }

  owned(): ReadonlySet<string> {
    return this.#owned
  }

  /** The bindings a negation starts from: the given variables are fixed from outside. */
  inside(variables: Iterable<string>): Bindings {
    const inner = this.copy()
    inner.#outer = new Set([...this.#outer, ...variables])
    return inner
  }

  isOuter(id: string): boolean {
    return this.#outer.has(id)
  }

  find(term: Term): Term {
    let found = term
    while (found.kind === 'variable') {
      const next = this.#links.get(found.id)
      if (next === undefined) break
      found = next
    }
    return found
  }

  /** Candidate types of a term. */
  types(term: Term): Types {
    const found = this.find(term)
    if (found.kind === 'constant') return [found.value.type]
    if (found.kind === 'now') return ['Integer']
    return this.#types.get(found.id) ?? null
  }

  /** The one type of a term, or null. */
  type(term: Term): string | null {
    const types = this.types(term)
    return types !== null && types.length === 1 ? known(types[0], 'one type') : null
  }

  isOther(term: Term): boolean {
    const found = this.find(term)
    return found.kind === 'variable' && this.#others.has(found.id)
  }

  markOther(id: string): void {
    this.#others = withItem(this.#others, id)
  }

  /** As `narrow`, by a condition of the rule itself. */
  restrict(term: Term, types: Types): boolean {
    const found = this.find(term)
    if (found.kind === 'variable') this.#owned = withItem(this.#owned, found.id)
    return this.narrow(found, types)
  }

  /** Intersects the candidate types; false when none is left. */
  narrow(term: Term, types: Types): boolean {
    if (types === null) return true
    const found = this.find(term)
    const before = this.types(found)
    const after = before === null ? types : before.filter((type) => types.includes(type))
    if (after.length === 0) return false
    if (found.kind === 'variable' && after.length !== before?.length) this.#types = new Map(this.#types).set(found.id, after)
    return true
  }

  /** Makes two terms equal. `compare`: both are fixed from outside, so equality remains to be tested. */
  unify(left: Term, right: Term): 'equal' | 'never' | 'compare' {
    const a = this.find(left)
    const b = this.find(right)
    if (sameTerm(a, b)) return 'equal'
    if (!this.narrow(a, this.types(b)) || !this.narrow(b, this.types(a))) return 'never'
    if (a.kind === 'variable' && !this.#outer.has(a.id)) return this.#link(a.id, b)
    if (b.kind === 'variable' && !this.#outer.has(b.id)) return this.#link(b.id, a)
    if (a.kind === 'constant' && b.kind === 'constant') return sameValue(a.value, b.value) ? 'equal' : 'never'
    if ((a.kind === 'constant' && this.isOther(b)) || (b.kind === 'constant' && this.isOther(a))) return 'never'
    return 'compare'
  }

  #link(id: string, to: Term): 'equal' | 'never' {
    if (this.#others.has(id)) {
      if (to.kind === 'constant') return 'never'
      if (to.kind === 'variable') this.#others = withItem(this.#others, to.id)
    }
    if (to.kind === 'variable' && this.#owned.has(id)) this.#owned = withItem(this.#owned, to.id)
    this.#links = new Map(this.#links).set(id, to)
    return 'equal'
  }

  /** How a term specialises the predicate it is passed to. */
  classOf(term: Term): PositionClass {
    const found = this.find(term)
    if (found.kind === 'constant') return { kind: 'constant', value: found.value }
    const type = this.type(found)
    return type === null ? open : { kind: 'typed', type, other: this.isOther(found) }
  }

  /** A constant's value, or null. */
  constant(term: Term): Value | null {
    const found = this.find(term)
    return found.kind === 'constant' ? found.value : null
  }
}

const withItem = (items: ReadonlySet<string>, item: string): ReadonlySet<string> => (items.has(item) ? items : new Set([...items, item]))
