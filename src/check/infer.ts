/** Types of variables without stated types, from the calls they occur in: the greatest fixpoint over the whole policy (polar.md 9.5 step 4). */
import { limits } from '../base/limits.ts'
import { type Entry, type EntryIndex, fitsNow, fitsStated, indexEntries, refresh } from './entries.ts'
import { predicateKey } from './predicates.ts'
import { type Scope, type ScopeCall, type TypeNode, typesOf } from './scopes.ts'
import { intersect, sameSet, type TypeSet, union } from './type-set.ts'

/** The disjuncts of a rule and the entry of its head. */
export interface TypedRule {
  readonly scopes: readonly Scope[]
  readonly entry: Entry
}

/** Fills in `inferred` of every node, starting from any and only ever narrowing, so the order of work does not matter. */
export const inferTypes = (rules: readonly TypedRule[], others: readonly Entry[]): void => {
  const index = indexEntries([...rules.map(({ entry }) => entry), ...others])
  const inference: Inference = { index, reachable: new Map(), identities: new Map(), steps: 0 }
  const works = rules.flatMap((rule) => rule.scopes.filter(hasUnknown).map((scope): Work => ({ rule, scope, queued: true })))
  const callers = callersOf(works)
  const queue = [...works]
  for (let next = 0; next < queue.length; next++) {
    const work = queue[next]
    if (work === undefined) break
    work.queued = false
    const narrowed = narrow(work.scope, inference)
    // Stopping half-way would leave types that depend on the order of work.
    if (inference.steps > limits.inferenceSteps) {
      for (const { scope } of works) forget(scope)
      for (const { entry } of rules) refresh(entry)
      return
    }
    if (!narrowed) continue
    const affected = [work, ...(refresh(work.rule.entry) ? (callers.get(headKey(work.rule.entry)) ?? []) : [])]
    for (const other of affected) {
      if (other.queued) continue
      other.queued = true
      queue.push(other)
    }
  }
}

interface Work {
  readonly rule: TypedRule
  readonly scope: Scope
  queued: boolean
}

interface Inference {
  readonly index: EntryIndex
  /** Entries that calls of one form can reach. */
  readonly reachable: Map<string, readonly Entry[]>
  readonly identities: Map<TypeSet, number>
  steps: number
}

const hasUnknown = (scope: Scope): boolean =>
  [...scope.nodes.values()].some(({ explicit }) => explicit === null) || scope.negations.some((inner) => inner.some(hasUnknown))

const headKey = ({ predicate, positions }: Entry): string => predicateKey(predicate, positions.length)

const callersOf = (works: readonly Work[]): Map<string, Work[]> => {
  const callers = new Map<string, Work[]>()
  const add = (scope: Scope, work: Work): void => {
    for (const { predicate, args } of scope.calls) {
      const key = predicateKey(predicate, args.length)
      const found = callers.get(key)
      if (found === undefined) callers.set(key, [work])
      else if (found.at(-1) !== work) found.push(work)
    }
    for (const inner of scope.negations) for (const one of inner) add(one, work)
  }
  for (const work of works) add(work.scope, work)
  return callers
}

/** True when a node of the scope or of one inside it became narrower. */
const narrow = (scope: Scope, inference: Inference): boolean => {
  const found = new Map<TypeNode, TypeSet>()
  for (const node of new Set(scope.nodes.values())) {
    if (node.explicit === null) found.set(node, node.outers.map(typesOf).reduce(intersect, null))
  }
  for (const call of scope.calls) {
    for (const [node, types] of contributions(call, inference)) found.set(node, intersect(found.get(node) ?? null, types))
  }
  let changed = false
  for (const [node, types] of found) {
    const narrowed = intersect(node.inferred, types)
    if (sameSet(narrowed, node.inferred)) continue
    node.inferred = narrowed
    changed = true
  }
  for (const inner of scope.negations) for (const one of inner) if (narrow(one, inference)) changed = true
  return changed
}

/** What a call says about its untyped arguments. Nothing when no entry is in reach by stated types: then only facts can match it. */
const contributions = (call: ScopeCall, inference: Inference): [TypeNode, TypeSet][] => {
  const unknown = call.args.flatMap((arg, index) => (arg.kind === 'node' && arg.node.explicit === null ? [{ node: arg.node, index }] : []))
  if (unknown.length === 0 || inference.steps > limits.inferenceSteps) return []
  const entries = reachableBy(call, inference)
  if (entries.length === 0) return []
  // Long sets are work too.
  for (const { positions } of entries) inference.steps += positions.reduce((sum, { types }) => sum + ((types?.length ?? 0) >> 3), 1)
  const fitting = entries.filter((entry) => fitsNow(entry, call))
  return unknown.map(({ node, index }) => [node, fitting.map(({ positions }) => positions[index]?.types ?? null).reduce(union, NONE)])
}

const NONE: TypeSet = []

const reachableBy = (call: ScopeCall, inference: Inference): readonly Entry[] => {
  const identity = (set: TypeSet): number => {
    const found = inference.identities.get(set) ?? inference.identities.size
    inference.identities.set(set, found)
    return found
  }
  const form = call.args.map((arg) => (arg.kind === 'value' ? JSON.stringify([arg.value.type, arg.value.id]) : identity(arg.node.explicit)))
  const key = `${predicateKey(call.predicate, call.args.length)} ${form.join(' ')}`
  const remembered = inference.reachable.get(key)
  if (remembered !== undefined) return remembered
  const candidates = inference.index.candidates(call)
  inference.steps += candidates.length
  const distinct = new Map<string, Entry>()
  for (const [index, entry] of candidates.entries()) {
    if (!fitsStated(entry, call)) continue
    // Many entries differ in their literals only.
    const changing = entry.positions.some(({ nodes }) => nodes.length > 0)
    const kind = changing ? `#${index}` : entry.positions.map(({ types }) => identity(types)).join(' ')
    if (!distinct.has(kind)) distinct.set(kind, entry)
  }
  const entries = [...distinct.values()]
  inference.reachable.set(key, entries)
  return entries
}

const forget = (scope: Scope): void => {
  for (const node of scope.nodes.values()) node.inferred = null
  for (const inner of scope.negations) for (const one of inner) forget(one)
}
