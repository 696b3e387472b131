/** The policy that answers: compiled when it becomes active, replaced by one assignment. A policy that cannot be compiled stops its environment, never the older one goes on. */
import { emptyPolicy } from '../src/check/check.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import { compilePolicy } from '../src/engine/compile.ts'
import { createEngine } from '../src/engine/create.ts'
import type { Engine } from '../src/engine/engine.ts'
import { type NeededIndex, neededIndexes } from '../src/engine/indexes.ts'
import { constantsOf } from '../src/engine/question.ts'
import { splitFiles } from '../src/polar/files.ts'
import type { Store } from '../src/store/facts.ts'
import type { CompiledPolicy } from './service.ts'

interface Active {
  readonly policy: CheckedPolicy
  readonly engine: Engine
  readonly problem: string | null
}

/** `policy` is null when it does not compile. */
interface Compiled {
  readonly source: string
  readonly policy: CheckedPolicy | null
  readonly indexes: readonly NeededIndex[]
}

export class ActivePolicy {
  readonly #store: Store
  #started = false
  #active: Active
  #compiled: Compiled | null = null

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

  /** The next policy, compiled elsewhere. */
  expect(compiled: CompiledPolicy): void {
    this.#compiled = compiled
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
    const compiled = stored === null ? { policy: emptyPolicy(), indexes: [] } : this.#compile(stored.source, stored.filename)
    const previous = this.#active.engine
    const problem = compiled.policy === null ? 'the active policy cannot be compiled by this version' : null
    const policy = compiled.policy ?? emptyPolicy()
    this.#store.transaction(() => {
      this.#store.intern(constantsOf(policy))
      for (const { signature, columns } of compiled.indexes) this.#store.ensureIndex(signature, columns)
    })
    this.#active = { policy, engine: createEngine({ store: this.#store, policy }), problem }
    previous.close()
  }

  #compile(source: string, filename: string | null): Compiled {
    if (this.#compiled?.source !== source) {
      const { value } = compilePolicy(splitFiles(source, filename))
      this.#compiled = { source, policy: value, indexes: value === null ? [] : neededIndexes(value) }
    }
    return this.#compiled
  }
}
