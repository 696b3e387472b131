/** Orders the conditions of one rule, from the bound variables outwards, cheapest first; finds what stays unbound. */
import { at, known, unreachable } from '../base/assert.ts'
import { Memo } from '../base/memo.ts'
import type { Span } from '../polar/source.ts'
import type { FactShape } from './fact-source.ts'
import { type Atom, atomTerms, type CallAtom, type Instance } from './instance.ts'
import { type Mode, type Refusal, type Relation, type Step, type Variant } from './relation.ts'
import { type FactArgument, follow, type PositionClass, type Term, variable, variableIds } from './terms.ts'

/** Where called relations come from. */
export interface RelationSource {
  /** `leftOut`: rules of the predicate that need not be followed. */
  relation(predicate: string, classes: readonly PositionClass[], modes: readonly Mode[], leftOut?: LeftOut): Relation
  /** Whether a predicate has facts only. */
  isStored(predicate: string, length: number): boolean
  /** Counts work; throws when there was too much. */
  spend(amount: number): void
}

type LeftOut = ReadonlySet<Instance>

export interface PlannedBody {
  readonly steps: readonly Step[]
  readonly bound: ReadonlySet<string>
  /** Variables whose type is restricted by the rule or by what it calls. */
  readonly owned: ReadonlySet<string>
  readonly rows: number
  readonly cost: number
  /** Follows equalities found through shared wildcards. */
  find(term: Term): Term
}

export const isRefusal = (item: object): item is Refusal => 'code' in item

type NotAtom = Atom & { readonly kind: 'not' }

interface State {
  readonly steps: Step[]
  readonly bound: Set<string>
  readonly owned: Set<string>
  readonly links: Map<string, Term>
  readonly rest: Atom[]
  rows: number
  cost: number
}

interface Candidate {
  readonly atom: Atom
  readonly rows: number
  readonly cost: number
}

const NO_SPAN: Span = { file: -1, start: 0, end: 0 }

export class BodyPlanner {
  readonly #source: RelationSource
  readonly #predicate: string
  readonly #leftOut: ReadonlyMap<CallAtom, LeftOut>
  readonly #negations = new Memo<NotAtom, Step | Refusal | null>()

  /** `leftOut`: by call of the body, what need not be followed there. */
  constructor(source: RelationSource, predicate: string, leftOut: ReadonlyMap<CallAtom, LeftOut> = new Map()) {
    this.#source = source
    this.#predicate = predicate
    this.#leftOut = leftOut
  }

  /** The body that reads one fact table. */
  factBody(shape: FactShape, args: readonly Term[], bound: Set<string>): PlannedBody {
    const estimate = factEstimate(shape, args, bound)
    const state: State = {
      steps: [{ kind: 'fact', shape, args }],
      bound: new Set([...bound, ...args.flatMap(variableIds)]),
      owned: new Set(),
      links: new Map(),
      rest: [],
      ...estimate,
    }
    return body(state)
  }

  /** Every ordered body: one per combination of output patterns of its calls. */
  plan(atoms: readonly Atom[], bound: ReadonlySet<string>, owned: ReadonlySet<string>): PlannedBody[] | Refusal {
    return this.#advance({ steps: [], bound: new Set(bound), owned: new Set(owned), links: new Map(), rest: [...atoms], rows: 1, cost: 0 })
  }

  #advance(state: State): PlannedBody[] | Refusal {
    this.#source.spend(1)
    const refusal = this.#placeFilters(state)
    if (refusal) return refusal
    const blocked: Refusal[] = []
    const best = this.#cheapest(state, blocked)
    if (best) {
      remove(state.rest, best.atom)
      return best.atom.kind === 'call' ? this.#placeCall(state, best.atom, best) : this.#placeList(state, best.atom)
    }
    const first = blocked[0]
    if (first) return first
    const open = state.rest[0]
    if (open) return this.#unbound(state, open)
    return [body(state)]
  }

  /** Places every filter whose variables are bound by now. A refusal inside a negation is final: nothing more can become bound for it. */
  #placeFilters(state: State): Refusal | null {
    for (const atom of state.rest.slice()) {
      if (atom.kind === 'call' || (atom.kind === 'in' && !isBound(state, atom.term))) continue
      if (!this.#needs(atom, state).every((id) => state.bound.has(id))) continue
      remove(state.rest, atom)
      const step = this.#filterStep(state, atom)
      if (step === null) continue
      if (isRefusal(step)) return step
      state.steps.push(step)
      state.cost += state.rows * (step.kind === 'not' ? 5 : 0.1)
      state.rows *= 0.7
    }
    return null
  }

  /** Variables that must be bound before a filter can run. */
  #needs(atom: Atom, state: State): string[] {
    const terms = atom.kind === 'not' ? atom.outer.map(variable) : atomTerms(atom)
    return terms.flatMap((term) => variableIds(find(state, term)))
  }

  #filterStep(state: State, atom: Exclude<Atom, { kind: 'call' }>): Step | Refusal | null {
    switch (atom.kind) {
      case 'in':
        return { kind: 'in', term: find(state, atom.term), values: atom.values }
      case 'equal':
        return { kind: 'equal', left: find(state, atom.left), right: find(state, atom.right) }
      case 'unequal':
        return atom.apart ? null : { kind: 'unequal', left: find(state, atom.left), right: find(state, atom.right) }
      case 'order':
        return { kind: 'order', operator: atom.operator, left: find(state, atom.left), right: find(state, atom.right) }
      case 'not':
        return this.#notStep(state, atom)
      default:
        return unreachable(atom)
    }
  }

  /** Once per negation and what its variables from outside are. */
  #notStep(state: State, atom: NotAtom): Step | Refusal | null {
    const key = JSON.stringify(atom.outer.map((id) => find(state, variable(id))))
    return this.#negations.of(atom, key, () => this.#negation(state, atom))
  }

  #negation(state: State, atom: NotAtom): Step | Refusal | null {
    const bodies: (readonly Step[])[] = []
    for (const inner of atom.bodies) {
      const found = this.#advance({
        steps: [],
        bound: new Set(state.bound),
        owned: new Set(state.owned),
        links: new Map(state.links),
        rest: [...inner],
        rows: 1,
        cost: 0,
      })
      if (isRefusal(found)) return found
      bodies.push(...found.map((item) => item.steps))
    }
    return bodies.length === 0 ? null : { kind: 'not', bodies }
  }

  #cheapest(state: State, blocked: Refusal[]): Candidate | null {
    const isStored = (atom: Atom): boolean => atom.kind === 'call' && this.#source.isStored(atom.predicate, atom.args.length)
    const stored = this.#cheapestOf(state.rest.filter(isStored), state, blocked)
    // A look-up that finds about one row goes first whatever the rules would cost, which are then not even planned.
    if (stored && stored.rows <= ABOUT_ONE) return stored
    const derived = this.#cheapestOf(
      state.rest.filter((atom) => !isStored(atom)),
      state,
      blocked,
    )
    return stored && (derived === null || rank(stored) <= rank(derived)) ? stored : derived
  }

  #cheapestOf(atoms: readonly Atom[], state: State, blocked: Refusal[]): Candidate | null {
    let best: Candidate | null = null
    for (const atom of atoms) {
      const candidate =
        atom.kind === 'call'
          ? this.#callCandidate(state, atom, blocked)
          : atom.kind === 'in'
            ? { atom, rows: atom.values.length, cost: 1 }
            : null
      if (candidate && (best === null || rank(candidate) < rank(best))) best = candidate
    }
    return best
  }

  #callCandidate(state: State, atom: CallAtom, blocked: Refusal[]): Candidate | null {
    const relation = this.#relationOf(state, atom)
    if (relation.refusal) {
      blocked.push(relation.refusal)
      return null
    }
    return { atom, rows: rowsOf(relation), cost: relation.cost }
  }

  #relationOf(state: State, atom: CallAtom): Relation {
    const modes = atom.classes.map(
      (item, index): Mode => (item.kind === 'constant' ? 'fixed' : isBound(state, at(atom.args, index)) ? 'in' : 'out'),
    )
    return this.#source.relation(atom.predicate, atom.classes, modes, this.#leftOut.get(atom))
  }

  #placeCall(state: State, atom: CallAtom, estimate: Candidate): PlannedBody[] | Refusal {
    const relation = this.#relationOf(state, atom)
    const args = atom.args.map((arg) => find(state, arg))
    const inputs = args.filter((_, index) => relation.modes[index] === 'in')
    const outs = args.filter((_, index) => relation.modes[index] === 'out')
    const found: PlannedBody[] = []
    for (const [pattern, variant] of relation.variants) {
      const next = copy(state)
      const outputs = bindOutputs(next, variant, outs)
      next.steps.push({ kind: 'call', relation, pattern, inputs, outputs })
      next.cost += next.rows * estimate.cost
      next.rows *= estimate.rows
      const rest = this.#advance(next)
      if (isRefusal(rest)) return rest
      found.push(...rest)
    }
    return found
  }

  #placeList(state: State, atom: Atom): PlannedBody[] | Refusal {
    if (atom.kind !== 'in') return this.#unbound(state, atom)
    const term = find(state, atom.term)
    state.steps.push({ kind: 'in', term, values: atom.values })
    if (term.kind === 'variable') state.bound.add(term.id)
    state.rows *= atom.values.length
    return this.#advance(state)
  }

  #unbound(state: State, atom: Atom): Refusal {
    const ids = this.#needs(atom, state).filter((id) => !state.bound.has(id))
    return { code: 'cannot-be-enumerated', variable: known(ids[0] ?? this.#predicate, 'variable'), span: atom.span, rule: NO_SPAN }
  }
}

/** Rows that a recursion derives are guessed badly: a keyed look-up that finds one row goes before it. */
const MIN_RECURSIVE = 2

const rowsOf = (relation: Relation): number =>
  relation.recursive && relation.modes.includes('out') ? Math.max(relation.rows, MIN_RECURSIVE) : relation.rows

const ABOUT_ONE = 1.2

/** Lower goes first: filters by how much they remove for their cost, then what yields the fewest rows. */
const rank = (candidate: Candidate): number => (candidate.rows <= 1 ? (candidate.rows - 1.001) / candidate.cost : candidate.rows)

const bindOutputs = (state: State, variant: Variant, outs: readonly Term[]): Term[] => {
  const outputs: Term[] = []
  const groups = new Map<number, Term>()
  for (const [index, wildcard] of variant.pattern.entries()) {
    const term = find(state, at(outs, index))
    if (wildcard === null) {
      outputs.push(term)
      continue
    }
    if (wildcard.own && term.kind === 'variable') state.owned.add(term.id)
    const other = groups.get(wildcard.group)
    if (other) link(state, term, find(state, other))
    else groups.set(wildcard.group, term)
  }
  for (const id of outputs.flatMap((term) => variableIds(find(state, term)))) state.bound.add(id)
  return outputs.map((term) => find(state, term))
}

const link = (state: State, from: Term, to: Term): void => {
  if (from.kind !== 'variable' || to.kind !== 'variable' || from.id === to.id) return
  state.links.set(from.id, to)
  if (state.owned.has(from.id)) state.owned.add(to.id)
}

const find = (state: State, term: Term): Term => follow(state.links, term)

const isBound = (state: State, term: Term): boolean => {
  const found = find(state, term)
  return found.kind !== 'variable' || state.bound.has(found.id)
}

const copy = (state: State): State => ({
  ...state,
  steps: [...state.steps],
  bound: new Set(state.bound),
  owned: new Set(state.owned),
  links: new Map(state.links),
  rest: [...state.rest],
})

const body = (state: State): PlannedBody => ({
  steps: state.steps,
  bound: state.bound,
  owned: state.owned,
  rows: state.rows,
  cost: state.cost,
  find: (term) => find(state, term),
})

const remove = (atoms: Atom[], atom: Atom): void => {
  atoms.splice(atoms.indexOf(atom), 1)
}

/** A question usually asks for something that is there, so a look-up is never taken to find much less than one row. */
const MIN_MATCHES = 0.2
/** Share of checks of one fact that find it. */
const CHECK_MATCHES = 0.5

/** Rows that match and the work to reach them, by the best searchable order.
 * Columns are taken as independent, which holds for the names of roles and relations. */
export const factEstimate = (
  shape: FactShape,
  args: readonly FactArgument[],
  bound: ReadonlySet<string>,
): { rows: number; cost: number } => {
  const isKnown = args.map((arg) => arg.kind !== 'variable' || bound.has(arg.id))
  const share = (index: number): number => Math.max(1, at(shape.distinct, index))
  const covered = (index: number): number => (args[index]?.kind === 'variable' ? (shape.coverage?.[index] ?? 1) : 1)
  const rows = Math.max(shape.rows, 1)
  const matching = isKnown.reduce((left, given, index) => (given ? (left / share(index)) * covered(index) : left), rows)
  const reached = reachedRows(shape, isKnown)
  return {
    rows: isKnown.every(Boolean) ? CHECK_MATCHES : Math.max(matching, MIN_MATCHES),
    cost: 1 + Math.max(reached, matching) * 0.2,
  }
}

/** Rows that a search reads when only these columns are used, by the best order; for a value that may not stand there at all. */
export const reachedRows = (shape: FactShape, usable: readonly boolean[]): number => {
  const rows = Math.max(shape.rows, 1)
  let reached = rows
  for (const order of shape.orders) {
    let left = rows
    for (const column of order) {
      if (!usable[column]) break
      left *= (shape.coverage?.[column] ?? 1) / Math.max(1, at(shape.distinct, column))
    }
    reached = Math.min(reached, left)
  }
  return reached
}

/** Estimated rows of some steps, given what is bound before them. */
export const stepsEstimate = (steps: readonly Step[], start: Iterable<Term>): number => {
  const bound = new Set([...start].flatMap(variableIds))
  let rows = 1
  for (const step of steps) {
    if (step.kind === 'fact') {
      rows *= factEstimate(step.shape, step.args, bound).rows
      for (const id of step.args.flatMap(variableIds)) bound.add(id)
    } else if (step.kind === 'call') {
      rows *= step.relation.rows
      for (const id of step.outputs.flatMap(variableIds)) bound.add(id)
    } else if (step.kind === 'in' && step.term.kind === 'variable' && !bound.has(step.term.id)) {
      rows *= step.values.length
      bound.add(step.term.id)
    } else rows *= 0.7
  }
  return rows
}
