/** Random programs asked through a rule of their own that fails for values of many types: every rule that gives any of them could have matched. */
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreRule } from '../../src/check/core.ts'
import { acceptsFact } from '../../src/check/signatures.ts'
import type { Asked } from '../support/question.ts'
import type { Random } from './prng.ts'
import { randomOf, times } from './prng.ts'
import { type Check, policyText, type RandomWorld } from './random-world.ts'
import { entityTypes, literalText, randomValue, resourceTypes, unixSeconds } from './vocabulary.ts'

export interface Probe {
  readonly policy: CheckedPolicy
  readonly facts: readonly Fact[]
  readonly questions: readonly Asked[]
}

/** Values that the actor of each question is near to, and values that these are near to. */
const NEAR = 5
const QUESTIONS = 3
const ACTION = 'probe'
/** Arguments that are known, so that this is asked before what rules give. */
const nearly = ['one', 'of'].map((id): Value => ({ type: 'String', id }))

/** The world's program with rules per type that ask for its derived predicates. Null when there are none. */
export const randomProbe = (seed: number, world: RandomWorld, policy: CheckedPolicy, check: Check): Probe | null => {
  const random = randomOf(seed)
  const derived = policy.rules.filter(({ predicate, params }) => predicate !== 'allow' && params.length > 0)
  if (derived.length === 0) return null
  const asked = random.chance(0.7) ? `${nearText('actor', 'x')} and reached(actor, x)` : 'reached(actor, x) and far(x)'
  let text = `${policyText(world.items)}allow(actor: Actor, "${ACTION}", _: Resource) if ${asked};\n`
  for (const type of entityTypes) {
    const more = `${text}reached(actor: Actor, x: ${type}) if ${conditionText(random, random.pick(derived))};\n`
    if (check(more)) text = more
  }
  const probed = check(text)
  if (probed === null) return null
  const questions = times(QUESTIONS, () => ({
    actor: randomValue(random, 'Actor'),
    resource: randomValue(random, random.pick(resourceTypes)),
  }))
  const facts = questions.flatMap(({ actor }) => randomNear(random, actor))
  return {
    policy: probed,
    // One rule more may narrow what facts of a predicate are accepted.
    facts: [...world.facts, ...facts].filter((fact) => acceptsFact(probed, fact)),
    questions: questions.map((of) => ({ question: { kind: 'authorize', action: ACTION, ...of }, contextFacts: [], unixSeconds })),
  }
}

/** What is near to a value, and one thing that is near to each of these. */
const randomNear = (random: Random, value: Value): Fact[] =>
  times(NEAR, () => randomValue(random, random.pick(entityTypes))).flatMap((other) => [
    nearFact(value, other),
    nearFact(other, randomValue(random, random.pick(entityTypes))),
  ])

const nearFact = (from: Value, to: Value): Fact => ({ predicate: 'near', args: [from, ...nearly, to] })

const nearText = (from: string, to: string): string => `near(${[from, ...nearly.map(literalText), to].join(', ')})`

/** Its arguments are those of the rule, or near to them, or anything; names are the predicate's own. */
const conditionText = (random: Random, { predicate, params }: CoreRule): string => {
  const args = params.map((param) =>
    param.kind === 'value' && param.value.type === 'String' ? literalText(param.value) : random.pick(['actor', 'x', 'x', 'y']),
  )
  const call = `${predicate}(${args.join(', ')})`
  if (!args.includes('y')) return call
  return `${call} and ${random.chance(0.7) ? nearText('x', 'y') : 'far(y)'}`
}
