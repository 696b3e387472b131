/** The questions of the bench, put to an engine. */
import { known } from '../../src/base/assert.ts'
import type { Engine, ListPage } from '../../src/engine/engine.ts'
import type { CheckQuestion } from './questions.ts'
import type { Action } from './reference.ts'
import { plainRequest } from './world.ts'

const user = (id: string) => ({ type: 'User', id }) as const

export const askCheck = (engine: Engine, question: Omit<CheckQuestion, 'allowed'>): boolean =>
  engine.authorize(user(question.user), question.action, { type: 'Issue', id: question.issue }, plainRequest)

export const askList = (engine: Engine, id: string, action: Action): string[] => engine.list(user(id), action, 'Issue', plainRequest)

export const askPage = (engine: Engine, id: string, page: { readonly size: number; readonly after: string | null }): ListPage =>
  engine.listPage(user(id), 'read', { resourceType: 'Issue', ...page }, plainRequest)

export const askSubjects = (engine: Engine, issue: string, action: Action): string[] => {
  const rows = engine.query(
    {
      calls: [{ predicate: 'allow', args: ['actor', 'action', 'resource'] }],
      constraints: {
        actor: { type: 'User', ids: null },
        action: { type: 'String', ids: [action] },
        resource: { type: 'Issue', ids: [issue] },
      },
    },
    plainRequest,
  )
  return rows.map((row) => known(row['actor'], 'every row names an actor'))
}
