/** What is asked of a cell over HTTP: questions of the data set with their answers, and writes that do not touch it. */
import type { Fact } from '../../src/base/value.ts'
import type { Sent } from './connection.ts'
import type { CheckQuestion } from './questions.ts'

type Request = Omit<Sent, 'key'>

export const checkOf = ({ user, action, resource }: Omit<CheckQuestion, 'allowed'>): Request => ({
  path: '/api/authorize',
  body: JSON.stringify({
    actor_type: 'User',
    actor_id: user,
    action,
    resource_type: resource.type,
    resource_id: resource.id,
    context_facts: [],
  }),
})

export const answerOf = (allowed: boolean): string => JSON.stringify({ allowed })

export const batchOf = (inserts: readonly Fact[]): Request => ({ path: '/api/batch', body: JSON.stringify([{ inserts }]) })

/** Of a repository that the data set does not have: whoever has a role on it may read its issue. */
const repository = { type: 'Repository', id: 'repo_bench' }
const issue = { type: 'Issue', id: 'iss_bench' }

export const issueOfWrites: Fact = { predicate: 'has_relation', args: [issue, { type: 'String', id: 'repository' }, repository] }

/** A new user's role, by a name that comes once in a run. */
export const grantTo = (user: string): Fact => ({
  predicate: 'has_role',
  args: [{ type: 'User', id: user }, { type: 'String', id: 'reader' }, repository],
})

export const grants = (name: string, count: number): Fact[] => Array.from({ length: count }, (_, number) => grantTo(`${name}_${number}`))

export const checkGrant = (user: string): Request => checkOf({ user, action: 'read', resource: issue })
