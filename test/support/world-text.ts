/** How worlds write values, facts and answers. */
import type { Fact, Value, ValuePattern } from '../../src/base/value.ts'

const BARE = /^[A-Za-z_][\w.-]*$/
const PLAIN = /^[\w.@-]+$/
/** Words that mean something else where an id could stand. */
const TAKEN = new Set(['true', 'false', 'none', '_', 'refused'])

/** An id whose type is known: bare where that is unmistakable. */
export const idText = (id: string): string => (PLAIN.test(id) && !TAKEN.has(id) ? id : JSON.stringify(id))

export const valueText = ({ type, id }: Value): string => {
  if (type === 'Integer' || type === 'Boolean') return id
  if (type === 'String') return BARE.test(id) && !TAKEN.has(id) ? id : JSON.stringify(id)
  return `${type}:${idText(id)}`
}

export const patternText = ({ type, id }: ValuePattern): string => {
  if (type === null) return '_'
  return id === null ? `${type}:_` : valueText({ type, id })
}

export const factText = ({ predicate, args }: Fact): string => `${predicate}(${args.map(valueText).join(', ')})`

/** One row of an answer: `*` is a wildcard; parentheses where there are several columns. */
export const rowText = (ids: readonly (string | null)[]): string => {
  const columns = ids.map((id) => (id === null ? '*' : idText(id)))
  return columns.length === 1 ? columns.join() : `(${columns.join(', ')})`
}
