/** Explains a decision: a proof for an allow; for a deny what each rule lacks. The decision itself is the engine's. */
import { assert } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { Fact, Value } from '../base/value.ts'
import type { CheckedPolicy } from '../check/core.ts'
import { acceptsTypes } from '../check/signatures.ts'
import { PlanBudget, TooComplex } from '../ir/budget.ts'
import type { PositionClass } from '../ir/terms.ts'
import type { Store } from '../store/facts.ts'
import { type Engine, QueryError, type Request } from './engine.ts'
import { AttemptFinder } from './explain-attempts.ts'
import { ExplainBudget, ExplainLimit } from './explain-budget.ts'
import { ExplainFacts } from './explain-facts.ts'
import type { Missing } from './explain-missing.ts'
import { NewValues } from './explain-new-values.ts'
import { ExplainProgram, possibleShapes, presentShapes } from './explain-program.ts'
import { ExplainRoom, groundOf, type ProofContext, proofOf } from './explain-proof.ts'
import { type Goal, Solver } from './explain-solver.ts'
import { groundPattern } from './explain-terms.ts'
import type { Explanation } from './explanation.ts'
import { guarded } from './guarded.ts'
import { Constants, constantsOf } from './question.ts'
import { canonicalValue } from './values.ts'

export interface Explained {
  readonly engine: Engine
  readonly store: Store
  readonly policy: CheckedPolicy
}

/** `resource` null: a global permission. */
export interface ExplainQuestion {
  readonly actor: Value
  readonly action: string
  readonly resource: Value | null
}

type Why = Pick<Explanation, 'proof' | 'facts' | 'absent' | 'attempts' | 'truncated'> & { readonly missing: Missing | null }

const nothing: Why = { proof: null, facts: [], absent: [], attempts: [], missing: null, truncated: false }

/** Throws QueryError where `authorize` does. What takes more work than `limits.explainSteps` is left out, and marked so. */
export const explain = (explained: Explained, question: ExplainQuestion, request: Request): Explanation => {
  const { engine, store, policy } = explained
  const { actor, action, resource } = question
  const allowed = decide(engine, question, request)
  const given = [actor, { type: 'String', id: action }, ...(resource === null ? [] : [resource])]
  const values = given.map(canonicalValue).filter((value) => value !== null)
  const decision = { allowed, atom: { predicate: 'allow', args: given } }
  // An id that is none of its type equals nothing.
  if (values.length < given.length) return { ...decision, ...nothing, missing: null }
  const why = guardedWhy(store, request, (late) => {
    const parts = new Explainer(explained, values, request, late)
    return parts.run((program) => (allowed ? parts.allow(program) : parts.deny(program)))
  })
  const { missing } = why
  if (missing === null) return { ...decision, ...why, missing: null }
  const works = decideWith(explained.engine, question, { ...request, contextFacts: [...request.contextFacts, ...missing.facts] })
  assert(works !== false, `facts that are told to be missing give an allow by policy ${policy.files[0]?.name ?? ''}`)
  return { ...decision, ...why, missing: works ? missing.atoms : null }
}

const decide = (engine: Engine, { actor, action, resource }: ExplainQuestion, request: Request): boolean =>
  resource === null ? engine.authorizeGlobal(actor, action, request) : engine.authorize(actor, action, resource, request)

/** Null when the question is refused with these facts: it takes too long. */
const decideWith = (engine: Engine, question: ExplainQuestion, request: Request): boolean | null => {
  try {
    return decide(engine, question, request)
  } catch (error) {
    if (error instanceof QueryError) return null
    throw error
  }
}

/** What is too much is left out. */
const guardedWhy = (store: Store, request: Request, work: (late: () => boolean) => Why): Why => {
  const { nowMs, timeoutMs } = request
  const endMs = nowMs ? nowMs() + timeoutMs : 0
  try {
    return guarded(store.database, request, () => work(() => nowMs !== null && nowMs() > endMs))
  } catch (error) {
    if (error instanceof ExplainLimit || error instanceof TooComplex || error instanceof QueryError) return { ...nothing, truncated: true }
    throw error
  }
}

/** Whether the policy accepts facts with such arguments, whether there are any or not. */
const canStore = (policy: CheckedPolicy, predicate: string, classes: readonly PositionClass[]): boolean => {
  const types = classes.flatMap((item) => (item.kind === 'open' ? [] : [item.kind === 'typed' ? item.type : item.value.type]))
  return types.length === classes.length && acceptsTypes(policy, { predicate, types })
}

/** What one explanation works with. */
class Explainer {
  readonly #explained: Explained
  readonly #values: readonly Value[]
  readonly #request: Request
  readonly #late: () => boolean
  readonly #budget: ExplainBudget
  readonly #facts: ExplainFacts
  readonly #constants: Constants
  readonly #room = new ExplainRoom()

  constructor(explained: Explained, values: readonly Value[], request: Request, late: () => boolean) {
    this.#explained = explained
    this.#values = values
    this.#request = request
    this.#late = late
    this.#budget = new ExplainBudget(limits.explainSteps, late)
    this.#constants = new Constants(constantsOf(explained.policy))
    const { store, policy } = explained
    this.#facts = new ExplainFacts({
      store,
      policy,
      constants: this.#constants,
      contextFacts: request.contextFacts,
      budget: this.#budget,
    })
  }

  /** With every signature that facts may have, so that absent ones are told too; with those that there are where that is too much. */
  run(work: (program: ExplainProgram) => Why): Why {
    const { store, policy } = this.#explained
    const present = presentShapes(store, policy, this.#request.contextFacts)
    try {
      return work(new ExplainProgram(policy, possibleShapes(policy, present, this.#values), new PlanBudget(this.#late)))
    } catch (error) {
      if (!(error instanceof TooComplex)) throw error
      return { ...work(new ExplainProgram(policy, present, new PlanBudget(this.#late))), truncated: true }
    }
  }

  allow(program: ExplainProgram): Why {
    const answer = this.#solver(program, []).first(this.#goal())
    assert(answer, 'what is allowed has a proof')
    const proof = this.#proof()
    return { ...nothing, proof: proofOf(answer, proof), ...groundOf(answer, proof), truncated: this.#room.truncated }
  }

  deny(program: ExplainProgram): Why {
    const solver = this.#solver(program, [])
    const goal = this.#goal()
    assert(solver.answers(goal).length === 0, 'what is denied has no proof')
    const { store, policy } = this.#explained
    const mentioned = [...this.#values, ...this.#request.contextFacts.flatMap(({ args }) => args)]
    const attempts = new AttemptFinder({
      policy,
      program,
      solver,
      budget: this.#budget,
      now: this.#now,
      newValues: new NewValues(store, this.#constants, mentioned),
      proof: this.#proof(),
      assuming: (facts) => this.#solver(program, facts),
    }).attempts([goal])
    const missing = attempts.flatMap((found) => found.missing ?? []).toSorted((a, b) => a.cost - b.cost)[0] ?? null
    return { ...nothing, attempts: attempts.map(({ attempt }) => attempt), missing, truncated: this.#room.truncated }
  }

  get #now(): Value {
    return { type: 'Integer', id: String(this.#request.unixSeconds) }
  }

  #goal(): Goal {
    const classes = this.#values.map((value): PositionClass => {
      const { constant, other } = this.#constants.given('', value)
      return constant ? { kind: 'constant', value: constant } : { kind: 'typed', type: value.type, other }
    })
    return { predicate: 'allow', classes, pattern: groundPattern(this.#values) }
  }

  #solver(program: ExplainProgram, assumed: readonly Fact[]): Solver {
    return new Solver({ program, facts: this.#facts, budget: this.#budget, now: this.#now, assumed })
  }

  #proof(): ProofContext {
    const { policy } = this.#explained
    const { files } = policy
    return { files, room: this.#room, canStore: (predicate, classes) => canStore(policy, predicate, classes) }
  }
}
