/** The work that planning one question may take: counted, and ended by the clock where there is one. */
import { limits } from '../base/limits.ts'

/** A question or policy that needs more planning than there is a budget for. */
export class TooComplex extends Error {
  override readonly name = 'TooComplex'
}

/** Steps between two looks at the clock. */
const LOOK = 64

export class PlanBudget {
  readonly #stop: () => boolean
  /** True when the clock ended it. */
  isLate = false
  #spent = 0
  #next = LOOK

  /** `stop` is asked now and then; true ends the planning. */
  constructor(stop: () => boolean = () => false) {
    this.#stop = stop
  }

  /** Throws TooComplex. */
  spend(amount = 1): void {
    this.#spent += amount
    if (this.#spent > limits.planWork) throw new TooComplex(`planning it takes more than ${limits.planWork} steps`)
    if (this.#spent < this.#next) return
    this.#next = this.#spent + LOOK
    if (!this.#stop()) return
    this.isLate = true
    throw new TooComplex('planning it takes too long')
  }
}
