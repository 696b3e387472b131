/** Random facts that a policy accepts. */
import type { Fact } from '../../src/base/value.ts'
import type { CheckedPolicy, FactSignature } from '../../src/check/core.ts'
import type { Random } from './prng.ts'
import { times } from './prng.ts'
import { randomValue, usualTypes } from './vocabulary.ts'

const everyType = [...usualTypes, ...usualTypes, 'String', 'Integer', 'Boolean']

export const randomFacts = (random: Random, policy: CheckedPolicy, count: number): Fact[] => {
  const usable = policy.signatures.filter(({ positions }) => positions.length >= 1 && positions.length <= 5)
  if (usable.length === 0) return []
  const predicates = [...new Set(usable.map(({ predicate, positions }) => `${predicate}/${positions.length}`))]
  return times(count, () => {
    // By predicate first: blocks give the named ones many signatures, and the others should get facts too.
    const predicate = random.pick(predicates)
    return randomFact(
      random,
      random.pick(usable.filter((signature) => `${signature.predicate}/${signature.positions.length}` === predicate)),
    )
  })
}

const randomFact = (random: Random, { predicate, positions }: FactSignature): Fact => ({
  predicate,
  args: positions.map(({ types, name }) =>
    name === null ? randomValue(random, random.pick(types ?? everyType)) : { type: 'String', id: name },
  ),
})
