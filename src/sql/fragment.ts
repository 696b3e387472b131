/** Pieces of SELECT statements and how they are put together. */

/** One SELECT: joined in the order given, never reordered by the optimizer. */
export interface Fragment {
  readonly from: readonly string[]
  readonly where: readonly string[]
  /** SQL expressions. */
  readonly outputs: readonly string[]
  /** Conditions that follow from the others and need none of the tables: worth a look before these are searched. */
  readonly guards?: readonly string[]
}

/** SQLite refuses more terms in one compound SELECT than 500. */
const COMPOUND_TERMS = 400

/** `CROSS JOIN` keeps the order: with statistics SQLite's own order turned keyed checks into scans of whole tables. */
export const renderSelect = (fragment: Fragment, columns: readonly string[] = fragment.outputs): string => {
  const from = fragment.from.length === 0 ? '' : ` FROM ${fragment.from.join(' CROSS JOIN ')}`
  const where = fragment.where.length === 0 ? '' : ` WHERE ${allOf(fragment.where)}`
  return `SELECT ${columns.length === 0 ? '1' : columns.join(', ')}${from}${where}`
}

/** `UNION ALL` of any number of SELECT texts. */
export const unionAll = (selects: readonly string[]): string => {
  if (selects.length <= COMPOUND_TERMS) return selects.join(' UNION ALL ')
  const groups: string[] = []
  for (let start = 0; start < selects.length; start += COMPOUND_TERMS)
    groups.push(`SELECT * FROM (${selects.slice(start, start + COMPOUND_TERMS).join(' UNION ALL ')})`)
  return unionAll(groups)
}

/** Conditions that are written one after another: SQLite adds up the depth of expressions that stand in each other. */
const FLAT_CONDITIONS = 16

const allOf = (conditions: readonly string[]): string => {
  if (conditions.length <= FLAT_CONDITIONS) return conditions.join(' AND ')
  const middle = conditions.length >> 1
  return `(${allOf(conditions.slice(0, middle))}) AND (${allOf(conditions.slice(middle))})`
}

/** Balanced, so that a thousand alternatives stay below SQLite's limit on the depth of an expression. */
export const anyOf = (conditions: readonly string[]): string => {
  const first = conditions[0]
  if (first === undefined) return '0'
  if (conditions.length === 1) return first
  const middle = conditions.length >> 1
  return `(${anyOf(conditions.slice(0, middle))} OR ${anyOf(conditions.slice(middle))})`
}

/** Whether a fragment yields a row. */
export const exists = (fragment: Fragment): string => {
  if (fragment.from.length > 0) {
    const search = `EXISTS (${renderSelect(fragment, [])})`
    return fragment.guards === undefined ? search : `(${[...fragment.guards, search].join(' AND ')})`
  }
  return fragment.where.length === 0 ? '1' : fragment.where.length === 1 ? (fragment.where[0] ?? '1') : `(${fragment.where.join(' AND ')})`
}

/** Whether any fragment yields a row: those that read no table first. */
export const anyExists = (fragments: readonly Fragment[]): string =>
  anyOf([...fragments.filter(({ from }) => from.length === 0).map(exists), ...fragments.filter(({ from }) => from.length > 0).map(exists)])

/** SQL expression per bound variable. */
export type Scope = ReadonlyMap<string, string>

/** A SELECT that is being put together: its tables and conditions so far, and where its variables stand. */
export interface Partial {
  readonly fragment: Fragment
  readonly scope: Scope
}

export const emptyPartial: Partial = { fragment: { from: [], where: [], outputs: [] }, scope: new Map() }

export const extend = (partial: Partial, from: readonly string[], where: readonly string[]): Partial => ({
  fragment: { ...partial.fragment, from: [...partial.fragment.from, ...from], where: [...partial.fragment.where, ...where] },
  scope: partial.scope,
})

/** Names the columns of a subquery `o1`, `o2` … */
export const named = (outputs: readonly string[]): string[] => outputs.map((output, index) => `${output} AS o${index + 1}`)
