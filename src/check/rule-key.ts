/** A text that two rules share when they differ only in the names of their variables. */
import type { Expression, Rule, Term } from '../polar/ast.ts'

export const ruleKey = (rule: Rule): string => {
  const key: Key = { parts: [JSON.stringify(rule.head.predicate.text)], numbers: new Map(), variables: 0 }
  for (const param of rule.head.params) {
    if (param.kind === 'term') addTerm(param.term, key)
    else key.parts.push(numbered(param.name.text, key), ':', JSON.stringify(param.type.text))
  }
  // `if true` is a policy fact too.
  if (rule.body !== null && !(rule.body.kind === 'constant' && rule.body.value)) addExpression(rule.body, key)
  return key.parts.join(' ')
}

interface Key {
  readonly parts: string[]
  /** Variables by order of appearance. */
  readonly numbers: Map<string, number>
  variables: number
}

const numbered = (name: string, key: Key): string => {
  key.variables++
  if (name === '_') return `v${key.variables}`
  const number = key.numbers.get(name) ?? key.variables
  key.numbers.set(name, number)
  return `v${number}`
}

const addTerm = (term: Term, key: Key): void => {
  if (term.kind === 'variable') key.parts.push(numbered(term.name, key))
  else if (term.kind === 'now') key.parts.push('@')
  else if (term.kind === 'object') {
    key.parts.push(JSON.stringify(term.type.text))
    addTerm(term.id, key)
  } else key.parts.push(JSON.stringify([term.kind, term.value]))
}

const addExpression = (expression: Expression, key: Key): void => {
  const { parts } = key
  switch (expression.kind) {
    case 'and':
    case 'or':
      parts.push(expression.kind, '(')
      for (const item of expression.items) addExpression(item, key)
      parts.push(')')
      return
    case 'not':
      parts.push('not')
      addExpression(expression.item, key)
      return
    case 'equal':
    case 'comparison':
      parts.push(expression.kind === 'equal' ? '=' : expression.operator)
      addTerm(expression.left, key)
      addTerm(expression.right, key)
      return
    case 'in':
      parts.push('in')
      addTerm(expression.term, key)
      for (const element of expression.list) addTerm(element, key)
      parts.push(']')
      return
    case 'matches':
      parts.push(expression.exact ? 'matches!' : 'matches', numbered(expression.variable.text, key), JSON.stringify(expression.type.text))
      return
    case 'call':
      parts.push(JSON.stringify(expression.predicate.text))
      for (const arg of expression.args) addTerm(arg, key)
      parts.push(')')
      return
    case 'constant':
      parts.push(String(expression.value))
  }
}
