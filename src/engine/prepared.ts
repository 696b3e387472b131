/** A compiled question with its prepared statements: run any number of times with other values. */
import { at, known } from '../base/assert.ts'
import { TooComplex } from '../ir/budget.ts'
import type { Pattern } from '../ir/relation.ts'
import { SqlTooLarge } from '../sql/bounds.ts'
import type { Fragment } from '../sql/fragment.ts'
import { Parameters } from '../sql/parameters.ts'
import type { Member } from '../sql/recursion.ts'
import type { RememberedPart, RememberedParts } from '../sql/remembered.ts'
import { type RoundsProgram, roundsProgram } from '../sql/rounds.ts'
import { checkStatement, rowsStatement, walkedId, walkStatement } from '../sql/statement.ts'
import { SqlError, type SqlValue } from '../store/database.ts'
import type { Encoded, Store } from '../store/facts.ts'
import { BoundStatement, type Inputs } from './binder.ts'
import { QueryError } from './engine.ts'
import { type Answering, emitMember, type QuestionPlan } from './plan-question.ts'
import { RoundsRunner } from './rounds.ts'
import type { SubjectMemory } from './subject-memory.ts'

/** How the columns of a row stand for the asked-for variables. */
export interface Branch {
  /** Type per asked-for variable; null: a wildcard of no particular type. */
  readonly types: readonly (string | null)[]
  readonly pattern: Pattern
}

/** `wants`: which of the values are looked at. */
export interface DirectCheck {
  readonly wants: readonly boolean[]
  ask(values: readonly Encoded[]): boolean
  /** Whether it asks for what is remembered of its subject, the first value. */
  readonly remembers: boolean
}

/** SQLITE_ERROR: the statement itself is refused. */
const SQL_REFUSED = 1

let nextProgram = 0

export class Prepared {
  readonly #plan: QuestionPlan
  readonly #branches: Branch[] = []
  #check: BoundStatement | null = null
  #rows: BoundStatement | null = null
  readonly #memory: SubjectMemory | null
  #remembers = false
  readonly #rounds: { readonly runner: RoundsRunner; readonly branches: ReadonlyMap<string, Branch> }[] = []

  /** `memory`: for checks that are asked again and again. */
  constructor(store: Store, plan: QuestionPlan, memory: SubjectMemory | null = null) {
    this.#plan = plan
    this.#memory = memory
    try {
      this.#prepare(store)
    } catch (error) {
      // SQLite has bounds of its own on what one statement may hold; tables have none.
      this.close()
      if (!(error instanceof SqlError && error.code === SQL_REFUSED)) throw error
      this.#prepareRounds(store)
    }
  }

  #prepareRounds(store: Store): void {
    try {
      for (const answering of this.#plan.answerings) this.#addRounds(store, answering, true)
    } catch (error) {
      this.close()
      if (!(error instanceof SqlError && error.code === SQL_REFUSED)) throw error
      throw new QueryError('query-too-complex', `the question is too complex: ${error.message}; simplify the rules that it reaches`)
    }
  }

  #prepare(store: Store): void {
    const parameters = new Parameters()
    const found = this.#plan.answerings.flatMap((answering) => this.#emit(store, answering, parameters))
    if (found.length === 0) return
    if (this.#plan.question.variables.every((item) => item.mode === 'given'))
      this.#check =
        this.#rememberingCheck(store) ??
        new BoundStatement(store.database, store, checkStatement(found.flatMap((item) => item.fragments)), parameters.slots)
    else this.#rows = new BoundStatement(store.database, store, rowsStatement(found), parameters.slots)
  }

  #emit(store: Store, answering: Answering, parameters: Parameters): { number: number; fragments: Fragment[] }[] {
    const inputs = givenNames(this.#plan, answering).map((variable) => parameters.placeholder({ kind: 'input', variable }))
    const found: { number: number; fragments: Fragment[] }[] = []
    for (const member of goalMembers(this.#plan, answering)) {
      const fragments = emitMember(this.#plan, member, inputs, { parameters })
      if (typeof fragments === 'string') {
        this.#addRounds(store, answering, fragments === 'rounds-all')
        return []
      }
      const number = this.#branches.push(this.#branch(answering, patternOf(member))) - 1
      if (fragments.length > 0) found.push({ number, fragments })
    }
    return found
  }

  /** Null where there is nothing to remember. */
  #rememberingCheck(store: Store): BoundStatement | null {
    const memory = this.#memory
    const subject = this.#plan.question.variables[0]
    if (memory === null || subject === undefined || subject.constant !== null) return null
    const parameters = new Parameters()
    const number = (part: RememberedPart): number | null => {
      const found = memory.number(part)
      this.#remembers ||= found !== null
      return found
    }
    const statement = withinBounds(() => {
      const fragments = this.#checkFragments(parameters, { variable: subject.name, worthwhile: memory.worthwhile, number })
      return fragments === null || !this.#remembers
        ? null
        : new BoundStatement(store.database, store, checkStatement(fragments), parameters.slots)
    })
    this.#remembers &&= statement !== null
    return statement
  }

  /** Null when it takes more than a statement. */
  #checkFragments(parameters: Parameters, parts: RememberedParts): Fragment[] | null {
    const fragments: Fragment[] = []
    for (const answering of this.#plan.answerings) {
      const inputs = givenNames(this.#plan, answering).map((variable) => parameters.placeholder({ kind: 'input', variable }))
      for (const member of goalMembers(this.#plan, answering)) {
        const found = emitMember(this.#plan, member, inputs, { parameters, remembered: parts })
        if (typeof found === 'string') return null
        fragments.push(...found)
      }
    }
    return fragments
  }

  #branch(answering: Answering, pattern: Pattern): Branch {
    return { types: answering.types.filter((_, index) => answering.relation.modes[index] === 'out'), pattern }
  }

  #addRounds(store: Store, answering: Answering, all: boolean): void {
    const members = goalMembers(this.#plan, answering)
    if (members.length === 0) return
    nextProgram += 1
    const program = rounds(() => roundsProgram(members, givenNames(this.#plan, answering), `t${nextProgram}_`, all))
    const branches = new Map(members.map((member) => [member.pattern, this.#branch(answering, patternOf(member))]))
    this.#rounds.push({ runner: new RoundsRunner(store, program, this.#plan.budget), branches })
  }

  /** The check with its values passed by position, where that is all it takes: what the hot path uses. Null otherwise. */
  directCheck(): DirectCheck | null {
    const check = this.#check
    if (this.#rounds.length > 0) return null
    if (!check) return { wants: [], ask: () => false, remembers: false }
    const variables = this.#plan.question.variables.map((item) => item.name)
    const positions = check.positions(variables)
    if (!positions) return null
    const wants = positions.map((items) => items.length > 0)
    return { wants, ask: check.asking(positions), remembers: this.#remembers }
  }

  /** Whether there is any answer. */
  check(inputs: Inputs): boolean {
    if (this.#check && this.#check.bind(inputs).get()?.[0] === 1) return true
    return this.#rounds.some(({ runner }) => [...runner.run(inputs).values()].some((rows) => rows.length > 0))
  }

  /** Calls `each` for every row until it returns false; rows may repeat. */
  rows(inputs: Inputs, each: (branch: Branch, columns: readonly SqlValue[]) => boolean): void {
    let isOpen = true
    this.#rows?.bind(inputs).each((row) => (isOpen = each(at(this.#branches, Number(row[0])), row.slice(1))))
    for (const { runner, branches } of this.#rounds) {
      if (!isOpen) return
      const found = runner.run(inputs)
      for (const [pattern, branch] of branches) for (const row of found.get(pattern) ?? []) isOpen &&= each(branch, row)
    }
  }

  close(): void {
    this.#check?.finalize()
    this.#rows?.finalize()
    for (const { runner } of this.#rounds.splice(0)) runner.close()
  }
}

/** Null beyond the bounds of planning, or of SQLite: the check itself is within them, and is asked without a memory. */
const withinBounds = <T>(work: () => T): T | null => {
  try {
    return work()
  } catch (error) {
    if (error instanceof TooComplex || (error instanceof SqlError && error.code === SQL_REFUSED)) return null
    throw error
  }
}

const rounds = (make: () => RoundsProgram): RoundsProgram => {
  try {
    return make()
  } catch (error) {
    if (error instanceof SqlTooLarge) throw new QueryError('query-too-complex', `the question is too complex: ${error.message}`)
    throw error
  }
}

/** The output patterns that answer. Where the question leaves a type open, a wildcard whose type no rule restricts is answered once, for every type. */
const goalMembers = (plan: QuestionPlan, { relation, types }: Answering): Member[] => {
  const open = plan.question.variables.flatMap((item, index) =>
    relation.modes[index] === 'out' ? [item.type === null && types[index] !== null] : [],
  )
  return [...relation.variants].flatMap(([pattern, variant]) =>
    variant.pattern.some((wildcard, index) => wildcard && !wildcard.own && open[index]) ? [] : [{ relation, pattern }],
  )
}

const patternOf = (member: Member): Pattern => known(member.relation.variants.get(member.pattern), 'variant').pattern

const givenNames = (plan: QuestionPlan, answering: Answering): string[] =>
  plan.question.variables.filter((_, index) => answering.relation.modes[index] === 'in').map((item) => item.name)

/** A check that walks the ids of one variable's type in order, or null when the question takes rounds. */
export const prepareWalk = (store: Store, plan: QuestionPlan, walked: string): BoundStatement | null => {
  const parameters = new Parameters()
  const fragments: Fragment[] = []
  for (const answering of plan.answerings) {
    const inputs = givenNames(plan, answering).map((variable) =>
      variable === walked ? walkedId : parameters.placeholder({ kind: 'input', variable }),
    )
    for (const pattern of answering.relation.variants.keys()) {
      const found = emitMember(plan, { relation: answering.relation, pattern }, inputs, { parameters })
      if (typeof found === 'string') return null
      fragments.push(...found)
    }
  }
  return new BoundStatement(store.database, store, walkStatement(fragments, parameters), parameters.slots)
}
