/** Proof trees from answers, bounded in size and depth; and the facts that an answer rests on, all of them. */
import { assert } from '../base/assert.ts'
import type { Fact } from '../base/value.ts'
import type { SourceFile } from '../polar/source.ts'
import { factKey } from './explain-facts.ts'
import type { Answer, Query, Reader, Solution, Use } from './explain-solver.ts'
import { atomText, conditionText, shownAnswer, shownAtom, sourceOf } from './explain-text.ts'
import type { Condition, Proof, RuleSource, ShownAtom } from './explanation.ts'

/** Nodes of one explanation: a proof, a condition or an attempt each. */
const MAX_NODES = 1500
/** Proofs and attempts one inside another. */
export const MAX_DEPTH = 40
/** Facts, and patterns of absent ones, that are listed. */
const MAX_FACTS = 2000
/** Patterns shown beside one negation. */
const MAX_ABSENT = 20

/** Room that all parts of one explanation share. */
export class ExplainRoom {
  #nodes = MAX_NODES
  readonly #shown = new Set<object>()
  truncated = false

  /** False when there is no more room. */
  take(depth: number): boolean {
    if (this.#nodes > 0 && depth < MAX_DEPTH) {
      this.#nodes -= 1
      return true
    }
    this.truncated = true
    return false
  }

  /** False when it was shown before. */
  first(item: object): boolean {
    if (this.#shown.has(item)) return false
    this.#shown.add(item)
    return true
  }
}

export interface ProofContext {
  readonly files: readonly SourceFile[]
  readonly room: ExplainRoom
  /** Whether facts with such arguments can be stored. */
  canStore(predicate: string, classes: Parameters<typeof shownAtom>[0]['classes']): boolean
}

export const proofOf = (answer: Answer, context: ProofContext, depth = 0): Proof => {
  const { support } = answer
  const atom = shownAnswer(answer)
  if (!context.room.take(depth)) return { kind: 'truncated', atom }
  if (support.kind === 'fact') return { kind: 'fact', atom, origin: support.found.origin }
  if (!context.room.first(answer)) return { kind: 'repeated', atom }
  const source = sourceOf(context.files, support.instance.rule.span)
  return { kind: 'rule', atom, source, conditions: conditionsOf(support, context, depth + 1) }
}

/** Conditions that hold, as many as there is room for; those of a part that was split off a rule stand among the others. */
export const conditionsOf = (solution: Solution, context: ProofContext, depth: number): Condition[] => {
  const conditions: Condition[] = []
  for (const use of solution.uses) {
    if (use.kind === 'call' && isPart(use.atom.predicate)) {
      assert(use.answer.support.kind === 'rule', 'a part is a rule')
      conditions.push(...conditionsOf(use.answer.support, context, depth))
      continue
    }
    const source = sourceOf(context.files, use.atom.span)
    if (context.room.take(depth)) conditions.push(conditionOf(use, solution, context, { source, depth }))
    else {
      if (use.kind === 'call') conditions.push({ kind: 'call', source, proof: { kind: 'truncated', atom: shownAnswer(use.answer) } })
      break
    }
  }
  return conditions
}

/** Predicates that a rule was split into (`decompose`). */
export const isPart = (predicate: string): boolean => predicate.startsWith('part#')

interface Place {
  readonly source: RuleSource | null
  readonly depth: number
}

const conditionOf = (use: Use, { state }: Solution, context: ProofContext, { source, depth }: Place): Condition => {
  if (use.kind === 'call') return { kind: 'call', source, proof: proofOf(use.answer, context, depth) }
  const text = conditionText(use.atom, state)
  if (use.kind === 'test') return { kind: 'test', source, text }
  const { absent, blocked } = refutation(use.query, context)
  const because = blocked.flatMap((solution) => conditionsOf(solution, context, depth))
  if (absent.length > MAX_ABSENT) context.room.truncated = true
  return { kind: 'absent', source, text, absent: absent.slice(0, MAX_ABSENT), because }
}

interface Refutation {
  /** Facts that are looked for and not there. */
  readonly absent: readonly ShownAtom[]
  /** What keeps negations inside from holding. */
  readonly blocked: readonly Solution[]
}

/** Why a query has no solution: everything that it reads, directly or not. */
const refutation = (query: Query, context: ProofContext): Refutation => {
  const absent = new Map<string, ShownAtom>()
  const blocked: Solution[] = []
  const seen = new Set<Reader>([query])
  for (const reader of seen) {
    for (const table of reader.reads) seen.add(table)
    blocked.push(...reader.blocked.values())
    if (reader.kind === 'query' || reader.answers.size > 0) continue
    const { predicate, classes } = reader.goal
    if (isPart(predicate) || !context.canStore(predicate, classes)) continue
    const atom = shownAtom(reader.goal)
    absent.set(atomText(atom), atom)
  }
  return { absent: [...absent.values()], blocked }
}

export interface Ground {
  readonly facts: readonly Fact[]
  readonly absent: readonly ShownAtom[]
}

/** Every fact that an answer rests on, and every pattern of facts that it needs not to be there. */
export const groundOf = (answer: Answer, context: ProofContext): Ground => {
  const facts = new Map<string, Fact>()
  const absent = new Map<string, ShownAtom>()
  const seen = new Set<Answer | Query>([answer])
  const follow = (solution: Solution): void => {
    for (const use of solution.uses) {
      if (use.kind === 'call') seen.add(use.answer)
      if (use.kind === 'not') seen.add(use.query)
    }
  }
  for (const item of seen) {
    if ('kind' in item) {
      const found = refutation(item, context)
      for (const atom of found.absent) absent.set(atomText(atom), atom)
      found.blocked.forEach(follow)
    } else if (item.support.kind === 'rule') follow(item.support)
    else facts.set(factKey(item.support.found.fact), item.support.found.fact)
  }
  if (facts.size > MAX_FACTS || absent.size > MAX_FACTS) context.room.truncated = true
  return { facts: [...facts.values()].slice(0, MAX_FACTS), absent: [...absent.values()].slice(0, MAX_FACTS) }
}
