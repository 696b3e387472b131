/** Rule bodies → disjuncts: `or` multiplied out, but not through `not`. */
import { limits } from '../base/limits.ts'
import type { Value } from '../base/value.ts'
import type { Expression, Term } from '../polar/ast.ts'
import type { CoreLiteral, Disjunct } from './core.ts'
import { type Lowering, lowerConstant, lowerTerm, lowerVariable, valueText } from './lower-terms.ts'

/** Size of a body after multiplying out, and as written. A condition inside `not` counts like any other. */
export interface BodySize {
  readonly disjuncts: number
  readonly conditions: number
  readonly written: number
  /** Most disjuncts of the body or of a `not` in it. */
  readonly most: number
}

/** Counted before anything is multiplied: a short text can stand for more conditions than fit in memory. */
export const measureBody = (expression: Expression): BodySize => {
  switch (expression.kind) {
    case 'or':
      return expression.items.map(measureBody).reduce((a, b) => ({
        disjuncts: a.disjuncts + b.disjuncts,
        conditions: a.conditions + b.conditions,
        written: a.written + b.written,
        most: Math.max(a.most, b.most, a.disjuncts + b.disjuncts),
      }))
    case 'and':
      return expression.items.map(measureBody).reduce((a, b) => ({
        disjuncts: a.disjuncts * b.disjuncts,
        conditions: a.conditions * b.disjuncts + b.conditions * a.disjuncts,
        written: a.written + b.written,
        most: Math.max(a.most, b.most, a.disjuncts * b.disjuncts),
      }))
    case 'not': {
      const inner = measureBody(expression.item)
      return { disjuncts: 1, conditions: inner.conditions + 1, written: inner.written + 1, most: inner.most }
    }
    case 'call':
    case 'equal':
    case 'comparison':
    case 'in':
    case 'matches':
    case 'constant':
      return ONE
  }
}

// `true` and `false` count as one so that products never vanish on the way.
const ONE: BodySize = { disjuncts: 1, conditions: 1, written: 1, most: 1 }

export const isTooLarge = ({ conditions, written, most }: BodySize): boolean =>
  most > limits.disjuncts || (conditions > written && conditions > limits.ruleConditions)

/** Only for a body that is not too large. */
export const lowerBody = (expression: Expression, lowering: Lowering): Disjunct[] =>
  multiply(expression, lowering).map((literals) => ({ literals }))

const multiply = (expression: Expression, lowering: Lowering): CoreLiteral[][] => {
  switch (expression.kind) {
    case 'or':
      return expression.items.flatMap((item) => multiply(item, lowering))
    case 'and': {
      let product: CoreLiteral[][] = [[]]
      for (const item of expression.items) product = join(product, multiply(item, lowering))
      return product
    }
    case 'constant':
      return expression.value ? [[]] : []
    case 'not':
    case 'call':
    case 'equal':
    case 'comparison':
    case 'in':
    case 'matches':
      return [[lowerCondition(expression, lowering)]]
  }
}

// A single branch is appended in place: a long conjunction must not copy itself again and again.
const join = (left: CoreLiteral[][], right: readonly CoreLiteral[][]): CoreLiteral[][] => {
  const [only] = right
  if (right.length !== 1 || only === undefined) return left.flatMap((a) => right.map((b) => [...a, ...b]))
  for (const branch of left) for (const literal of only) branch.push(literal)
  return left
}

type Condition = Exclude<Expression, { kind: 'or' | 'and' | 'constant' }>

const lowerCondition = (condition: Condition, lowering: Lowering): CoreLiteral => {
  const { span } = condition
  switch (condition.kind) {
    case 'not':
      return { kind: 'not', disjuncts: lowerBody(condition.item, lowering), span }
    case 'call':
      return { kind: 'call', predicate: condition.predicate.text, args: condition.args.map((arg) => lowerTerm(arg, lowering)), span }
    case 'equal':
      return { kind: 'equal', left: lowerTerm(condition.left, lowering), right: lowerTerm(condition.right, lowering), span }
    case 'comparison': {
      const { operator } = condition
      const left = lowerTerm(condition.left, lowering)
      const right = lowerTerm(condition.right, lowering)
      return operator === '!=' ? { kind: 'unequal', left, right, span } : { kind: 'order', operator, left, right, span }
    }
    case 'in':
      return { kind: 'in', term: lowerTerm(condition.term, lowering), values: lowerList(condition.list, lowering), span }
    case 'matches': {
      lowering.useType(condition.type)
      const variable = lowerVariable(condition.variable.text, lowering)
      return { kind: 'matches', variable, type: condition.type.text, exact: condition.exact, span }
    }
  }
}

const lowerList = (list: readonly Term[], lowering: Lowering): Value[] => {
  const values: Value[] = []
  const fail = (element: Term, message: string): void => {
    lowering.report.error('bad-list-element', element.span, message)
    lowering.failed = true
  }
  for (const element of list) {
    if (element.kind === 'variable' || element.kind === 'now') {
      const found = element.kind === 'variable' ? `the variable \`${element.name}\`` : '`@current_unix_time`'
      fail(element, `a list holds constants of one type, found ${found}`)
      continue
    }
    const value = lowerConstant(element, lowering)
    if (value === null) continue
    const [first] = values
    if (first !== undefined && first.type !== value.type) {
      fail(element, `a list holds constants of one type, found \`${valueText(value)}\` after the ${first.type} \`${valueText(first)}\``)
    } else values.push(value)
  }
  return values
}
