/** Questions in the form that refusals and ground checks are about: calls over variables. */
import { unreachable } from '../../src/base/assert.ts'
import type { Value } from '../../src/base/value.ts'
import type { OpenQuestion } from '../oracle/oracle.ts'
import { ask, conjunctive } from '../oracle/oracle.ts'
import type { Question } from './question.ts'

export const openQuestions = (question: Question): OpenQuestion[] => {
  switch (question.kind) {
    case 'authorize':
      return [
        ask('allow', [given(question.actor), text(question.action), ...(question.resource === null ? [] : [given(question.resource)])]),
      ]
    case 'resources':
      return question.resources.map((resource) => ask('allow', [given(question.actor), text(question.action), given(resource)]))
    case 'list':
      return [ask('allow', [given(question.actor), text(question.action), { type: question.type, ids: null }])]
    case 'actions':
      return [ask('allow', [given(question.actor), { type: 'String', ids: null }, given(question.resource)])]
    case 'query':
      return [conjunctive(question.query)]
    case 'match':
      return [
        ask(
          question.predicate,
          question.args.map(({ type, id }) => ({ type, ids: id === null ? null : [id] })),
        ),
      ]
    default:
      return unreachable(question)
  }
}

const given = ({ type, id }: Value): { type: string; ids: string[] } => ({ type, ids: [id] })
const text = (id: string): { type: string; ids: string[] } => ({ type: 'String', ids: [id] })
