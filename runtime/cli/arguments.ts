/** How values and facts are written on the command line, and printed. */
import type { Fact, FactPattern, Value, ValuePattern } from '../../src/base/value.ts'
import { CliError } from './cli-error.ts'

/** `Type:id`, a bare word as a String, `Type:_` for any value of a type, `_` for anything. Quotes around an id or a word are taken off. */
export const parsePattern = (text: string): ValuePattern => {
  if (text === '_') return { type: null, id: null }
  const colon = isQuoted(text) ? -1 : text.indexOf(':')
  if (colon === -1) return { type: 'String', id: unquoted(text) }
  const type = text.slice(0, colon)
  const id = text.slice(colon + 1)
  if (type === '') throw new CliError(`\`${text}\` has no type: write \`Type:id\`, or quote a String that holds a colon`)
  return { type, id: id === '_' ? null : unquoted(id) }
}

export const parseValue = (text: string): Value => {
  const { type, id } = parsePattern(text)
  if (type === null || id === null) throw new CliError(`\`${text}\` is a wildcard, expected a value such as \`User:ana\``)
  return { type, id }
}

/** A name: `read`, or the same as a typed String, `String:read`. */
export const parseName = (text: string): string => {
  const { type, id } = parseValue(text)
  return type === 'String' ? id : text
}

export const parseFact = (predicate: string, args: readonly string[]): Fact => ({ predicate, args: args.map(parseValue) })

export const parseFactPattern = (predicate: string, args: readonly string[]): FactPattern => ({ predicate, args: args.map(parsePattern) })

/** A fact as one text: `has_role User:ana member Org:acme`, with quotes around what holds blanks. */
export const parseFactText = (text: string): Fact => {
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
  const [predicate, ...args] = words
  if (predicate === undefined) throw new CliError('a context fact is empty, expected `predicate argument …`')
  return parseFact(predicate, args)
}

/** `has_role(Member:ana, String:keeper, Vault:v1)`, wildcards as `_`. */
export const formatFact = ({ predicate, args }: FactPattern): string => `${predicate}(${args.map(formatValue).join(', ')})`

const formatValue = ({ type, id }: ValuePattern): string => (type === null ? '_' : `${type}:${id ?? '_'}`)

const isQuoted = (text: string): boolean => text.length >= 2 && /^(["']).*\1$/s.test(text)

const unquoted = (text: string): string => (isQuoted(text) ? text.slice(1, -1) : text)
