/** A store and the policy that answers over it. A policy that cannot be compiled stops its environment, never the older one goes on. */
import { limits } from '../src/base/limits.ts'
import { emptyPolicy } from '../src/check/check.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import { createEngine } from '../src/engine/create.ts'
import type { PreparingEngine } from '../src/engine/engine.ts'
import type { NeededIndex } from '../src/engine/indexes.ts'
import { constantsOf } from '../src/engine/question.ts'
import type { FactTable, Signature, Store } from '../src/store/facts.ts'
import { CompiledPolicies, type CompiledPolicy } from './compiled-policies.ts'

interface Active {
  readonly policy: CheckedPolicy
  readonly engine: PreparingEngine
  readonly problem: string | null
  readonly smallIndexes: readonly NeededIndex[]
  readonly missingIndexes: readonly NeededIndex[]
}

export interface ActivePolicyOptions {
  readonly policies?: CompiledPolicies
  /** Tables of more rows get no index here. */
  readonly indexRows?: number
}

export class ActivePolicy {
  readonly store: Store
  readonly #policies: CompiledPolicies
  readonly #indexRows: number
  #started = false
  #active: Active

  constructor(store: Store, { policies = new CompiledPolicies(), indexRows = limits.servedIndexRows }: ActivePolicyOptions = {}) {
    this.store = store
    this.#policies = policies
    this.#indexRows = indexRows
    const policy = emptyPolicy()
    this.#active = { policy, engine: createEngine({ store, policy }), problem: null, smallIndexes: [], missingIndexes: [] }
  }

  get policy(): CheckedPolicy {
    return this.#active.policy
  }

  get engine(): PreparingEngine {
    return this.#active.engine
  }

  /** Why this environment cannot answer, or null. */
  get problem(): string | null {
    return this.#active.problem
  }

  /** What the policy is worth indexing by and was not, because building it would hold up the thread that serves. */
  get missingIndexes(): readonly NeededIndex[] {
    return this.#active.missingIndexes
  }

  /** Replay is over: from now on every change is activated at once. `later`: no index is built yet, `buildSmallIndex` is called for that. */
  start(indexes: 'now' | 'later' = 'now'): void {
    this.#started = true
    this.#activate()
    if (indexes === 'now') this.#buildSmallIndexes()
  }

  change(): void {
    if (!this.#started) return
    this.#activate()
    this.#buildSmallIndexes()
  }

  /** Builds one index of a table that is small enough for this thread; false when there is none. */
  buildSmallIndex(): boolean {
    const [index] = this.#active.smallIndexes
    if (index === undefined) return false
    this.#build([index])
    return true
  }

  /** Builds every index that is missing, however long it takes. */
  buildIndexes(): void {
    this.#build([...this.#active.smallIndexes, ...this.#active.missingIndexes])
  }

  close(): void {
    this.#active.engine.close()
  }

  #activate(): void {
    try {
      const stored = this.store.activePolicy()
      const compiled: CompiledPolicy =
        stored === null ? { source: '', policy: emptyPolicy(), indexes: [] } : this.#policies.of(stored.source, stored.filename)
      const policy = compiled.policy ?? emptyPolicy()
      this.store.transaction(() => this.store.intern(constantsOf(policy)))
      const missing = missingIndexes(this.store.tables(), compiled.indexes)
      const previous = this.#active.engine
      this.#active = {
        policy,
        engine: createEngine({ store: this.store, policy }),
        problem: compiled.policy === null ? 'the active policy cannot be compiled by this version' : null,
        smallIndexes: missing.flatMap(({ index, rows }) => (rows <= this.#indexRows ? [index] : [])),
        missingIndexes: missing.flatMap(({ index, rows }) => (rows > this.#indexRows ? [index] : [])),
      }
      previous.close()
    } catch (error) {
      // The policy before it must not go on answering.
      this.#active = { ...this.#active, problem: 'the active policy could not be activated' }
      throw error
    }
  }

  #buildSmallIndexes(): void {
    this.#build(this.#active.smallIndexes)
  }

  #build(indexes: readonly NeededIndex[]): void {
    if (indexes.length === 0) return
    this.store.transaction(() => {
      for (const { signature, columns } of indexes) this.store.ensureIndex(signature, columns)
    })
    const rest = (missing: readonly NeededIndex[]): readonly NeededIndex[] => missing.filter((index) => !indexes.includes(index))
    this.#active = {
      ...this.#active,
      smallIndexes: rest(this.#active.smallIndexes),
      missingIndexes: rest(this.#active.missingIndexes),
    }
  }
}

/** Those that no order of their table serves, and how many rows there are to sort: none where there is no table yet. */
const missingIndexes = (
  tables: readonly FactTable[],
  indexes: readonly NeededIndex[],
): readonly { readonly index: NeededIndex; readonly rows: number }[] => {
  const keyOf = ({ predicate, types }: Signature): string => JSON.stringify([predicate, types])
  const bySignature = new Map(tables.map((table) => [keyOf(table.signature), table]))
  return indexes.flatMap((index) => {
    const table = bySignature.get(keyOf(index.signature))
    if (table?.orders.some((order) => index.columns.every((column, i) => order[i] === column))) return []
    return [{ index, rows: table?.rows ?? 0 }]
  })
}
