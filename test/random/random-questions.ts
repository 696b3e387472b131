/** Random questions of every kind: some at random, some aimed at what is true. */
import { at } from '../../src/base/assert.ts'
import type { Value, ValuePattern } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { ConjunctiveQuery, Constraint } from '../../src/engine/engine.ts'
import type { Question } from '../support/question.ts'
import type { Random } from './prng.ts'
import { times } from './prng.ts'
import { entityTypes, globalPermissions, permissions, randomValue, resourceTypes, usualTypes } from './vocabulary.ts'

export const randomQuestion = (random: Random, policy: CheckedPolicy): Question => {
  const actor = randomValue(random, 'Actor')
  const action = random.pick(permissions)
  const resource = randomValue(random, random.pick(random.chance(0.8) ? resourceTypes : entityTypes))
  const roll = random.below(20)
  if (roll < 3) return { kind: 'authorize', actor, action, resource }
  if (roll < 4) return { kind: 'authorize', actor, action: random.pick(globalPermissions), resource: null }
  if (roll < 5)
    return { kind: 'resources', actor, action, resources: times(random.below(4), () => randomValue(random, random.pick(resourceTypes))) }
  if (roll < 8) return { kind: 'list', actor, action, type: resource.type }
  if (roll < 10) return { kind: 'actions', actor, resource }
  if (roll < 12) return { kind: 'query', query: randomQuery(random, policy, ['allow/3']) }
  if (roll < 17) return { kind: 'query', query: randomQuery(random, policy, predicatesOf(random, policy)) }
  return randomMatch(random, policy)
}

const predicatesOf = (random: Random, policy: CheckedPolicy): string[] =>
  times(random.pick([1, 1, 1, 1, 2, 2, 3]), () => random.pick([...policy.predicates]))

const parse = (key: string): { predicate: string; length: number } => {
  const split = key.lastIndexOf('/')
  return { predicate: key.slice(0, split), length: Number(key.slice(split + 1)) }
}

const everyType = [...usualTypes, 'String', 'String', 'Integer', 'Boolean']

/** A type that each position takes, mostly. */
const typesFor = (random: Random, policy: CheckedPolicy, key: string): string[] => {
  const { predicate, length } = parse(key)
  const signatures = policy.signatures.filter((signature) => signature.predicate === predicate && signature.positions.length === length)
  return times(length, (position) => {
    const known = signatures.flatMap(({ positions }) => at(positions, position).types ?? everyType)
    return known.length > 0 && random.chance(0.9) ? random.pick(known) : random.pick(everyType)
  })
}

const randomQuery = (random: Random, policy: CheckedPolicy, keys: readonly string[]): ConjunctiveQuery => {
  const constraints = new Map<string, Constraint>()
  const calls = keys.map((key) => ({
    predicate: parse(key).predicate,
    args: typesFor(random, policy, key).map((type) => {
      const same = [...constraints].filter(([, constraint]) => constraint.type === type).map(([name]) => name)
      if (same.length > 0 && random.chance(0.5)) return random.pick(same)
      const ids = randomIds(random, type)
      const name = ids?.length === 1 ? `#${constraints.size}` : `v${constraints.size}`
      constraints.set(name, { type, ids })
      return name
    }),
  }))
  return { calls, constraints: Object.fromEntries(constraints) }
}

const randomIds = (random: Random, type: string): string[] | null => {
  const count = random.pick([null, null, null, null, 1, 1, 2, 3])
  if (count === null) return null
  return [...new Set(times(count, () => randomValue(random, type).id))]
}

const randomMatch = (random: Random, policy: CheckedPolicy): Question => {
  const key = random.pick([...policy.predicates])
  const args = typesFor(random, policy, key).map((type): ValuePattern => {
    const roll = random.below(3)
    return roll === 0 ? { type: null, id: null } : roll === 1 ? { type, id: null } : randomValue(random, type)
  })
  return { kind: 'match', predicate: parse(key).predicate, args }
}

/** A question around a true atom of the predicate: some of its values given, others asked for; null when nothing is known to be true. */
export const aimedQuestion = (
  random: Random,
  policy: CheckedPolicy,
  atoms: (predicate: string, length: number) => readonly (readonly ValuePattern[])[],
): Question | null => {
  const derived = policy.rules.map((rule) => `${rule.predicate}/${rule.params.length}`)
  const key = random.chance(0.4) ? 'allow/3' : random.pick([...derived, ...policy.predicates])
  const { predicate, length } = parse(key)
  const rows = atoms(predicate, length)
  if (rows.length === 0) return null
  const row = random.pick(rows).map(({ type, id }): Value => {
    const value = randomValue(random, type ?? random.pick(usualTypes))
    return id === null ? value : { ...value, id }
  })
  return key === 'allow/3' && random.chance(0.7) ? aboutAllow(random, row) : { kind: 'query', query: around(random, predicate, row) }
}

const aboutAllow = (random: Random, row: readonly Value[]): Question => {
  const [actor, action, resource] = [at(row, 0), at(row, 1).id, at(row, 2)]
  const roll = random.below(4)
  if (roll === 0) return { kind: 'authorize', actor, action, resource }
  if (roll === 1) return { kind: 'actions', actor, resource }
  if (roll === 2) return { kind: 'resources', actor, action, resources: [resource, randomValue(random, resource.type), resource] }
  return { kind: 'list', actor, action, type: resource.type }
}

const around = (random: Random, predicate: string, row: readonly Value[]): ConjunctiveQuery => {
  const constraints: Record<string, Constraint> = {}
  const args = row.map(({ type, id }, index) => {
    const ids = random.pick([null, null, [id], [...new Set([id, randomValue(random, type).id])]])
    const name = ids?.length === 1 ? `#${index}` : `v${index}`
    constraints[name] = { type, ids }
    return name
  })
  return { calls: [{ predicate, args }], constraints }
}
