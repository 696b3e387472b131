/** Terms, heads and conditions → text. */
import { unreachable } from '../base/assert.ts'
import type { Expression, Head, Parameter, ShorthandExpression, ShorthandTerm, Term } from './ast.ts'

export const printTerm = (term: Term): string => {
  switch (term.kind) {
    case 'string':
      return printString(term.value)
    case 'integer':
      return term.value
    case 'boolean':
      return String(term.value)
    case 'object':
      return `${term.type.text}{${printTerm(term.id)}}`
    case 'now':
      return '@current_unix_time'
    case 'variable':
      return term.name
    default:
      return unreachable(term)
  }
}

export const printString = (value: string): string =>
  `"${value.replaceAll(/["\\\n\r\t\0]/g, (character) => ESCAPES[character] ?? character)}"`

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' }

export const printHead = (head: Head): string => `${head.predicate.text}(${head.params.map(printParameter).join(', ')})`

const printParameter = (parameter: Parameter): string =>
  parameter.kind === 'typed' ? `${parameter.name.text}: ${parameter.type.text}` : printTerm(parameter.term)

export const printArguments = (args: readonly Term[]): string => `(${args.map(printTerm).join(', ')})`

/** What stands behind `if`: one condition on the same line, a chain with one condition a line. */
export const printBody = (body: Expression): string => {
  if (body.kind !== 'and' && body.kind !== 'or') return ` ${printExpression(body)}`
  return `\n  ${body.items.map((item) => printOperand(item, body.kind)).join(` ${body.kind}\n  `)}`
}

/** A condition on one line. */
export const printExpression = (expression: Expression): string => {
  switch (expression.kind) {
    case 'or':
    case 'and':
      return expression.items.map((item) => printOperand(item, expression.kind)).join(` ${expression.kind} `)
    case 'not':
      return `not ${printOperand(expression.item, 'not')}`
    case 'equal':
      return `${printTerm(expression.left)} = ${printTerm(expression.right)}`
    case 'comparison':
      return `${printTerm(expression.left)} ${expression.operator} ${printTerm(expression.right)}`
    case 'in':
      return `${printTerm(expression.term)} in [${expression.list.map(printTerm).join(', ')}]`
    case 'matches':
      return `${expression.variable.text} ${expression.exact ? 'matches!' : 'matches'} ${expression.type.text}`
    case 'call':
      return `${expression.predicate.text}${printArguments(expression.args)}`
    case 'constant':
      return String(expression.value)
    default:
      return unreachable(expression)
  }
}

const printOperand = (operand: Expression, around: Around): string => grouped(operand.kind, around, printExpression(operand))

/** The body of a shorthand rule on one line. */
export const printShorthandBody = (expression: ShorthandExpression): string => {
  const operand = (item: ShorthandExpression, around: Around): string => grouped(item.kind, around, printShorthandBody(item))
  switch (expression.kind) {
    case 'or':
    case 'and':
      return expression.items.map((item) => operand(item, expression.kind)).join(` ${expression.kind} `)
    case 'not':
      return `not ${operand(expression.item, 'not')}`
    case 'call':
      return `${expression.predicate.text}${printArguments(expression.args)}`
    case 'global':
      return `global ${printShorthandTerm(expression.term)}`
    case 'condition':
      return `${printShorthandTerm(expression.term)}${expression.on === null ? '' : ` on ${printShorthandTerm(expression.on)}`}`
    default:
      return unreachable(expression)
  }
}

export const printShorthandTerm = (term: ShorthandTerm): string => (term.kind === 'quoted' ? printString(term.text) : term.text)

type Around = 'or' | 'and' | 'not'

/** A chain inside a chain was in parentheses, save `and` inside `or`. */
const grouped = (kind: string, around: Around, text: string): string => {
  const chain = kind === 'or' || kind === 'and'
  return chain && !(kind === 'and' && around === 'or') ? `(${text})` : text
}
