/** Runs a question by rounds over temporary tables, stratum by stratum, until nothing new appears. */
import { at } from '../base/assert.ts'
import type { RoundsProgram } from '../sql/rounds.ts'
import type { SqlValue } from '../store/database.ts'
import type { Store } from '../store/facts.ts'
import { BoundStatement, type Inputs } from './binder.ts'

interface PreparedRule {
  readonly demands: readonly { readonly level: number; readonly statement: BoundStatement }[]
  readonly answer: BoundStatement
}

export class RoundsRunner {
  readonly #store: Store
  readonly #program: RoundsProgram
  readonly #seeds: readonly BoundStatement[]
  readonly #levels: readonly (readonly PreparedRule[])[]
  readonly #results: ReadonlyMap<string, BoundStatement>
  readonly #all: BoundStatement[] = []

  constructor(store: Store, program: RoundsProgram) {
    this.#store = store
    this.#program = program
    for (const sql of program.create) store.database.exec(sql)
    const prepare = (part: { sql: string; slots: RoundsProgram['seeds'][number]['slots'] }): BoundStatement => {
      const statement = new BoundStatement(store.database, store, part.sql, part.slots)
      this.#all.push(statement)
      return statement
    }
    this.#seeds = program.seeds.map(prepare)
    this.#levels = program.levels.map((rules) =>
      rules.map((rule) => ({
        demands: rule.demands.map((demand) => ({ level: demand.level, statement: prepare(demand) })),
        answer: prepare(rule.answer),
      })),
    )
    this.#results = new Map([...program.results].map(([pattern, sql]) => [pattern, prepare({ sql, slots: [] })]))
  }

  /** Rows of concrete outputs per output pattern. */
  run(inputs: Inputs): Map<string, SqlValue[][]> {
    for (const sql of this.#program.clear) this.#store.database.exec(sql)
    for (const seed of this.#seeds) seed.bind(inputs).run()
    for (const rules of this.#levels)
      for (const rule of rules) for (const part of [...rule.demands.map((demand) => demand.statement), rule.answer]) part.bind(inputs)
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
        const added = this.#askAll(rule, level) + rule.answer.statement.run()
        if (added > 0) changed = true
      }
    }
  }

  /** Asks for everything the rule reads. Lower relations are completed at once, because a negation must read finished answers. */
  #askAll(rule: PreparedRule, level: number): number {
    let total = 0
    for (let added = -1; added !== 0; ) {
      added = 0
      for (const demand of rule.demands) {
        const asked = demand.statement.statement.run()
        total += asked
        if (asked === 0 || demand.level >= level) continue
        added += asked
        this.#complete(level - 1)
      }
    }
    return total
  }

  close(): void {
    for (const statement of this.#all) statement.finalize()
    for (const sql of this.#program.drop) this.#store.database.exec(sql)
  }
}
