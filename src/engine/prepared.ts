/** A compiled question with its prepared statements: run any number of times with other values. */
import { at } from '../base/assert.ts'
import type { Pattern } from '../ir/relation.ts'
import { SqlTooLarge } from '../sql/emit.ts'
import type { Fragment } from '../sql/fragment.ts'
import { Parameters } from '../sql/parameters.ts'
import type { Member } from '../sql/recursion.ts'
import { type RoundsProgram, roundsProgram } from '../sql/rounds.ts'
import { checkStatement, rowsStatement, walkedId, walkStatement } from '../sql/statement.ts'
import type { SqlValue } from '../store/database.ts'
import type { Store } from '../store/facts.ts'
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

let nextProgram = 0

export class Prepared {
  readonly #plan: QuestionPlan
  readonly #branches: Branch[] = []
  #check: BoundStatement | null = null
  #rows: BoundStatement | null = null
  readonly #rounds: { readonly runner: RoundsRunner; readonly branches: ReadonlyMap<string, Branch> }[] = []

  constructor(store: Store, plan: QuestionPlan) {
    this.#plan = plan
    const parameters = new Parameters()
    const found = plan.answerings.flatMap((answering) => this.#emit(store, answering, parameters))
    if (found.length === 0) return
    if (plan.question.variables.every((item) => item.mode === 'given'))
      this.#check = new BoundStatement(store.database, store, checkStatement(found.flatMap((item) => item.fragments)), parameters.slots)
    else this.#rows = new BoundStatement(store.database, store, rowsStatement(found), parameters.slots)
  }

  #emit(store: Store, answering: Answering, parameters: Parameters): { number: number; fragments: Fragment[] }[] {
    const inputs = givenNames(this.#plan, answering).map((variable) => parameters.placeholder({ kind: 'input', variable }))
    const found: { number: number; fragments: Fragment[] }[] = []
    for (const [pattern, variant] of answering.relation.variants) {
      const fragments = emitMember(this.#plan, { relation: answering.relation, pattern }, inputs, parameters)
      if (typeof fragments === 'string') {
        this.#addRounds(store, answering, fragments === 'rounds-all')
        return []
      }
      const number = this.#branches.push(this.#branch(answering, variant.pattern)) - 1
      if (fragments.length > 0) found.push({ number, fragments })
    }
    return found
  }

  #branch(answering: Answering, pattern: Pattern): Branch {
    return { types: answering.types.filter((_, index) => answering.relation.modes[index] === 'out'), pattern }
  }

  #addRounds(store: Store, answering: Answering, all: boolean): void {
    const members = [...answering.relation.variants.keys()].map((pattern): Member => ({ relation: answering.relation, pattern }))
    nextProgram += 1
    const program = rounds(() => roundsProgram(members, givenNames(this.#plan, answering), `temp.t${nextProgram}_`, all))
    const branches = new Map([...answering.relation.variants].map(([key, variant]) => [key, this.#branch(answering, variant.pattern)]))
    this.#rounds.push({ runner: new RoundsRunner(store, program), branches })
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
    for (const { runner } of this.#rounds) runner.close()
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
