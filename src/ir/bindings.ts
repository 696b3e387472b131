/** What is known of a rule's variables while it is specialised: which are equal, which are constants, which types they can have. */
import { known } from '../base/assert.ts'
import { sameValue, type Value } from '../base/value.ts'
import { follow, open, type PositionClass, sameTerm, type Term } from './terms.ts'

/** Candidate types of a variable; null: any. */
export type Types = readonly string[] | null

/** A collection that several hold until one of them changes it: that one takes a copy then. */
class Held<Items> {
  #items: Items
  #isShared = false
  readonly #copyOf: (items: Items) => Items

  constructor(items: Items, copyOf: (items: Items) => Items) {
    this.#items = items
    this.#copyOf = copyOf
  }

  /** To look at now. */
  get items(): Items {
    return this.#items
  }

  /** To keep. */
  share(): Items {
    this.#isShared = true
    return this.#items
  }

  branch(): Held<Items> {
    const other = new Held(this.share(), this.#copyOf)
    other.#isShared = true
    return other
  }

  /** To change. */
  own(): Items {
    if (this.#isShared) {
      this.#items = this.#copyOf(this.#items)
      this.#isShared = false
    }
    return this.#items
  }
}

const heldMap = <Item>(): Held<Map<string, Item>> => new Held(new Map<string, Item>(), (items) => new Map(items))
const heldSet = (): Held<Set<string>> => new Held(new Set(), (items) => new Set(items))

/** What is in it already is no change. */
const add = (held: Held<Set<string>>, item: string): void => {
  if (!held.items.has(item)) held.own().add(item)
}

/** Mutable only until handed on: branches copy it first. */
export class Bindings {
  #links = heldMap<Term>()
  #types = heldMap<Types>()
  #others = heldSet()
  /** Variables whose types come from the rule itself, not only from how it is called. */
  #owned = heldSet()
  /** Variables of an enclosing rule: never linked, only compared. */
  #outer: ReadonlySet<string> = new Set()

  /** Shares everything until one of the two changes. */
  copy(): Bindings {
    const other = new Bindings()
    other.#links = this.#links.branch()
    other.#types = this.#types.branch()
    other.#others = this.#others.branch()
    other.#owned = this.#owned.branch()
    other.#outer = this.#outer
    return other
  }

  links(): ReadonlyMap<string, Term> {
    return this.#links.share()
  }

  allTypes(): ReadonlyMap<string, Types> {
    return this.#types.share()
  }

  owned(): ReadonlySet<string> {
    return this.#owned.share()
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
    return follow(this.#links.items, term)
  }

  /** Candidate types of a term. */
  types(term: Term): Types {
    const found = this.find(term)
    if (found.kind === 'constant') return [found.value.type]
    if (found.kind === 'now') return ['Integer']
    return this.#types.items.get(found.id) ?? null
  }

  /** The one type of a term, or null. */
  type(term: Term): string | null {
    const types = this.types(term)
    return types !== null && types.length === 1 ? known(types[0], 'one type') : null
  }

  isOther(term: Term): boolean {
    const found = this.find(term)
    return found.kind === 'variable' && this.#others.items.has(found.id)
  }

  markOther(id: string): void {
    add(this.#others, id)
  }

  /** As `narrow`, by a condition of the rule itself. */
  restrict(term: Term, types: Types): boolean {
    const found = this.find(term)
    if (found.kind === 'variable') add(this.#owned, found.id)
    return this.narrow(found, types)
  }

  /** Intersects the candidate types; false when none is left. */
  narrow(term: Term, types: Types): boolean {
    if (types === null) return true
    const found = this.find(term)
    const before = this.types(found)
    const after = before === null ? types : before.filter((type) => types.includes(type))
    if (after.length === 0) return false
    if (found.kind === 'variable' && after.length !== before?.length) this.#types.own().set(found.id, after)
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
    if (this.#others.items.has(id)) {
      if (to.kind === 'constant') return 'never'
      if (to.kind === 'variable') add(this.#others, to.id)
    }
    if (to.kind === 'variable' && this.#owned.items.has(id)) add(this.#owned, to.id)
    this.#links.own().set(id, to)
    return 'equal'
  }

  /** How a term specialises the predicate it is passed to. */
  classOf(term: Term): PositionClass {
    const found = this.find(term)
    if (found.kind === 'constant') return { kind: 'constant', value: found.value }
    const type = this.type(found)
    return type === null ? open : { kind: 'typed', type, other: this.isOther(found) }
  }

  /** All that is known of a term: where that is equal, so is what follows from it. */
  about(term: Term): readonly unknown[] {
    const found = this.find(term)
    return found.kind === 'variable' ? [found, this.types(found), this.isOther(found), this.isOuter(found.id)] : [found]
  }

  /** A constant's value, or null. */
  constant(term: Term): Value | null {
    const found = this.find(term)
    return found.kind === 'constant' ? found.value : null
  }
}
