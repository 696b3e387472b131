/** Binds the slots of a statement to the values of one request. */
import { known, unreachable } from '../base/assert.ts'
import type { Slot } from '../sql/parameters.ts'
import type { Database, SqlValue, Statement } from '../store/database.ts'
import type { Encoded, Store } from '../store/facts.ts'
import type { RequestValues } from './values.ts'

/** What one execution of a question is given. */
export interface Inputs {
  readonly values: RequestValues
  readonly unixSeconds: number
  /** Encoded value per `given` variable. */
  readonly given: ReadonlyMap<string, Encoded>
  /** Encoded ids per `some` variable. */
  readonly some: ReadonlyMap<string, readonly Encoded[]>
  /** Encoded rows per context signature. */
  readonly context: ReadonlyMap<string, readonly (readonly Encoded[])[]>
  readonly control?: Readonly<Record<string, SqlValue>>
}

/** A prepared statement whose constants are bound once. */
export class BoundStatement {
  readonly statement: Statement
  readonly #slots: readonly { readonly index: number; readonly slot: Slot }[]

  constructor(database: Database, store: Store, sql: string, slots: readonly Slot[]) {
    this.statement = database.prepare(sql)
    const used = new Set([...sql.matchAll(/\?(\d+)/g)].map((match) => Number(match[1])))
    this.#slots = slots.flatMap((slot, position): { index: number; slot: Slot }[] => {
      const index = position + 1
      // Alternatives that were given up may have left slots that the text does not use.
      if (!used.has(index)) return []
      if (slot.kind !== 'constant') return [{ index, slot }]
      const encoded = store.encode(slot.value)
      // A constant that was never interned (a policy that was not applied here) is looked up per request.
      if (encoded === undefined) return [{ index, slot }]
      this.statement.bind(index, encoded)
      return []
    })
  }

  bind(inputs: Inputs): Statement {
    for (const { index, slot } of this.#slots) this.statement.bind(index, slotValue(slot, inputs))
    return this.statement
  }

  /** For each value of a check that is passed by position: the parameters it is bound to. Null when anything else has to be bound. */
  positions(variables: readonly string[]): readonly (readonly number[])[] | null {
    if (this.#slots.some(({ slot }) => slot.kind !== 'input')) return null
    return variables.map((variable) =>
      this.#slots.flatMap(({ index, slot }) => (slot.kind === 'input' && slot.variable === variable ? [index] : [])),
    )
  }

  finalize(): void {
    this.statement.finalize()
  }
}

const slotValue = (slot: Slot, inputs: Inputs): SqlValue => {
  switch (slot.kind) {
    case 'input':
      return known(inputs.given.get(slot.variable), 'given value')
    case 'constant':
      return inputs.values.encode(slot.value)
    case 'now':
      return inputs.unixSeconds
    case 'ids':
      return `[${known(inputs.some.get(slot.variable), 'ids').join(',')}]`
    case 'context':
      return contextRows(known(inputs.context.get(slot.slot), 'context facts'))
    case 'control':
      return known(inputs.control?.[slot.name], 'control value')
    default:
      return unreachable(slot)
  }
}

/** JSON by hand: encoded integers may be larger than a JSON number of JavaScript holds. */
const contextRows = (rows: readonly (readonly Encoded[])[]): string =>
  `[${rows.map((row) => (row.length === 1 ? `${row[0]}` : `[${row.join(',')}]`)).join(',')}]`
