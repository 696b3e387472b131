/** Writes questions as worlds do, so that a failing one can be kept as a world. */
import { unreachable } from '../../src/base/assert.ts'
import type { ConjunctiveQuery } from '../../src/engine/engine.ts'
import type { Asked, Question } from './question.ts'
import { factText, idText, patternText, valueText } from './world-text.ts'

export const questionText = (question: Question): string => {
  switch (question.kind) {
    case 'authorize':
      return `authorize ${valueText(question.actor)} ${idText(question.action)}${question.resource ? ` ${valueText(question.resource)}` : ''}`
    case 'resources':
      return `resources ${valueText(question.actor)} ${idText(question.action)} {${question.resources.map(valueText).join(', ')}}`
    case 'list':
      return `list ${valueText(question.actor)} ${idText(question.action)} ${question.type}`
    case 'actions':
      return `actions ${valueText(question.actor)} ${valueText(question.resource)}`
    case 'query':
      return `query ${queryText(question.query)}`
    case 'match':
      return `match ${question.predicate}(${question.args.map(patternText).join(', ')})`
    default:
      return unreachable(question)
  }
}

/** A variable is typed where it first stands. */
const queryText = ({ calls, constraints }: ConjunctiveQuery): string => {
  const seen = new Set<string>()
  const argument = (name: string): string => {
    const constraint = constraints[name]
    if (seen.has(name) || constraint === undefined) return name
    const { type, ids } = constraint
    if (name.startsWith('#') && ids?.[0] !== undefined) return valueText({ type, id: ids[0] })
    seen.add(name)
    return `${name}: ${type}${ids === null ? '' : ` {${ids.map(idText).join(', ')}}`}`
  }
  return calls.map(({ predicate, args }) => `${predicate}(${args.map(argument).join(', ')})`).join(' and ')
}

/** The question with its context, as the lines of a section. */
export const askedText = ({ question, contextFacts, unixSeconds }: Asked): string =>
  [...contextFacts.map((fact) => `with ${factText(fact)}`), `now ${unixSeconds}`, questionText(question)].join('\n')
