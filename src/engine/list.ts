/** Pages of a dense list: walks the ids of a type in order with the check as a filter, and gives up where answers are sparse. */

import type { PlanBudget } from '../ir/budget.ts'
import type { FactShape } from '../ir/fact-source.ts'
import type { Store } from '../store/facts.ts'
import type { BoundStatement, Inputs } from './binder.ts'
import type { ListPage } from './engine.ts'
import type { QuestionPlanner } from './plan-question.ts'
import { prepareWalk } from './prepared.ts'
import { type Question, questionKey } from './question.ts'

/** Ids looked at per statement, and misses after which the set plan is cheaper. */
const MIN_CHUNK = 100
const MAX_CHUNK = 1000
const MAX_MISSES = 2000

/** What planning a walk takes. */
interface Planning {
  readonly shapes: () => readonly FactShape[]
  readonly budget: PlanBudget
}

export class ListWalker {
  readonly #store: Store
  readonly #planner: QuestionPlanner
  readonly #prepared = new Map<string, { readonly question: Question; readonly statement: BoundStatement | null }>()

  constructor(store: Store, planner: QuestionPlanner) {
    this.#store = store
    this.#planner = planner
  }

  /** The page, or null when walking does not suit this question or its answers. The last variable is the one asked for. */
  page(
    question: Question,
    inputs: Inputs,
    wanted: {
      readonly size: number
      readonly after: string | null
      readonly shapes: () => readonly FactShape[]
      readonly budget: PlanBudget
    },
  ): ListPage | null {
    const walked = question.variables.at(-1)
    if (!walked?.type || walked.type === 'Integer' || walked.type === 'Boolean') return null
    const statement = this.prepare(question, wanted)
    if (!statement) return null
    const ids: string[] = []
    let after = wanted.after === null || wanted.after === '*' ? '' : wanted.after
    let misses = 0
    // One id more than asked for tells whether another page follows.
    while (ids.length <= wanted.size) {
      const limit = Math.min(Math.max(wanted.size + 1 - ids.length, MIN_CHUNK), MAX_CHUNK)
      const rows = statement.bind({ ...inputs, given: inputs.given, control: { type: walked.type, after, limit } }).all()
      for (const [key, holds] of rows) {
        after = String(key)
        if (holds === 1) ids.push(after)
        else misses += 1
      }
      if (rows.length < limit) break
      if (misses > MAX_MISSES) return null
    }
    return { ids: ids.slice(0, wanted.size), more: ids.length > wanted.size }
  }

  clear(): void {
    for (const { statement } of this.#prepared.values()) statement?.finalize()
    this.#prepared.clear()
  }

  /** Every question that was walked, or found to be none to walk. */
  questions(): Question[] {
    return Array.from(this.#prepared.values(), ({ question }) => question)
  }

  /** The statement that walks, null for a question that is none to walk. */
  prepare(question: Question, { shapes, budget }: Planning): BoundStatement | null {
    const key = questionKey(question)
    let found = this.#prepared.get(key)
    if (found === undefined) {
      found = { question, statement: this.#prepare(question, shapes(), budget) }
      this.#prepared.set(key, found)
    }
    return found.statement
  }

  /** A wildcard answer would make the check hold for ids that the list does not name, so such questions are not walked. */
  #prepare(question: Question, shapes: readonly FactShape[], budget: PlanBudget): BoundStatement | null {
    const open = this.#planner.plan(question, shapes, budget)
    if (open.answerings.some(({ relation }) => [...relation.variants.keys()].some((pattern) => pattern !== 'c'))) return null
    const walked = question.variables.at(-1)
    if (!walked) return null
    const asked: Question = {
      ...question,
      variables: question.variables.map((item) => (item === walked ? { ...item, mode: 'walked' } : item)),
    }
    return prepareWalk(this.#store, this.#planner.plan(asked, shapes, budget), walked.name)
  }
}
