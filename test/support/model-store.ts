/** A store as a set of facts: what the real one has to agree with, and what `apply` is tested over alone. It knows no SQL. */
import { Bug } from '../../src/base/assert.ts'
import { hash128, StateHash } from '../../src/base/hash.ts'
import { limits } from '../../src/base/limits.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import type { Store, StoredPolicy } from '../../src/store/facts.ts'

export interface ModelStore extends Store {
  /** Finished transactions. */
  readonly transactions: number
}

interface State {
  readonly facts: Map<string, Fact>
  readonly policies: StoredPolicy[]
  readonly writes: Set<string>
  active: number | null
  versions: number
  revision: number
  logId: string | null
}

export const modelStore = (): ModelStore => {
  let state: State = {
    facts: new Map(),
    policies: [],
    writes: new Set(),
    active: null,
    versions: 0,
    revision: -1,
    logId: null,
  }
  let transactions = 0
  let inside = false
  const writing = (): State => {
    if (!inside) throw new Bug('a write outside of a transaction')
    return state
  }
  const active = (): StoredPolicy | null => state.policies.find(({ version }) => version === state.active) ?? null
  const matching = ({ predicate, args }: Parameters<Store['count']>[0]): readonly (readonly [string, Fact])[] =>
    [...state.facts].filter(
      ([, found]) =>
        found.predicate === predicate &&
        found.args.length === args.length &&
        args.every(
          ({ type, id }, index) => (type === null || type === found.args[index]?.type) && (id === null || id === found.args[index]?.id),
        ),
    )

  return {
    get database(): never {
      throw new Bug('a model store has no database')
    },
    planEpoch: 0,
    rememberedNumbers: 0,
    get transactions() {
      return transactions
    },
    changes: () => notModelled('changes'),
    tables: () => notModelled('tables'),
    typeId: () => notModelled('type ids'),
    encode: () => notModelled('encode'),
    decode: () => notModelled('decode'),
    facts({ predicate, args }, exactLength, limit) {
      if (predicate !== null || args.length > 0 || exactLength) throw new Bug('a model store lists every fact or none')
      return [...state.facts.keys()]
        .toSorted()
        .slice(0, limit)
        .flatMap((key) => state.facts.get(key) ?? [])
    },
    count: (pattern) => matching(pattern).length,
    totals: () => notModelled('totals'),
    activePolicy: active,
    policy: (version) => state.policies.find((found) => found.version === version) ?? null,
    policyVersions: () => state.policies.map(({ version }) => version),
    revision: () => state.revision,
    logId: () => state.logId,
    stateHash() {
      const sum = new StateHash()
      for (const key of state.facts.keys()) sum.add(hash128([key]))
      sum.add(hash128([active()?.source ?? '']))
      return sum.toHex()
    },

    transaction(work) {
      if (inside) throw new Bug('a transaction inside of a transaction')
      const before = structuredClone(state)
      inside = true
      try {
        const result = work()
        transactions++
        return result
      } catch (error) {
        state = before
        throw error
      } finally {
        inside = false
      }
    },
    insert(fact) {
      const key = keyOf(fact)
      if (writing().facts.has(key)) return false
      state.facts.set(key, fact)
      return true
    },
    remove(pattern) {
      const found = matching(pattern)
      for (const [key] of found) writing().facts.delete(key)
      return found.length
    },
    intern: () => notModelled('the dictionary'),
    savePolicy(source, filename, createdAtMs) {
      const version = ++writing().versions
      state.policies.push({ version, source, filename, createdAtMs })
      if (state.policies.length > limits.policyVersions) state.policies.shift()
      state.active = version
      return version
    },
    clear() {
      writing().facts.clear()
      state.active = null
    },
    warm: () => notModelled('the dictionary'),
    recomputeStateHash: () => notModelled('recomputing'),
    policyHash: () => notModelled('policy hashes'),
    remembersWrite: (writeId) => state.writes.has(writeId),
    rememberWrite(writeId) {
      if (writing().writes.has(writeId)) return true
      state.writes.add(writeId)
      return false
    },
    setPosition(logId, revision) {
      Object.assign(writing(), { logId, revision })
    },
    ensureIndex: () => notModelled('indexes'),
  }
}

const valueKey = ({ type, id }: Value): string => JSON.stringify([type, id])
const keyOf = ({ predicate, args }: Fact): string => JSON.stringify([predicate, ...args.map(valueKey)])

const notModelled = (what: string): never => {
  throw new Bug(`a model store knows nothing of ${what}`)
}
