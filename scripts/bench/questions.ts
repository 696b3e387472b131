/** Questions as a busy system asks them: few users ask most, three of five are allowed. */
import { at } from '../../src/base/assert.ts'
import type { Value } from '../../src/base/value.ts'
import type { Answers } from './data-set.ts'
import { Random, zipf } from './random.ts'

export interface CheckQuestion {
  readonly user: string
  readonly action: string
  readonly resource: Value
  readonly allowed: boolean
}

const ALLOWED_SHARE = 0.6
/** Denied questions about a resource that the user has nothing to do with; the others are about a near miss. */
const FOREIGN_SHARE = 0.5

/** Zipf subjects over all users in shuffled order; what is asked of each is spread evenly. */
export const checkQuestions = (reference: Answers, count: number, seed: number): CheckQuestion[] => {
  const random = new Random(seed)
  const users = new Random(0).shuffled(reference.users())
  const resources = reference.resources()
  const resource = (id: string): Value => ({ type: reference.resourceType, id })
  const draw = zipf(users.length)
  // The answers of frequent users are asked for again and again.
  const lists = new Map<string, readonly string[]>()
  const listOf = (user: string, action: string): readonly string[] => {
    const key = `${user} ${action}`
    const found = lists.get(key) ?? reference.list(user, action)
    lists.set(key, found)
    return found
  }
  const next = (): CheckQuestion | null => {
    const user = at(users, draw(random))
    const action = drawAction(random, reference.actions)
    const own = listOf(user, action)
    if (random.chance(ALLOWED_SHARE)) return own.length === 0 ? null : { user, action, resource: resource(random.pick(own)), allowed: true }
    const near = listOf(user, at(reference.actions, 0))
    const id =
      random.chance(FOREIGN_SHARE) || near.length === 0 ? random.pick(resources) : random.pick(reference.neighbours(random.pick(near)))
    return reference.allowed(user, action, id) ? null : { user, action, resource: resource(id), allowed: false }
  }
  const questions: CheckQuestion[] = []
  while (questions.length < count) {
    const question = next()
    if (question !== null) questions.push(question)
  }
  return questions
}

const drawAction = (random: Random, actions: readonly string[]): string => {
  const draw = random.below(10)
  return at(actions, draw < 7 ? 0 : draw < 9 ? 1 : 2)
}
