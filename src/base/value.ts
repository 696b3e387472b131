/** Values and facts: the data that policies, facts and questions are made of. */

/** A typed value; two values are equal when type and id are equal. Integer and Boolean ids are in canonical text form. */
export interface Value {
  readonly type: string
  readonly id: string
}

/** A ground atom. */
export interface Fact {
  readonly predicate: string
  readonly args: readonly Value[]
}

/** One argument of a fact pattern: both null matches anything, a type alone any value of exactly that type. */
export interface ValuePattern {
  readonly type: string | null
  readonly id: string | null
}

/** A fact with holes, for get and delete. */
export interface FactPattern {
  readonly predicate: string
  readonly args: readonly ValuePattern[]
}

const INTEGER = /^[+-]?[0-9]+$/
const INTEGER_MIN = -(2n ** 63n)
const INTEGER_MAX = 2n ** 63n - 1n

/** Canonical id text of a value (polar.md 9.2), or undefined when the text is no id of that type: `007` → `7`, `maybe` as Boolean → undefined. */
export const canonicalId = (type: string, id: string): string | undefined => {
  if (type === 'Boolean') return id === 'true' || id === 'false' ? id : undefined
  if (type !== 'Integer') return id
  // 19 digits and a sign are the longest that can fit; leading zeros are dropped first so that they cannot hide one.
  if (!INTEGER.test(id)) return undefined
  const digits = id.replace(/^[+-]?0*(?=[0-9])/, '')
  if (digits.length > 19) return undefined
  const number = BigInt(id.startsWith('-') ? `-${digits}` : digits)
  return number < INTEGER_MIN || number > INTEGER_MAX ? undefined : number.toString()
}

export const sameValue = (a: Value, b: Value): boolean => a.type === b.type && a.id === b.id
