/** What a random case is made of, so that a run can be held to really meeting everything it is said to cover. */
import { components } from '../../src/base/graph.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm, Disjunct } from '../../src/check/core.ts'
import { termsOf } from '../../src/check/literal-terms.ts'
import { TooComplex } from '../../src/ir/budget.ts'
import { acceptedFacts } from '../../src/ir/fact-source.ts'
import { Shortcuts } from '../../src/ir/shortcuts.ts'
import { indexRules, Specialiser } from '../../src/ir/specialise.ts'
import { open, type PositionClass } from '../../src/ir/terms.ts'
import { openQuestions } from '../support/open-question.ts'
import { rulesFor } from '../support/proof.ts'
import type { Asked } from '../support/question.ts'

/** Every part of the language that random programs must use; `wildcard answer` and `telling context` are about answers. */
export const features = [
  'recursion',
  'mutual recursion',
  'negation',
  'nested not',
  'not of alternatives',
  'not of a rule',
  'alternatives',
  'order',
  'unequal',
  'equality',
  'list',
  'clock',
  'extends',
  'matches a supertype',
  'exact type',
  'untyped variable',
  'policy fact',
  'unbound parameter',
  'repeated parameter',
  'roles from facts',
  'several ways',
  'own allow',
  'global',
  'role on a relation',
  'arity 1',
  'arity 2',
  'arity 3',
  'arity 4',
  'arity 5',
  'integers',
  'booleans',
  'context facts',
  'telling context',
  'wildcard answer',
] as const

export type Feature = (typeof features)[number]

/** What the rules that a question reaches, and the facts that these read, are made of. */
export const featuresOf = (policy: CheckedPolicy, facts: readonly Fact[], asked: Asked): Set<Feature> => {
  const asking = openQuestions(asked.question)
  const rules = [...new Set(asking.flatMap((question) => rulesFor(policy, question)))]
  const read = new Set([...asking.flatMap(({ calls }) => calls).map(keyOf), ...rules.flatMap(callsOf).map(({ key }) => key)])
  const found = [...facts, ...asked.contextFacts].filter((fact) => read.has(keyOf(fact)))
  return new Set<Feature>([
    ...rules.flatMap((rule) => ruleFeatures(policy, rule)),
    ...recursionFeatures(rules),
    ...(rules.some((rule) => severalWays(policy).has(rule)) ? (['several ways'] as const) : []),
    ...rules.flatMap(valuesOf).flatMap(valueFeatures),
    ...found.flatMap(({ args }) => [arities[args.length] ?? 'arity 1', ...args.flatMap(valueFeatures)]),
    ...(asked.contextFacts.some((fact) => read.has(keyOf(fact))) ? (['context facts'] as const) : []),
  ])
}

const known = new WeakMap<CheckedPolicy, ReadonlySet<CoreRule>>()

/** Rules where the planner follows less than all there is, as it gets there in another order. */
const severalWays = (policy: CheckedPolicy): ReadonlySet<CoreRule> => {
  const found = known.get(policy) ?? rulesWithShortcuts(policy)
  known.set(policy, found)
  return found
}

/** None where the rules with all types are more than a plan takes: a question has fewer. */
const rulesWithShortcuts = (policy: CheckedPolicy): ReadonlySet<CoreRule> => {
  try {
    return new Set(shortenedRules(policy))
  } catch (error) {
    if (error instanceof TooComplex) return new Set()
    throw error
  }
}

const shortenedRules = (policy: CheckedPolicy): CoreRule[] => {
  const program = new Specialiser(indexRules(policy.rules), acceptedFacts(policy), policy.concreteTypes)
  const shortcuts = new Shortcuts(program)
  const predicates = new Map(policy.rules.map(({ predicate, params }) => [keyOf({ predicate, args: params }), { predicate, params }]))
  return [...predicates.values()].flatMap(({ predicate, params }) =>
    program
      .typeTuples(
        predicate,
        params.map(() => open),
      )
      .flatMap((tuple) => {
        const classes = tuple.map((type): PositionClass => (type === null ? open : { kind: 'typed', type, other: false }))
        const instances = program.instances(predicate, classes)
        return instances.filter((instance) => shortcuts.leftOut({ predicate, classes }, instance).size > 0).map(({ rule }) => rule)
      }),
  )
}

const arities: Readonly<Record<number, Feature>> = { 1: 'arity 1', 2: 'arity 2', 3: 'arity 3', 4: 'arity 4', 5: 'arity 5' }

const keyOf = ({ predicate, args }: { readonly predicate: string; readonly args: readonly unknown[] }): string =>
  `${predicate}/${args.length}`

const valueFeatures = ({ type }: Value): Feature[] => (type === 'Integer' ? ['integers'] : type === 'Boolean' ? ['booleans'] : [])

const isNamed = (predicate: string): boolean => predicate === 'has_role' || predicate === 'has_permission'

const ruleFeatures = (policy: CheckedPolicy, rule: CoreRule): Feature[] => {
  const { predicate, params, disjuncts } = rule
  const names = params.flatMap(variableNames)
  const literals = disjuncts.flatMap((disjunct) => disjunct.literals)
  const role = params[1]
  const supplied = new Set(
    literals.flatMap((literal) => (literal.kind === 'call' && !isNamed(literal.predicate) ? literal.args : [])).flatMap(variableNames),
  )
  const bound = new Set(
    literals.flatMap((literal) => (literal.kind === 'matches' || literal.kind === 'not' ? [] : termsOf(literal).flatMap(variableNames))),
  )
  const when = (holds: boolean, feature: Feature): Feature[] => (holds ? [feature] : [])
  return [
    ...when(disjuncts.length > 1, 'alternatives'),
    ...when(literals.every(({ kind }) => kind === 'matches') && disjuncts.length === 1, 'policy fact'),
    ...when(names.some((name) => !bound.has(name)) && disjuncts.length > 0, 'unbound parameter'),
    ...when(new Set(names).size < names.length, 'repeated parameter'),
    ...when(isNamed(predicate) && role?.kind === 'variable' && supplied.has(role.name), 'roles from facts'),
    ...when(predicate === 'allow' && rule.span.file >= 0, 'own allow'),
    ...when(isNamed(predicate) && params.length === 2, 'global'),
    ...when(
      literals.some((literal) => literal.kind === 'call' && literal.predicate === 'has_relation') && isNamed(predicate),
      'role on a relation',
    ),
    ...when(
      names.some((name) => !literals.some((literal) => literal.kind === 'matches' && literal.variable === name)) && rule.span.file >= 0,
      'untyped variable',
    ),
    ...literals.flatMap((literal) => literalFeatures(policy, literal, false)),
  ]
}

const literalFeatures = (policy: CheckedPolicy, literal: CoreLiteral, inside: boolean): Feature[] => {
  const clock: Feature[] = termsOf(literal).some(({ kind }) => kind === 'now') ? ['clock'] : []
  switch (literal.kind) {
    case 'call':
      return clock
    case 'equal':
      return ['equality', ...clock]
    case 'unequal':
      return ['unequal', ...clock]
    case 'order':
      return ['order', ...clock]
    case 'in':
      return ['list', ...clock]
    case 'matches': {
      if (literal.exact) return ['exact type']
      const types = policy.concreteTypes.get(literal.type) ?? []
      if (types.includes(literal.type)) return types.length > 1 ? ['extends'] : []
      return types.length > 0 ? ['matches a supertype'] : []
    }
    case 'not': {
      const inner = literal.disjuncts.flatMap(({ literals }) => literals)
      const calls = inner.filter((item) => item.kind === 'call')
      const derived = calls.some((call) =>
        policy.rules.some((rule) => rule.predicate === call.predicate && rule.params.length === call.args.length),
      )
      return [
        'negation',
        ...(inside ? (['nested not'] as const) : []),
        ...(literal.disjuncts.length > 1 ? (['not of alternatives'] as const) : []),
        ...(derived ? (['not of a rule'] as const) : []),
        ...inner.flatMap((item) => literalFeatures(policy, item, true)),
      ]
    }
  }
}

const variableNames = (term: CoreTerm): string[] => (term.kind === 'variable' ? [term.name] : [])

const valuesOf = (rule: CoreRule): Value[] => {
  const values = (literal: CoreLiteral): Value[] => [
    ...termsOf(literal).flatMap((term) => (term.kind === 'value' ? [term.value] : [])),
    ...(literal.kind === 'in' ? literal.values : []),
    ...(literal.kind === 'not' ? literal.disjuncts.flatMap(({ literals }) => literals.flatMap(values)) : []),
  ]
  return rule.disjuncts.flatMap(({ literals }) => literals.flatMap(values))
}

/** Calls of a rule; `negated` inside any `not`. */
const callsOf = (rule: CoreRule): { readonly key: string; readonly negated: boolean }[] => {
  const calls = ({ literals }: Disjunct, negated: boolean): { readonly key: string; readonly negated: boolean }[] =>
    literals.flatMap((literal) => {
      if (literal.kind === 'call') return [{ key: keyOf(literal), negated }]
      return literal.kind === 'not' ? literal.disjuncts.flatMap((inner) => calls(inner, true)) : []
    })
  return rule.disjuncts.flatMap((disjunct) => calls(disjunct, false))
}

/** Cycles of predicates without a negation in them. */
const recursionFeatures = (rules: readonly CoreRule[]): Feature[] => {
  const edges = new Map<string, { readonly key: string; readonly negated: boolean }[]>()
  for (const rule of rules) {
    const key = `${rule.predicate}/${rule.params.length}`
    edges.set(key, [...(edges.get(key) ?? []), ...callsOf(rule)])
  }
  const graph = { key: (node: string) => node, next: (node: string) => (edges.get(node) ?? []).map(({ key }) => key) }
  return components([...edges.keys()], graph).flatMap((component): Feature[] => {
    const inside = component.flatMap((node) => edges.get(node) ?? []).filter(({ key }) => component.includes(key))
    if (inside.length === 0 || inside.some(({ negated }) => negated)) return []
    return component.length > 1 ? ['mutual recursion'] : ['recursion']
  })
}
