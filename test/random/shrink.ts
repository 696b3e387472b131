/** Makes a failing random case small: leaves out whatever it fails without. */
import type { Fact } from '../../src/base/value.ts'
import type { Asked } from '../support/question.ts'
import { askedText } from '../support/question-text.ts'
import { factText } from '../support/world-text.ts'
import type { Item } from './item.ts'
import { policyText } from './random-world.ts'

/** One question that goes wrong. */
export interface Case {
  readonly items: readonly Item[]
  readonly facts: readonly Fact[]
  readonly asked: Asked
}

/** The smallest case found that still fails, within `attempts` tries. */
export const shrink = (start: Case, fails: (candidate: Case) => boolean, attempts: number): Case => {
  let best = start
  let left = attempts
  for (let smaller: Case | undefined = best; smaller !== undefined; ) {
    smaller = undefined
    for (const candidate of candidates(best)) {
      if (left-- <= 0) return best
      if (!fails(candidate)) continue
      smaller = candidate
      best = candidate
      break
    }
  }
  return best
}

function* candidates(start: Case): Generator<Case> {
  // Halves first: most of a random program has nothing to do with its failure.
  for (const items of without(start.items)) yield { ...start, items }
  for (const facts of without(start.facts)) yield { ...start, facts }
  for (const contextFacts of without(start.asked.contextFacts)) yield { ...start, asked: { ...start.asked, contextFacts } }
  for (const [index, item] of start.items.entries()) {
    for (const parts of without(item.parts)) yield { ...start, items: start.items.with(index, { ...item, parts }) }
  }
}

function* without<T>(list: readonly T[]): Generator<T[]> {
  if (list.length > 3) {
    const half = Math.floor(list.length / 2)
    yield list.slice(half)
    yield list.slice(0, half)
  }
  for (let index = 0; index < list.length; index++) yield list.toSpliced(index, 1)
}

/** The case as a world: paste it into `test/corpus`, with the right answer. */
export const worldText = ({ items, facts, asked }: Case, expected: string): string =>
  ['--- policy', policyText(items), '--- facts', ...facts.map(factText), '', '--- expect', `${askedText(asked)} = ${expected}`, ''].join(
    '\n',
  )
