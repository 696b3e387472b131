/** From rows of encoded columns to the answers of a question: decoded, distinct, in order. */
import { at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { compareBytewise, sortBytewise } from '../base/text.ts'
import type { ValuePattern } from '../base/value.ts'
import type { Encoded } from '../store/facts.ts'
import { QueryError } from './engine.ts'
import type { Branch } from './prepared.ts'
import type { RequestValues } from './values.ts'

export const tooManyRows = (): QueryError =>
  new QueryError('query-too-large', `the answer has more than ${limits.resultRows} rows: narrow the question`)

/** The distinct ids of one column, by type. */
export class ColumnIds {
  readonly #byType = new Map<string, Set<Encoded>>()
  #hasWildcard = false

  add(branch: Branch, column: unknown): void {
    const type = branch.types[0]
    if (branch.pattern[0] !== null || type === null || type === undefined) {
      this.#hasWildcard = true
      return
    }
    let ids = this.#byType.get(type)
    if (!ids) this.#byType.set(type, (ids = new Set()))
    ids.add(encoded(column))
  }

  texts(values: RequestValues): string[] {
    const texts: string[] = []
    for (const [type, ids] of this.#byType) for (const id of ids) texts.push(values.decode(type, id))
    sortBytewise(texts)
    return this.#hasWildcard ? ['*', ...texts] : texts
  }
}

/** Columns hold integers only: every fact column is one. */
const encoded = (column: unknown): Encoded => (typeof column === 'bigint' ? column : Number(column))

export const cellsOf = (
  names: readonly string[],
  branch: Branch,
  columns: readonly unknown[],
  values: RequestValues,
): Map<string, ValuePattern> => {
  const cells = new Map<string, ValuePattern>()
  let column = 0
  for (const [index, name] of names.entries()) {
    const type = branch.types[index] ?? null
    if (branch.pattern[index] !== null || type === null) cells.set(name, { type, id: null })
    else cells.set(name, { type, id: values.decode(type, encoded(columns[column++])) })
  }
  return cells
}

const compareNullable = (a: string | null, b: string | null): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : compareBytewise(a, b)

export const compareIds = (a: readonly (string | null)[], b: readonly (string | null)[]): number => {
  for (let index = 0; index < a.length; index += 1) {
    const order = compareNullable(a[index] ?? null, b[index] ?? null)
    if (order !== 0) return order
  }
  return 0
}

/** By ids, as every answer; types only decide between equal ids. */
export const comparePatterns = (a: readonly ValuePattern[], b: readonly ValuePattern[]): number =>
  compareIds([...a.map((item) => item.id), ...a.map((item) => item.type)], [...b.map((item) => item.id), ...b.map((item) => item.type)])

/** First index whose id follows `after`; `*` stands before every id. */
export const firstAfter = (ids: readonly string[], after: string): number => {
  if (after === '*') return ids[0] === '*' ? 1 : 0
  let low = ids[0] === '*' ? 1 : 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareBytewise(at(ids, middle), after) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
