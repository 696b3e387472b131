/** Answers goals from facts and rules, one table of answers per goal, and remembers why each answer holds. */
import { known } from '../base/assert.ts'
import type { Fact, Value } from '../base/value.ts'
import type { Atom, CallAtom, Instance } from '../ir/instance.ts'
import { nodeKey, type PositionClass, variable } from '../ir/terms.ts'
import { type Body, type BodyRules, solveBody } from './explain-body.ts'
import { type ExplainBudget, ExplainLimit } from './explain-budget.ts'
import { type ExplainFacts, type FoundFact, goalKey } from './explain-facts.ts'
import type { ExplainProgram } from './explain-program.ts'
import { groundPattern, isGround, type Pattern, patternKey, State } from './explain-terms.ts'

/** Negations one inside another: bounds the stack. */
const MAX_NEGATIONS = 100

export interface Goal {
  readonly predicate: string
  readonly classes: readonly PositionClass[]
  readonly pattern: Pattern
}

/** Uses only answers that were there before it: so no proof goes in a circle. */
export interface Answer {
  readonly predicate: string
  readonly pattern: Pattern
  readonly support:
    | { readonly kind: 'fact'; readonly found: FoundFact }
    | ({ readonly kind: 'rule'; readonly instance: Instance } & Solution)
}

/** A condition that holds. */
export type Use =
  | { readonly kind: 'call'; readonly atom: CallAtom; readonly answer: Answer }
  | { readonly kind: 'test'; readonly atom: TestAtom }
  | { readonly kind: 'not'; readonly atom: NotAtom; readonly query: Query }

export type NotAtom = Atom & { readonly kind: 'not' }
export type TestAtom = Exclude<Atom, { kind: 'call' | 'not' }>

export interface Solution {
  readonly state: State
  readonly uses: readonly Use[]
}

interface Reading {
  readonly reads: Set<Table>
  /** Negations that failed for it, by what they were asked for, with what made them fail. */
  readonly blocked: Map<string, Solution>
}

/** What reads tables. */
export type Reader = Table | Query

export interface Table extends Reading {
  readonly kind: 'table'
  readonly goal: Goal
  readonly answers: Map<string, Answer>
  readonly readers: Set<Reader>
}

/** Bodies of a negation, or of a question, and the ways they hold. */
export interface Query extends Reading {
  readonly kind: 'query'
  readonly bodies: readonly Body[]
  solutions: readonly Solution[]
}

/** Tables that are being filled. */
interface Run {
  readonly open: Map<string, Table>
  readonly queue: Set<Reader>
}

export interface SolverOptions {
  readonly program: ExplainProgram
  readonly facts: ExplainFacts
  readonly budget: ExplainBudget
  readonly now: Value
  /** Facts that count beside the others. */
  readonly assumed: readonly Fact[]
}

export class Solver {
  readonly #options: SolverOptions
  readonly #finished = new Map<string, Table>()
  /** Negations one inside another. */
  #depth = 0
  readonly #negations = new Map<NotAtom, Map<string, Query | 'active'>>()

  constructor(options: SolverOptions) {
    this.#options = options
  }

  get start(): State {
    return new State(this.#options.now)
  }

  /** One way for a goal to hold, or null. */
  first(goal: Goal): Answer | null {
    const query = callQuery(goal, this.start)
    this.#run(query, true)
    const use = query.solutions[0]?.uses[0]
    return use?.kind === 'call' ? use.answer : null
  }

  /** Every answer of a goal. */
  answers(goal: Goal): readonly Answer[] {
    const key = keyOf(goal)
    if (!this.#finished.has(key)) this.#run(callQuery(goal, this.start), false)
    return [...(this.#finished.get(key)?.answers.values() ?? [])]
  }

  /** The query inside a negation, complete when it has no solution. */
  negation(atom: NotAtom, state: State): Query {
    const given = state.pattern(atom.outer.map(variable))
    const key = patternKey(given)
    const byValues = this.#negations.get(atom) ?? new Map<string, Query | 'active'>()
    this.#negations.set(atom, byValues)
    const found = byValues.get(key)
    // Policies are stratified, so this is for types that no policy could foresee alone.
    if (found === 'active') throw new ExplainLimit('a negation is met inside itself')
    if (found) return found
    if (this.#depth >= MAX_NEGATIONS) throw new ExplainLimit('negations are nested too deep')
    const start = known(this.start.match(atom.outer.map(variable), given), 'different variables')
    const query = queryOf(atom.bodies.map((atoms) => ({ atoms, start })))
    byValues.set(key, 'active')
    this.#depth += 1
    try {
      this.#run(query, true)
    } finally {
      this.#depth -= 1
      byValues.delete(key)
    }
    byValues.set(key, query)
    return query
  }

  /** The rules of body evaluation, over answers that are complete. */
  get complete(): BodyRules {
    return this.#rules((goal) => this.answers(goal), null)
  }

  #run(query: Query, first: boolean): void {
    const run: Run = { open: new Map(), queue: new Set([query]) }
    for (const reader of run.queue) {
      run.queue.delete(reader)
      if (reader.kind === 'query') this.#evaluate(reader, run)
      else this.#grow(reader, run)
      if (first && query.solutions.length > 0) return
    }
    for (const [key, table] of run.open) this.#finished.set(key, table)
  }

  #evaluate(query: Query, run: Run): void {
    const found: Solution[] = []
    const rules = this.#rules((goal) => this.#read(goal, query, run), query)
    for (const body of query.bodies) {
      solveBody(body, rules, (solution) => {
        found.push(solution)
        return false
      })
    }
    query.solutions = found
  }

  #read(goal: Goal, reader: Reader, run: Run): readonly Answer[] {
    const key = keyOf(goal)
    let table = this.#finished.get(key) ?? run.open.get(key)
    if (!table) {
      table = { kind: 'table', goal, answers: new Map(), readers: new Set(), reads: new Set(), blocked: new Map() }
      run.open.set(key, table)
      run.queue.add(table)
      this.#addFacts(table)
    }
    reader.reads.add(table)
    table.readers.add(reader)
    return [...table.answers.values()]
  }

  #addFacts({ goal, answers }: Table): void {
    const { predicate, classes, pattern } = goal
    for (const found of this.#options.facts.find(predicate, classes, pattern, this.#options.assumed)) {
      const args = groundPattern(found.fact.args)
      if (!agrees(pattern, args)) continue
      answers.set(patternKey(args), { predicate, pattern: args, support: { kind: 'fact', found } })
    }
  }

  #grow(table: Table, run: Run): void {
    const { goal, answers } = table
    const before = answers.size
    const ground = isGround(goal.pattern)
    const rules = this.#rules((next) => this.#read(next, table, run), table)
    for (const instance of this.#options.program.instances(goal.predicate, goal.classes)) {
      if (ground && answers.size > 0) break
      const start = this.start.match(instance.head, goal.pattern)
      this.#options.budget.spend()
      if (start === null) continue
      solveBody({ atoms: instance.atoms, start }, rules, (solution) => {
        const pattern = solution.state.pattern(instance.head)
        const key = patternKey(pattern)
        if (!answers.has(key)) answers.set(key, { predicate: goal.predicate, pattern, support: { kind: 'rule', instance, ...solution } })
        return ground
      })
    }
    if (answers.size > before) for (const reader of table.readers) run.queue.add(reader)
  }

  #rules(answers: (goal: Goal) => readonly Answer[], reader: Reader | null): BodyRules {
    return {
      answers,
      isRefused: (predicate, classes, pattern) => this.#options.program.isRefused(predicate, classes, pattern),
      hasRules: (predicate, length) => this.#options.program.hasRules(predicate, length),
      negation: (atom, state) => {
        const query = this.negation(atom, state)
        const [solution] = query.solutions
        if (solution && reader)
          reader.blocked.set(`${atom.span.file}:${atom.span.start} ${patternKey(state.pattern(atom.outer.map(variable)))}`, solution)
        return query
      },
      spend: (amount) => this.#options.budget.spend(amount),
    }
  }
}

const queryOf = (bodies: readonly Body[]): Query => ({ kind: 'query', bodies, solutions: [], reads: new Set(), blocked: new Map() })

const callQuery = ({ predicate, classes, pattern }: Goal, start: State): Query => {
  const args = pattern.map((element) =>
    element.kind === 'value' ? ({ kind: 'constant', value: element.value } as const) : variable(`${element.group}`),
  )
  return queryOf([{ atoms: [{ kind: 'call', predicate, classes, args, span: { file: -1, start: 0, end: 0 } }], start }])
}

const keyOf = ({ predicate, classes, pattern }: Goal): string => goalKey(nodeKey(predicate, classes), pattern)

/** Whether arguments that the goal wants equal are equal. */
const agrees = (goal: Pattern, found: Pattern): boolean => {
  const groups = new Map<number, string>()
  return goal.every((element, index) => {
    if (element.kind === 'value') return true
    const key = patternKey(found.slice(index, index + 1))
    const before = groups.get(element.group) ?? key
    groups.set(element.group, before)
    return before === key
  })
}
