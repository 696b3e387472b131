/** Syntax tree → policy text in one canonical layout; parsing it gives the same tree but for the spans. */
import { unreachable } from '../base/assert.ts'
import type { Block, Declaration, Fixture, FixtureUse, Item, Name, PolicySyntax, Rule, SetupFact, Shorthand, Test } from './ast.ts'
import {
  printArguments,
  printBody,
  printExpression,
  printHead,
  printShorthandBody,
  printShorthandTerm,
  printString,
  printTerm,
} from './print-expression.ts'

/** The policy without its comments; ends with a newline unless empty. Several files become one. */
export const printPolicy = (syntax: PolicySyntax): string => syntax.items.map((item) => `${printItem(item)}\n`).join('\n')

const printItem = (item: Item): string => {
  switch (item.kind) {
    case 'block':
      return printBlock(item)
    case 'rule':
      return printRule(item)
    case 'declare':
      return `declare ${item.predicate.text}(${names(item.types)});`
    case 'fixture':
      return printFixture(item)
    case 'test':
      return printTest(item)
    default:
      return unreachable(item)
  }
}

const names = (items: readonly Name[]): string => items.map((name) => name.text).join(', ')

const flags = (items: readonly Name[]): string => items.map((flag) => `@${flag.text} `).join('')

/** Statements between braces, one a line, `indent` being that of the closing brace. */
const braces = (statements: readonly string[], indent = ''): string =>
  statements.length === 0 ? '{}' : `{\n${statements.map((statement) => `${indent}  ${statement}\n`).join('')}${indent}}`

const printRule = (rule: Rule): string =>
  `${flags(rule.flags)}${printHead(rule.head)}${rule.body === null ? '' : ` if${printBody(rule.body)}`};`

const printBlock = (block: Block): string => {
  const type = block.type === null ? '' : ` ${block.type.text}`
  const supertypes = block.supertypes.length === 0 ? '' : ` extends ${names(block.supertypes)}`
  return `${block.block}${type}${supertypes} ${braces(block.items.map((item) => (item.kind === 'declaration' ? printDeclaration(item) : printShorthand(item))))}`
}

const printDeclaration = ({ key, value }: Declaration): string => {
  if (value.kind === 'list') return `${key.text} = [${value.items.map(printTerm).join(', ')}];`
  const fields = value.fields.map((field) => `${field.name.text}: ${field.type.text}`)
  return `${key.text} = ${fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`};`
}

const printShorthand = (rule: Shorthand): string =>
  `${flags(rule.flags)}${printShorthandTerm(rule.head)} if ${printShorthandBody(rule.body)};`

const printFixture = (fixture: Fixture): string => `test fixture ${fixture.name.text} ${braces(fixture.facts.map(printSetupItem))}`

const printSetupItem = (item: SetupFact | FixtureUse): string =>
  item.kind === 'use' ? `fixture ${item.name.text};` : `${item.predicate.text}${printArguments(item.args)};`

const printTest = (test: Test): string => {
  const setup = test.setup.length === 0 ? [] : [`setup ${braces(test.setup.map(printSetupItem), '  ')}`]
  const assertions = test.assertions.map(({ negated, goal, iff }) => {
    const condition = iff === null ? '' : ` iff ${printExpression(iff)}`
    return `${negated ? 'assert_not' : 'assert'} ${printHead(goal)}${condition};`
  })
  return `test ${printString(test.name.text)} ${braces([...setup, ...assertions])}`
}
