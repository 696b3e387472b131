/** From decoded values and facts to canonical ones: what a fact may hold is decided here, in one place. */
import { limits } from '../base/limits.ts'
import { canonicalId, type Fact, type FactPattern, type Value, type ValuePattern } from '../base/value.ts'
import { ApiError } from './api-error.ts'
import type { WireFact, WireValue } from './shapes.ts'

/** A value of a question: type and id in canonical form. `field` names it in messages. */
export const questionValue = (type: string, id: string, field: string): Value => {
  if (type !== 'Integer' && type !== 'Boolean') return { type, id }
  return { type, id: canonical(type, id, field) }
}

/** A fact that is to be stored or to count for one request: concrete, canonical and within the limits. */
export const concreteFact = (wire: WireFact, field: string): Fact => {
  const { args, predicate } = wire
  if (args.length === 0) throw new ApiError('bad-value', `\`${field}.args\` is empty, a fact has 1 to ${limits.factArguments} arguments`)
  if (args.length > limits.factArguments) {
    throw new ApiError('bad-value', `\`${field}.args\` has ${args.length} arguments, a fact has at most ${limits.factArguments}`)
  }
  return { predicate, args: args.map((value, index) => concreteValue(value, `${field}.args[${index}]`)) }
}

/** A value without holes. */
export const concreteValue = (value: WireValue, field: string): Value => {
  const { type, id } = withNulls(value)
  if (type === null || id === null) {
    throw new ApiError('bad-value', `\`${field}\` must have a type and an id: wildcards are allowed in delete patterns and queries only`)
  }
  if (id === '*') throw new ApiError('bad-value', `\`${field}.id\` is \`*\`, which is reserved for wildcards`)
  checkBytes(type, `${field}.type`)
  checkBytes(id, `${field}.id`)
  return { type, id: canonical(type, id, field) }
}

/** A fact with holes: the pattern of a delete, with at least one argument. */
export const deletePattern = (wire: WireFact, field: string): FactPattern => {
  if (wire.args.length === 0) throw new ApiError('bad-value', `\`${field}.args\` is empty, a pattern has at least one argument`)
  return { predicate: wire.predicate, args: wire.args.map((value, index) => valuePattern(value, `${field}.args[${index}]`)) }
}

/** A value with holes: both, the type alone, or none. */
export const valuePattern = (value: WireValue, field: string): ValuePattern => {
  const { type, id } = withNulls(value)
  if (type === null && id !== null) throw new ApiError('bad-value', `\`${field}\` has an id but no type`)
  if (type === null || id === null) return { type, id: null }
  return { type, id: canonical(type, id, field) }
}

export const isWildcard = (pattern: FactPattern): boolean => pattern.args.some((arg) => arg.id === null)

const withNulls = ({ type = null, id = null }: WireValue): ValuePattern => ({ type, id })

const canonical = (type: string, id: string, field: string): string => {
  const text = canonicalId(type, id)
  if (text === undefined) throw new ApiError('bad-value', `\`${field}.id\` is \`${id.slice(0, 64)}\`, which is no ${type}`)
  return text
}

const encoder = new TextEncoder()

const checkBytes = (text: string, field: string): void => {
  // A UTF-16 unit takes at most three bytes, so short texts need no encoding.
  if (text.length * 3 <= limits.argumentBytes) return
  if (text.length > limits.argumentBytes || encoder.encode(text).length > limits.argumentBytes) {
    throw new ApiError('bad-value', `\`${field}\` is longer than ${limits.argumentBytes} bytes`)
  }
}
