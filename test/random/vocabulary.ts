/** The few names that random programs are made of: few, so that things meet. */
import type { Value } from '../../src/base/value.ts'
import type { Random } from './prng.ts'

export const actorTypes = ['User', 'Bot', 'Team']
export const resourceTypes = ['Folder', 'Doc']
export const entityTypes = [...actorTypes, ...resourceTypes]
/** As often as programs and questions should use them. */
export const usualTypes = ['User', 'User', 'User', 'User', 'Bot', 'Team', 'Folder', 'Folder', 'Folder', 'Folder', 'Doc', 'Doc']
export const roles = ['viewer', 'editor', 'banned']
export const permissions = ['read', 'write', 'hide']
export const globalRoles = ['root', 'guest']
export const globalPermissions = ['enter']
/** The request's clock: small, so that it meets the integers of the facts. */
export const unixSeconds = 2

/** The first are meant more often. */
const words = [...roles, ...permissions, 'viewer', 'viewer', 'read', 'read', 'parent', 'owner', 'a']

/** A value of the type; `Actor` and `Resource` are values of one of their members. */
export const randomValue = (random: Random, type: string): Value => {
  if (type === 'Actor') return randomValue(random, random.pick(['User', 'User', 'User', ...actorTypes]))
  if (type === 'Resource') return randomValue(random, random.pick(usualTypes))
  if (type === 'Integer') return { type, id: String(random.below(4)) }
  if (type === 'Boolean') return { type, id: random.chance(0.5) ? 'true' : 'false' }
  if (type === 'String') return { type, id: random.pick(words) }
  return { type, id: `${type.slice(0, 1).toLowerCase()}${random.chance(0.93) ? random.below(2) : 2}` }
}

/** As a policy writes it. */
export const literalText = ({ type, id }: Value): string => {
  if (type === 'Integer' || type === 'Boolean') return id
  return type === 'String' ? JSON.stringify(id) : `${type}{${JSON.stringify(id)}}`
}
