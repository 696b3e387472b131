/** The questions of the bench, put to an engine. */
import { known } from '../../src/base/assert.ts'
import type { Value } from '../../src/base/value.ts'
import type { Engine, ListPage } from '../../src/engine/engine.ts'
import type { CheckQuestion } from './questions.ts'
import { plainRequest } from './world.ts'

const user = (id: string) => ({ type: 'User', id }) as const

export const askCheck = (engine: Engine, question: Omit<CheckQuestion, 'allowed'>): boolean =>
  engine.authorize(user(question.user), question.action, question.resource, plainRequest)

/** What is asked of all resources of a type. */
export interface ListQuestion {
  readonly action: string
  readonly resourceType: string
}

export const askList = (engine: Engine, id: string, { action, resourceType }: ListQuestion): string[] =>
  engine.list(user(id), action, resourceType, plainRequest)

export const askPage = (
  engine: Engine,
  id: string,
  { action, resourceType, ...page }: ListQuestion & { readonly size: number; readonly after: string | null },
): ListPage => engine.listPage(user(id), action, { resourceType, ...page }, plainRequest)

export const askSubjects = (engine: Engine, resource: Value, action: string): string[] => {
  const rows = engine.query(
    {
      calls: [{ predicate: 'allow', args: ['actor', 'action', 'resource'] }],
      constraints: {
        actor: { type: 'User', ids: null },
        action: { type: 'String', ids: [action] },
        resource: { type: resource.type, ids: [resource.id] },
      },
    },
    plainRequest,
  )
  return rows.map((row) => known(row['actor'], 'every row names an actor'))
}
