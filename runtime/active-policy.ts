/** The policy that answers: compiled when it becomes active, replaced by one assignment. A policy that cannot be compiled stops its environment, never the older one goes on. */
import type { Value } from '../src/base/value.ts'
import { emptyPolicy } from '../src/check/check.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import { compilePolicy } from '../src/engine/compile.ts'
import { createEngine } from '../src/engine/create.ts'
import type { Engine } from '../src/engine/engine.ts'
import { neededIndexes } from '../src/engine/indexes.ts'
import { constantsOf } from '../src/engine/question.ts'
import { splitFiles } from '../src/polar/files.ts'
import type { Store } from '../src/store/facts.ts'

interface Active {
  readonly policy: CheckedPolicy
  readonly engine: Engine
  readonly problem: string | null
}

export class ActivePolicy {
  readonly #store: Store
  #started = false
  #active: Active
  /** The last compiled source: applying a policy asks for its constants, then activates it. */
  #compiled: { readonly source: string; readonly policy: CheckedPolicy | null } | null = null

  constructor(store: Store) {
    this.#store = store
    const policy = emptyPolicy()
    this.#active = { policy, engine: createEngine({ store, policy }), problem: null }
  }

  get policy(): CheckedPolicy {
    return this.#active.policy
  }

  get engine(): Engine {
    return this.#active.engine
  }

  /** Why this environment cannot answer, or null. */
  get problem(): string | null {
    return this.#active.problem
  }

  /** Values that a policy compares with: none when it does not compile. */
  constantsOf(source: string): readonly Value[] {
    const policy = this.#compile(source, null)
    return policy === null ? [] : constantsOf(policy)
  }

  /** Replay is over: from now on every change is activated at once. */
  start(): void {
    this.#started = true
    this.#activate()
  }

  change(): void {
    if (this.#started) this.#activate()
  }

  close(): void {
    this.#active.engine.close()
  }

  #activate(): void {
    const stored = this.#store.activePolicy()
    const policy = stored === null ? emptyPolicy() : this.#compile(stored.source, stored.filename)
    const previous = this.#active.engine
    const problem = policy === null ? 'the active policy cannot be compiled by this version' : null
    const used = policy ?? emptyPolicy()
    const indexes = neededIndexes(used)
    if (indexes.length > 0)
      this.#store.transaction(() => indexes.forEach(({ signature, columns }) => this.#store.ensureIndex(signature, columns)))
    this.#active = { policy: used, engine: createEngine({ store: this.#store, policy: used }), problem }
    previous.close()
  }

  #compile(source: string, filename: string | null): CheckedPolicy | null {
    if (this.#compiled?.source !== source) this.#compiled = { source, policy: compilePolicy(splitFiles(source, filename)).value }
    return this.#compiled.policy
  }
}
