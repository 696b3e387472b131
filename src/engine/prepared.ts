/** A compiled question with its prepared statements: run any number of times with other values. */
import { at, known } from '../base/assert.ts'
import type { Pattern } from '../ir/relation.ts'
import { SqlTooLarge } from '../sql/bounds.ts'
import type { Fragment } from '../sql/fragment.ts'
import { Parameters } from '../sql/parameters.ts'
import type { Member } from '../sql/recursion.ts'
import { type RoundsProgram, roundsProgram } from '../sql/rounds.ts'
import { checkStatement, rowsStatement, walkedId, walkStatement } from '../sql/statement.ts'
import { SqlError, type SqlValue } from '../store/database.ts'
import type { Encoded, Store } from '../store/facts.ts'
import { BoundStatement, type Inputs } from './binder.ts'
import { QueryError } from './engine.ts'
import { type Answering, emitMember, type QuestionPlan } from './plan-question.ts'
import { RoundsRunner } from './rounds.ts'

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
}

/** SQLITE_ERROR: the statement itself is refused. */
const SQL_REFUSED = 1

let nextProgram = 0

export class Prepared {
  readonly #plan: QuestionPlan
  readonly #branches: Branch[] = []
  #check: BoundStatement | null = null
  #rows: BoundStatement | null = null
  readonly #rounds: { readonly runner: RoundsRunner; readonly branches: ReadonlyMap<string, Branch> }[] = []

  constructor(store: Store, plan: QuestionPlan) {
    this.#plan = plan
    try {
      this.#prepare(store)
    } catch (error) {
      // SQLite has bounds of its own on what one statement may hold; tables have none.
      if (!(error instanceof SqlError && error.code === SQL_REFUSED)) throw error
      this.close()
      for (const answering of plan.answerings) this.#addRounds(store, answering, true)
    }
  }

  #prepare(store: Store): void {
    const parameters = new Parameters()
    const found = this.#plan.answerings.flatMap((answering) => this.#emit(store, answering, parameters))
    if (found.length === 0) return
    if (this.#plan.question.variables.every((item) => item.mode === 'given'))
      this.#check = new BoundStatement(store.database, store, checkStatement(found.flatMap((item) => item.fragments)), parameters.slots)
    else this.#rows = new BoundStatement(store.database, store, rowsStatement(found), parameters.slots)
  }

  #emit(store: Store, answering: Answering, parameters: Parameters): { number: number; fragments: Fragment[] }[] {
    const inputs = givenNames(this.#plan, answering).map((variable) => parameters.placeholder({ kind: 'input', variable }))
    const found: { number: number; fragments: Fragment[] }[] = []
    for (const member of goalMembers(this.#plan, answering)) {
      const fragments = emitMember(this.#plan, member, inputs, parameters)
      if (typeof fragments === 'string') {
        this.#addRounds(store, answering, fragments === 'rounds-all')
        return []
      }
      const number = this.#branches.push(this.#branch(answering, patternOf(member))) - 1
      if (fragments.length > 0) found.push({ number, fragments })
    }
    return found
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
    this.#rounds.push({ runner: new RoundsRunner(store, program), branches })
  }

  /** The check with its values passed by position, where that is all it takes: what the hot path uses. Null otherwise. */
  directCheck(): DirectCheck | null {
    const check = this.#check
    if (this.#rounds.length > 0) return null
    if (!check) return { wants: [], ask: () => false }
    const positions = check.positions(this.#plan.question.variables.map((item) => item.name))
    if (!positions) return null
    const { statement } = check
    const ask = (values: readonly Encoded[]): boolean => {
      for (let index = 0; index < positions.length; index += 1)
        for (const position of at(positions, index)) statement.bind(position, at(values, index))
      return statement.get()?.[0] === 1
    }
    return { wants: positions.map((items) => items.length > 0), ask }
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
      const found = emitMember(plan, { relation: answering.relation, pattern }, inputs, parameters)
      if (typeof found === 'string') return null
      fragments.push(...found)
    }
  }
  return new BoundStatement(store.database, store, walkStatement(fragments, parameters), parameters.slots)
}
