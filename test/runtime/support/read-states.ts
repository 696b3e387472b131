/** Environments that lines of the checklist are asked of. */
import { type Asker, value } from './harness.ts'
import { basic, wild } from './policies.ts'
import type { ReadPlace, ReadState } from './read-place.ts'

/** What most lines are asked of. */
export const mainState: ReadState = {
  policies: [basic],
  facts: [
    'has_role(User:ana, String:writer, Repo:r2)',
    'has_role(User:ana, String:reader, Repo:r10)',
    'has_role(User:ana, String:member, Org:o1)',
    'has_relation(Repo:r1, String:org, Org:o1)',
    'has_relation(Repo:r2, String:org, Org:o1)',
  ],
}
const wideState: ReadState = { policies: [wild], facts: ['has_role(User:ana, String:reader, Repo:r1)'] }

export const main = async (place: ReadPlace): Promise<Asker> => (await place.world(mainState)).ask
export const wideOf = async (place: ReadPlace): Promise<Asker> => (await place.world(wideState)).ask

/** `User:ana read Repo`. */
export const list = async (on: Asker, question: string, more: object = {}) => {
  const [actor = '', action, type] = question.split(' ')
  const { type: actorType, id: actorId } = value(actor)
  return on.post('/api/list', { actor_type: actorType, actor_id: actorId, action, resource_type: type, ...more })
}
