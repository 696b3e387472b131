/** The store against a plain map of facts: the same answers and the same state hash after any writes, rollbacks, clears and reloads. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hash128 } from '../../src/base/hash.ts'
import type { Fact, FactPattern, Value, ValuePattern } from '../../src/base/value.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { emptyDatabase } from '../support/database.ts'

const IDS: Readonly<Record<string, readonly string[]>> = {
  A: ['a', 'b', 'a\0', '\0', '\uFEFFa', '😀', '\uFFFF', `'"`],
  B: ['a', 'B', 'é'],
  String: ['a', 'viewer', '\uFEFF'],
  Integer: ['0', '1', '-1', '9', '10', '-9223372036854775808', '9223372036854775807', '9007199254740993'],
  Boolean: ['true', 'false'],
}
const TYPES = Object.keys(IDS)

const typeNames = fc.constantFrom(...TYPES)
const valueOf = (type: string): fc.Arbitrary<Value> => fc.constantFrom(...(IDS[type] ?? [])).map((id) => ({ type, id }))
const values = typeNames.chain(valueOf)
const facts: fc.Arbitrary<Fact> = fc.record({
  predicate: fc.constantFrom('p', 'q', 'p\0'),
  args: fc.array(values, { minLength: 1, maxLength: 5, size: 'max' }),
})
const holes: fc.Arbitrary<ValuePattern> = fc.oneof(
  fc.constant({ type: null, id: null }),
  typeNames.map((type) => ({ type, id: null })),
  values,
)
const patterns: fc.Arbitrary<FactPattern> = fc.oneof(
  facts,
  fc.record({ predicate: fc.constantFrom('p', 'q', 'none'), args: fc.array(holes, { minLength: 1, maxLength: 5 }) }),
)
const edits = fc.oneof(
  { weight: 12, arbitrary: facts.map((fact) => ({ kind: 'insert' as const, fact })) },
  { weight: 4, arbitrary: patterns.map((pattern) => ({ kind: 'remove' as const, pattern })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
  { weight: 1, arbitrary: fc.string().map((source) => ({ kind: 'policy' as const, source })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'index' as const }) },
)
const steps = fc.record({
  edits: fc.array(edits, { minLength: 1, maxLength: 30 }),
  end: fc.constantFrom('commit', 'commit', 'commit', 'rollback', 'reload'),
  search: fc.record({ predicate: fc.constantFrom('p', 'q', null), args: fc.array(holes, { maxLength: 3 }) }),
  limit: fc.constantFrom(1, 3, 1000),
})
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never
type Edit = typeof edits extends fc.Arbitrary<infer T> ? T : never

interface Model {
  readonly facts: ReadonlyMap<string, Fact>
  readonly policy: string | null
}

test('random writes, rollbacks, clears and reloads', () => {
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 6 }), (run) => {
      let store = createStore(emptyDatabase())
      let model: Model = { facts: new Map(), policy: null }
      for (const [revision, step] of run.entries()) {
        model = apply(store, model, step, revision)
        if (step.end === 'reload') store = reloaded(store)
        expectSame(store, model, step)
      }
    }),
    { numRuns: 100 },
  )
})

/** The step applied to both; the model that the store must now equal. */
const apply = (store: Store, before: Model, step: Step, revision: number): Model => {
  const position = store.revision()
  const epoch = store.planEpoch
  let model = before
  const work = (): void => {
    for (const edit of step.edits) model = applyEdit(store, model, edit)
    store.setPosition('log', revision)
    if (step.end === 'rollback') throw new Error('rolled back')
  }
  if (step.end !== 'rollback') {
    store.transaction(work)
    expect(store.revision()).toBe(revision)
    return model
  }
  expect(() => store.transaction(work)).toThrow('rolled back')
  expect(store.revision()).toBe(position)
  expect(store.planEpoch).toBeGreaterThanOrEqual(epoch)
  return before
}

const applyEdit = (store: Store, model: Model, edit: Edit): Model => {
  switch (edit.kind) {
    case 'insert': {
      const key = keyOf(edit.fact)
      expect(store.insert(edit.fact)).toBe(!model.facts.has(key))
      return { ...model, facts: new Map([...model.facts, [key, edit.fact]]) }
    }
    case 'remove': {
      const rest = [...model.facts].filter(([, fact]) => !matches(fact, edit.pattern, true))
      expect(store.count(edit.pattern)).toBe(model.facts.size - rest.length)
      expect(store.remove(edit.pattern)).toBe(model.facts.size - rest.length)
      return { ...model, facts: new Map(rest) }
    }
    case 'clear':
      store.clear()
      return { facts: new Map(), policy: null }
    case 'policy':
      store.savePolicy(edit.source, null, 0)
      return { ...model, policy: edit.source }
    case 'index':
      store.ensureIndex({ predicate: 'p', types: ['A', 'B', 'String'] }, [1])
      return model
  }
}

const reloaded = (store: Store): Store => {
  const database = emptyDatabase()
  database.deserialize(store.database.serialize())
  const again = createStore(database)
  expect(again.tables()).toEqual(store.tables())
  expect([again.revision(), again.logId()]).toEqual([store.revision(), store.logId()])
  expect(again.policyVersions()).toEqual(store.policyVersions())
  return again
}

const expectSame = (store: Store, model: Model, step: Step): void => {
  const all = [...model.facts.values()].toSorted(compareFacts)
  expect(store.facts({ predicate: null, args: [] }, false, 1000)).toEqual(all)
  const found = all.filter((fact) => matches(fact, step.search, false))
  expect(store.facts(step.search, false, step.limit)).toEqual(found.slice(0, step.limit))
  expect(store.count(step.search, false, step.limit)).toBe(Math.min(found.length, step.limit))
  const predicates = Map.groupBy(all, (fact) => fact.predicate)
  expect(store.totals()).toEqual({
    total: all.length,
    predicates: Object.fromEntries(Array.from(predicates, ([predicate, group]) => [predicate, group.length])),
  })
  expect(store.stateHash()).toBe(stateHash(model))
  expect(store.activePolicy()?.source ?? null).toBe(model.policy)
  for (const { signature, rows, distinct } of store.tables()) {
    expect(rows).toBe(all.filter((fact) => matches(fact, patternOf(signature), true)).length)
    for (const estimate of distinct) expect(estimate >= 1 && estimate <= Math.max(rows, 1)).toBe(true)
  }
  for (const arg of all.flatMap((fact) => fact.args)) {
    const encoded = store.encode(arg)
    expect(encoded === undefined ? undefined : store.decode(arg.type, encoded)).toBe(arg.id)
  }
}

const patternOf = ({ predicate, types }: { readonly predicate: string; readonly types: readonly string[] }): FactPattern => ({
  predicate,
  args: types.map((type) => ({ type, id: null })),
})

const keyOf = (fact: Fact): string => JSON.stringify(fact)

const matches = (
  fact: Fact,
  pattern: { readonly predicate: string | null; readonly args: readonly ValuePattern[] },
  exact: boolean,
): boolean =>
  (pattern.predicate === null || fact.predicate === pattern.predicate) &&
  (exact ? fact.args.length === pattern.args.length : fact.args.length >= pattern.args.length) &&
  pattern.args.every(({ type, id }, i) => (type === null || fact.args[i]?.type === type) && (id === null || fact.args[i]?.id === id))

const compareFacts = (a: Fact, b: Fact): number => {
  const [left, right] = [a, b].map((fact) => [fact.predicate, ...fact.args.flatMap((arg) => [arg.type, arg.id])])
  for (const [i, part] of (left ?? []).entries()) {
    const other = right?.[i]
    if (other === undefined) return 1
    const order = compareBytes(part, other)
    if (order !== 0) return order
  }
  return (left?.length ?? 0) - (right?.length ?? 0)
}

/** Stupid on purpose: really by bytes. */
const compareBytes = (a: string, b: string): number => {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = (left[i] ?? 0) - (right[i] ?? 0)
    if (order !== 0) return order
  }
  return left.length - right.length
}

const stateHash = (model: Model): string => {
  const parts = Array.from(model.facts.values(), ({ predicate, args }) => [
    predicate,
    ...args.map((arg) => arg.type),
    ...args.map((arg) => arg.id),
  ])
  if (model.policy !== null) parts.push(['policy', model.policy])
  const sum = parts.reduce((total, part) => total + number128(hash128(part)), 0n)
  return BigInt.asUintN(128, sum).toString(16).padStart(32, '0')
}

const number128 = (bytes: Uint8Array): bigint => bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)
