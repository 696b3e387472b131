/** What a policy says about the argument types of each predicate: rule heads, block declarations and declares (polar.md 9.5 step 4). */
import { sameValue, type Value } from '../base/value.ts'
import type { Declare } from '../polar/ast.ts'
import type { BlockTable } from './block-table.ts'
import type { CoreRule, CoreTerm } from './core.ts'
import { predicateKey } from './predicates.ts'
import { type Scope, type ScopeCall, type TypeNode, typesOf } from './scopes.ts'
import { intersect, overlap, sameSet, type TypeSet, union } from './type-set.ts'
import type { TypeTable } from './type-table.ts'

export interface EntryPosition {
  types: TypeSet
  /** The one value it takes, or null. */
  readonly literal: Value | null
  /** Variables whose inferred types make up `types`; empty when they never change. */
  readonly nodes: readonly TypeNode[]
}

export interface Entry {
  readonly predicate: string
  readonly positions: readonly EntryPosition[]
}

/** The head of a rule: declared parameter types, or what its disjuncts know about a parameter. */
export const entryOfRule = (
  rule: CoreRule,
  declared: readonly (readonly string[])[],
  scopes: readonly Scope[],
  types: TypeTable,
): Entry => ({
  predicate: rule.predicate,
  positions: rule.params.map((param, index) => headPosition(param, declared[index] ?? [], scopes, types)),
})

const headPosition = (param: CoreTerm, declared: readonly string[], scopes: readonly Scope[], types: TypeTable): EntryPosition => {
  if (param.kind === 'value') return fixed([param.value.type], param.value)
  if (param.kind === 'now') return fixed(['Integer'])
  if (declared.length > 0) return fixed(declared.map((name): TypeSet => types.concrete(name)).reduce(intersect))
  const nodes = scopes.flatMap((scope) => scope.nodes.get(param.name) ?? [])
  if (nodes.length === 0) return fixed(null)
  const changing = nodes.some(({ explicit }) => explicit === null)
  return { types: nodes.map(typesOf).reduce(union), literal: null, nodes: changing ? nodes : [] }
}

const fixed = (types: TypeSet, literal: Value | null = null): EntryPosition => ({ types, literal, nodes: [] })

/** Takes over what was inferred meanwhile. True when something changed. */
export const refresh = (entry: Entry): boolean => {
  let changed = false
  for (const position of entry.positions) {
    if (position.nodes.length === 0) continue
    const types = position.nodes.map(typesOf).reduce(union)
    if (sameSet(types, position.types)) continue
    position.types = types
    changed = true
  }
  return changed
}

export const entriesOfBlocks = ({ types, global, table }: BlockTable): Entry[] => {
  const actor = fixed(table.concrete('Actor'))
  const name = (text: string): EntryPosition => fixed(['String'], { type: 'String', id: text })
  const entries: Entry[] = []
  for (const member of global.names.values()) {
    if (member.kind !== 'relation') entries.push({ predicate: predicateOfMember(member.kind), positions: [actor, name(member.name)] })
  }
  for (const type of types.values()) {
    const own = fixed(table.concrete(type.name))
    for (const member of type.members.names.values()) {
      // An inherited member is covered by the entry of the type that declares it.
      if (member.block.type?.text !== type.name || type.members.broken.has(member.name)) continue
      entries.push(
        member.type === null
          ? { predicate: member.kind === 'role' ? 'has_role' : 'has_permission', positions: [actor, name(member.name), own] }
          : { predicate: 'has_relation', positions: [own, name(member.name), fixed(table.concrete(member.type.text))] },
      )
    }
  }
  return entries
}

const predicateOfMember = (kind: 'role' | 'permission'): string => (kind === 'role' ? 'has_role' : 'has_permission')

export const entryOfDeclare = ({ predicate, types: names }: Declare, types: TypeTable): Entry => ({
  predicate: predicate.text,
  positions: names.map((name) => fixed(types.concrete(name.text))),
})

/** Entries by predicate and length, and by the literal of the second position, where roles, permissions and relations have their name. */
export interface EntryIndex {
  /** Entries that a call may reach judging by its second argument. */
  candidates(call: ScopeCall): readonly Entry[]
}

export const indexEntries = (entries: readonly Entry[]): EntryIndex => {
  const all = new Map<string, Entry[]>()
  const byName = new Map<string, Entry[]>()
  for (const entry of entries) {
    const key = predicateKey(entry.predicate, entry.positions.length)
    push(all, key, entry)
    push(byName, nameKey(key, entry.positions[1]?.literal ?? null), entry)
  }
  return {
    candidates: ({ predicate, args }) => {
      const key = predicateKey(predicate, args.length)
      const second = args[1]
      if (second?.kind !== 'value') return all.get(key) ?? []
      return [...(byName.get(nameKey(key, second.value)) ?? []), ...(byName.get(nameKey(key, null)) ?? [])]
    },
  }
}

const nameKey = (key: string, literal: Value | null): string => (literal === null ? key : `${key} ${literal.type} ${literal.id}`)

const push = (map: Map<string, Entry[]>, key: string, entry: Entry): void => {
  const found = map.get(key)
  if (found === undefined) map.set(key, [entry])
  else found.push(entry)
}

/** Whether a call can reach an entry, judging by literals and stated types only: what is inferred may narrow later. */
export const fitsStated = (entry: Entry, call: ScopeCall): boolean =>
  entry.positions.every(({ types, literal, nodes }, index) => {
    const arg = call.args[index]
    if (arg === undefined) return false
    if (arg.kind === 'value') {
      return (literal === null || sameValue(literal, arg.value)) && (nodes.length > 0 || overlap(types, [arg.value.type]))
    }
    return arg.node.explicit === null || nodes.length > 0 || overlap(types, arg.node.explicit)
  })

/** The same by everything known so far. */
export const fitsNow = (entry: Entry, call: ScopeCall): boolean =>
  entry.positions.every(({ types }, index) => {
    const arg = call.args[index]
    return arg !== undefined && overlap(types, arg.kind === 'value' ? [arg.value.type] : typesOf(arg.node))
  })
