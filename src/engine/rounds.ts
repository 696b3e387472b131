/** Runs a question by rounds over temporary tables, stratum by stratum, until nothing new appears. */
import { at } from '../base/assert.ts'
import type { PlanBudget } from '../ir/budget.ts'
import type { IncrementStatement, RoundsProgram, SlottedSql } from '../sql/rounds.ts'
import type { SqlValue } from '../store/database.ts'
import type { Store } from '../store/facts.ts'
import { BoundStatement, type Inputs } from './binder.ts'

/** Steps of planning that preparing one statement counts for: nothing interrupts SQLite while it does. */
const STATEMENT_WORK = 16

/** A statement and how far it has read. */
interface Increment {
  readonly reads: string
  readonly writes: string
  readonly statement: BoundStatement
  /** Positions of its two control parameters; 0 when it has none. */
  readonly since: number
  readonly round: number
  seen: number
}

interface PreparedRule {
  readonly demands: readonly { readonly level: number; readonly increment: Increment }[]
  readonly answers: readonly Increment[]
}

export class RoundsRunner {
  readonly #store: Store
  readonly #program: RoundsProgram
  readonly #budget: PlanBudget
  #seeds: readonly Increment[] = []
  #levels: readonly (readonly PreparedRule[])[] = []
  readonly #results = new Map<string, BoundStatement>()
  readonly #all: BoundStatement[] = []
  readonly #increments: Increment[] = []
  /** Round in which a table last grew. */
  readonly #grew = new Map<string, number>()
  #round = 0

  /** Throws TooComplex when there is more to prepare than the budget allows. */
  constructor(store: Store, program: RoundsProgram, budget: PlanBudget) {
    this.#store = store
    this.#program = program
    this.#budget = budget
    try {
      this.#open()
    } catch (error) {
      this.close()
      throw error
    }
  }

  #open(): void {
    const program = this.#program
    for (const sql of program.create) this.#store.database.exec(sql)
    this.#seeds = program.seeds.map((seed) => this.#prepare(seed))
    this.#levels = program.levels.map((rules) =>
      rules.map((rule) => ({
        demands: rule.demands.map((demand) => ({ level: demand.level, increment: this.#prepare(demand) })),
        answers: rule.answers.map((answer) => this.#prepare(answer)),
      })),
    )
    for (const [pattern, sql] of program.results) this.#results.set(pattern, this.#statement({ sql, slots: [] }))
  }

  #statement(part: SlottedSql): BoundStatement {
    this.#budget.spend(STATEMENT_WORK)
    const statement = new BoundStatement(this.#store.database, this.#store, part.sql, part.slots)
    this.#all.push(statement)
    return statement
  }

  #prepare(part: IncrementStatement): Increment {
    const position = (name: string): number => part.slots.findIndex((slot) => slot.kind === 'control' && slot.name === name) + 1
    const increment = {
      reads: part.reads,
      writes: part.writes,
      statement: this.#statement(part),
      since: position('since'),
      round: position('round'),
      seen: 0,
    }
    this.#increments.push(increment)
    return increment
  }

  /** Rows of concrete outputs per output pattern. */
  run(inputs: Inputs): Map<string, SqlValue[][]> {
    for (const sql of this.#program.clear) this.#store.database.exec(sql)
    this.#grew.clear()
    this.#round = 0
    for (const increment of this.#increments) {
      increment.seen = 0
      increment.statement.bind({ ...inputs, control: { since: 0, round: 0 } })
    }
    for (const seed of this.#seeds) this.#add(seed)
    this.#complete(this.#levels.length - 1)
    return new Map([...this.#results].map(([pattern, statement]) => [pattern, statement.statement.all()]))
  }

  /** Runs the rules of a level until it and everything below is complete for what was asked of it. */
  #complete(level: number): void {
    for (let changed = level >= 0; changed; ) {
      changed = false
      // The lower levels first: they may have been asked for more by a level above this one.
      this.#complete(level - 1)
      for (const rule of at(this.#levels, level)) {
        if (this.#askAll(rule, level)) changed = true
        for (const answer of rule.answers) if (this.#advance(answer)) changed = true
      }
    }
  }

  /** Asks for everything the rule reads. Lower relations are completed at once, because a negation must read finished answers. */
  #askAll(rule: PreparedRule, level: number): boolean {
    let asked = false
    for (let again = true; again; ) {
      again = false
      for (const { level: below, increment } of rule.demands) {
        if (!this.#advance(increment)) continue
        asked = true
        if (below >= level) continue
        again = true
        this.#complete(level - 1)
      }
    }
    return asked
  }

  /** Reads what is new since the statement last ran; true when that added rows. */
  #advance(increment: Increment): boolean {
    if ((this.#grew.get(increment.reads) ?? 0) <= increment.seen) return false
    const { statement } = increment.statement
    if (increment.since > 0) statement.bind(increment.since, increment.seen)
    // Rows that it adds to the table it reads belong to the coming round, and are read then.
    increment.seen = this.#round
    return this.#add(increment)
  }

  #add(increment: Increment): boolean {
    const { statement } = increment.statement
    this.#round += 1
    if (increment.round > 0) statement.bind(increment.round, this.#round)
    if (statement.run() === 0) return false
    this.#grew.set(increment.writes, this.#round)
    return true
  }

  close(): void {
    for (const statement of this.#all) statement.finalize()
    for (const sql of this.#program.drop) this.#store.database.exec(sql)
  }
}
