/** A random program with facts and questions, made from a seed. */
import type { Fact, ValuePattern } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { createOracle } from '../oracle/oracle.ts'
import type { Asked } from '../support/question.ts'
import { answer, requestOf } from '../support/question.ts'
import type { Item } from './item.ts'
import { itemText } from './item.ts'
import type { Random } from './prng.ts'
import { randomOf } from './prng.ts'
import { randomBlocks } from './random-blocks.ts'
import { randomFacts } from './random-facts.ts'
import { randomIdioms } from './random-idioms.ts'
import { aimedQuestion, randomQuestion } from './random-questions.ts'
import { randomPredicates, randomRules } from './random-rules.ts'
import { unixSeconds } from './vocabulary.ts'

export interface RandomWorld {
  readonly seed: number
  readonly items: readonly Item[]
  readonly facts: readonly Fact[]
  /** Written when the questions were asked once, while every third of the others goes. */
  readonly later: readonly Fact[]
  readonly questions: readonly Asked[]
}

/** The checked form of a policy text, or null when it has errors. */
export type Check = (text: string) => CheckedPolicy | null

export const policyText = (items: readonly Item[]): string => `${items.map(itemText).join('\n')}\n`

/** The world of a seed, or null when its program has errors. */
export const randomWorld = (seed: number, questions: number, check: Check): RandomWorld | null => {
  const random = randomOf(seed)
  const items = randomItems(random, check)
  const policy = items && check(policyText(items))
  if (!policy) return null
  const all = randomFacts(random, policy, 10 + random.below(35))
  // Facts that the others were made with say more in a question than new ones.
  const held = Math.min(random.below(6), all.length)
  const facts = all.slice(held)
  const contexts = [[], [], all.slice(0, held), all.slice(0, held), randomFacts(random, policy, 1 + random.below(3))]
  const oracle = createOracle(policy, facts)
  const asked = Array.from({ length: questions }, (): Asked => {
    const contextFacts = random.pick(contexts)
    const aimed = random.chance(0.6)
      ? aimedQuestion(random, policy, (predicate, length) => trueAtoms(oracle, predicate, length, contextFacts))
      : null
    return { question: aimed ?? randomQuestion(random, policy), contextFacts, unixSeconds }
  })
  return { seed, items, facts, later: all.slice(0, held), questions: asked }
}

/** What is true of a predicate, as far as it can be enumerated. */
const trueAtoms = (oracle: Oracle, predicate: string, length: number, contextFacts: readonly Fact[]): (readonly ValuePattern[])[] => {
  const args = Array.from({ length }, (): ValuePattern => ({ type: null, id: null }))
  const asked: Asked = { question: { kind: 'match', predicate, args }, contextFacts, unixSeconds }
  return answer(oracle, asked).refused ? [] : oracle.match(predicate, args, requestOf(asked)).map((match) => match.args)
}

/** Rules are added one by one; one that makes the program wrong is left out. */
const randomItems = (random: Random, check: Check): Item[] | null => {
  const blocks = randomBlocks(random)
  const rules = [...randomIdioms(random), ...randomRules(random, randomPredicates(random))]
  let items: Item[] = []
  for (const item of [...blocks, ...rules]) {
    const more = [...items, item]
    if (check(policyText(more))) items = more
    else if (item.kind === 'block') items = withValidParts(items, item, check)
  }
  return items.length === 0 ? null : items
}

/** A block without the lines that are wrong so far. */
const withValidParts = (items: readonly Item[], block: Item, check: Check): Item[] => {
  let kept: Item = { ...block, parts: [] }
  for (const part of block.parts) {
    const more = { ...kept, parts: [...kept.parts, part] }
    if (check(policyText([...items, more]))) kept = more
  }
  return [...items, kept]
}
