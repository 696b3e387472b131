/** Disjuncts as the typing sees them: one node per variable (equal ones share it), with the types that conditions state (polar.md 9.5, steps 1–3). */
import type { Value } from '../base/value.ts'
import type { CoreLiteral, CoreRule, CoreTerm } from './core.ts'
import { createEqualities } from './equalities.ts'
import { termsOf } from './literal-terms.ts'
import { type Statement, statementsOf } from './statements.ts'
import { intersect, overlap, sameSet, type TypeSet } from './type-set.ts'
import type { TypeTable } from './type-table.ts'

/** Terms of one disjunct that are equal. */
export interface TypeNode {
  /** First variable of the class, for messages; null for constants alone. */
  readonly variable: string | null
  readonly statements: readonly Statement[]
  /** By statements here and outside; null without any. Empty after a conflict or for an abstract type without members. */
  readonly explicit: TypeSet
  /** By calls; null is any. Used only without explicit types. */
  inferred: TypeSet
  /** The same variables outside the enclosing `not`. */
  readonly outers: readonly TypeNode[]
}

export const typesOf = (node: TypeNode): TypeSet => node.explicit ?? node.inferred

/** Two statements about one term that no type satisfies. */
export interface Conflict {
  readonly earlier: Statement
  readonly later: Statement
}

export type CallArgument = { readonly kind: 'node'; readonly node: TypeNode } | { readonly kind: 'value'; readonly value: Value }

export const typesOfArgument = (arg: CallArgument): TypeSet => (arg.kind === 'node' ? typesOf(arg.node) : [arg.value.type])

export interface ScopeCall {
  readonly predicate: string
  readonly args: readonly CallArgument[]
}

export interface Scope {
  readonly outer: Scope | null
  readonly nodes: ReadonlyMap<string, TypeNode>
  readonly calls: readonly ScopeCall[]
  readonly conflicts: readonly Conflict[]
  readonly unequal: readonly Inequality[]
  /** One list per `not`: its disjuncts. */
  readonly negations: readonly (readonly Scope[])[]
}

export interface Inequality {
  readonly left: CallArgument
  readonly right: CallArgument
  readonly literal: Extract<CoreLiteral, { kind: 'unequal' }>
}

/** One scope per disjunct of the rule. */
export const buildScopes = (rule: CoreRule, types: TypeTable): Scope[] =>
  rule.disjuncts.map(({ literals }) => buildScope(literals, rule.params, null, types))

export const buildScope = (literals: readonly CoreLiteral[], params: readonly CoreTerm[], outer: Scope | null, types: TypeTable): Scope => {
  const { nodes, conflicts } = buildNodes(literals, params, outer, types)
  const argument = (term: CoreTerm): CallArgument =>
    term.kind === 'variable'
      ? { kind: 'node', node: nodes.get(term.name) ?? ANY }
      : { kind: 'value', value: term.kind === 'value' ? term.value : NOW }
  const calls: ScopeCall[] = []
  const unequal: Inequality[] = []
  const negations: Scope[][] = []
  const scope: Scope = { outer, nodes, calls, conflicts, unequal, negations }
  for (const literal of literals) {
    if (literal.kind === 'call') calls.push({ predicate: literal.predicate, args: literal.args.map(argument) })
    else if (literal.kind === 'unequal') unequal.push({ left: argument(literal.left), right: argument(literal.right), literal })
    else if (literal.kind === 'not') negations.push(literal.disjuncts.map((inner) => buildScope(inner.literals, [], scope, types)))
  }
  return scope
}

const ANY: TypeNode = { variable: null, statements: [], explicit: null, inferred: null, outers: [] }
// Stands for `@current_unix_time` where only the type matters.
const NOW: Value = { type: 'Integer', id: '0' }

interface Class {
  readonly variables: Set<string>
  readonly statements: Statement[]
}

const buildNodes = (
  literals: readonly CoreLiteral[],
  params: readonly CoreTerm[],
  outer: Scope | null,
  types: TypeTable,
): { readonly nodes: Map<string, TypeNode>; readonly conflicts: Conflict[] } => {
  const equalities = createEqualities(literals)
  const classes = new Map<string, Class>()
  const classOf = (term: CoreTerm): Class => {
    const key = equalities.find(term)
    const found = classes.get(key) ?? { variables: new Set(), statements: [] }
    classes.set(key, found)
    if (term.kind === 'variable') found.variables.add(term.name)
    return found
  }
  params.forEach(classOf)
  for (const literal of literals) for (const term of termsOf(literal)) classOf(term)
  for (const literal of literals) for (const { term, statement } of statementsOf(literal, types)) classOf(term).statements.push(statement)
  const nodes = new Map<string, TypeNode>()
  const conflicts: Conflict[] = []
  for (const group of classes.values()) {
    const outers = [...group.variables].flatMap((name) => findOuter(name, outer) ?? [])
    const { node, conflict } = resolve(group, outers)
    if (conflict !== null) conflicts.push(conflict)
    for (const name of group.variables) nodes.set(name, node)
  }
  return { nodes, conflicts }
}

const findOuter = (name: string, start: Scope | null): TypeNode | null => {
  for (let scope = start; scope !== null; scope = scope.outer) {
    const node = scope.nodes.get(name)
    if (node !== undefined) return node
  }
  return null
}

/** Intersects what is stated; order comparisons last, so that a wrong operand is told apart from contradicting types. */
const resolve = (group: Class, outers: readonly TypeNode[]): { readonly node: TypeNode; readonly conflict: Conflict | null } => {
  const own = [
    ...group.statements.filter(({ operator }) => operator === null),
    ...group.statements.filter(({ operator }) => operator !== null),
  ]
  const inherited = outers.flatMap(({ statements }) => statements)
  let explicit: TypeSet = null
  for (const node of outers) explicit = intersect(explicit, node.explicit)
  let conflict: Conflict | null = null
  const seen = [...inherited]
  for (const statement of own) {
    const narrowed: TypeSet = intersect(explicit, statement.types)
    const wasPossible = explicit === null || explicit.length > 0
    // A type without members matches nothing, but contradicts nothing either; it has its own warning.
    if (narrowed?.length === 0 && wasPossible && statement.types.length > 0 && conflict === null) {
      const earlier = seen.find((other) => !overlap(other.types, statement.types)) ?? seen.at(-1)
      if (earlier !== undefined) conflict = { earlier, later: statement }
    }
    // Only what narrows is kept: a variable may be mentioned very often.
    if (!sameSet(narrowed, explicit)) seen.push(statement)
    explicit = narrowed
  }
  const [variable = null] = group.variables
  return { node: { variable, statements: seen, explicit, inferred: null, outers }, conflict }
}
