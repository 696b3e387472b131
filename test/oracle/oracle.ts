/** The semantics oracle: answers every question of the `Engine` interface from the rules and the facts, slowly and without any code of the engine. */
import { at } from '../../src/base/assert.ts'
import type { Fact, Value, ValuePattern } from '../../src/base/value.ts'
import type { CheckedPolicy, CoreTerm, Disjunct } from '../../src/check/core.ts'
import type { ConjunctiveQuery, Engine, QueryErrorCode, Request, Row } from '../../src/engine/engine.ts'
import { QueryError } from '../../src/engine/engine.ts'
import type { Bindings } from './bindings.ts'
import { classOf, elementOf, noBindings, restrict } from './bindings.ts'
import type { Element } from './element.ts'
import { someOf, valueElement, wildcardOf } from './element.ts'
import type { Evaluator } from './evaluate.ts'
import { evaluatorOf } from './evaluate.ts'
import { programOf } from './program.ts'
import { refusalsOf } from './refusals.ts'
import { compareIds, compareTexts } from './sorting.ts'

export interface Oracle extends Engine {
  /** Every code that the question may be refused with; empty when it is answered. Facts do not matter. */
  refusalCodes(question: OpenQuestion): readonly QueryErrorCode[]
  /** The ways in which a question that is not refused holds. */
  answers(question: OpenQuestion, request: Request): Element[][]
}

/** What every question comes down to: calls over variables, and what each variable may be. */
export interface OpenQuestion {
  readonly calls: readonly { readonly predicate: string; readonly args: readonly string[] }[]
  /** In order of the answer's columns. `type` null: any. `ids` null: free. */
  readonly variables: readonly { readonly name: string; readonly type: string | null; readonly ids: readonly string[] | null }[]
}

export const createOracle = (policy: CheckedPolicy, facts: readonly Fact[]): Oracle => {
  const program = programOf(policy)
  const refusals = refusalsOf(program)
  const evaluators = new Map<string, Evaluator>()
  const evaluator = (request: Request): Evaluator => {
    const key = JSON.stringify([request.contextFacts, request.unixSeconds])
    const all = [...facts, ...request.contextFacts]
    const found = evaluators.get(key) ?? evaluatorOf({ program, refusals, facts: all, unixSeconds: request.unixSeconds })
    evaluators.set(key, found)
    return found
  }

  const refusalCodes = (question: OpenQuestion): QueryErrorCode[] => {
    if (!isKnown(policy, question)) return []
    const codes = new Set<QueryErrorCode>()
    for (const start of starts(noBindings(someOf(['Integer'])), question)) {
      const linked = (state: Bindings): void => void (isLinked(question, state) && codes.add('linked-wildcards'))
      if (!refusals.refusedBody(start, bodyOf(question), scopeOf(question), linked)) continue
      codes.add('cannot-be-enumerated')
      // A question may be refused for both; which is told first is no matter.
      refusals.ways(start, bodyOf(question)).forEach(linked)
    }
    return [...codes].sort()
  }

  const answers = (question: OpenQuestion, request: Request): Element[][] => {
    const [code] = refusalCodes(question)
    if (code !== undefined) throw new QueryError(code, 'refused by the oracle')
    if (!isKnown(policy, question)) return []
    const { start, solve } = evaluator(request)
    return starts(start(), question)
      .flatMap((state) => solve(state, bodyOf(question), scopeOf(question)))
      .map((state) => question.variables.map(({ name }) => elementOf(state, { kind: 'variable', name })))
  }

  const holds = (question: OpenQuestion, request: Request): boolean => answers(question, request).length > 0
  const authorize = (actor: Value, action: string, resource: Value, request: Request): boolean =>
    holds(ask('allow', [given(actor), given(text(action)), given(resource)]), request)
  const list = (actor: Value, action: string, type: string, request: Request): string[] => {
    const rows = answers(ask('allow', [given(actor), given(text(action)), { type, ids: null }]), request)
    return sortedIds(rows.map((row) => idOf(at(row, 2)))).map((id) => id ?? '*')
  }
  return {
    refusalCodes,
    answers,
    authorize,
    authorizeGlobal: (actor, action, request) => holds(ask('allow', [given(actor), given(text(action))]), request),
    authorizeResources: (actor, action, resources, request) => resources.filter((resource) => authorize(actor, action, resource, request)),
    list,
    listPage(actor, action, { resourceType: type, size, after }, request) {
      const ids = list(actor, action, type, request)
      const rest = ids.filter((id) => after === null || compareIds(star(id), star(after)) > 0)
      return { ids: rest.slice(0, size), more: rest.length > size }
    },
    actions(actor, resource, request) {
      const rows = answers(ask('allow', [given(actor), { type: 'String', ids: null }, given(resource)]), request)
      const declared = policy.metadata[resource.type]?.permissions ?? []
      return [...new Set(rows.flatMap((row) => idOf(at(row, 1)) ?? declared))].sort(compareTexts)
    },
    query: (query, request) => rowsOf(conjunctive(query), answers(conjunctive(query), request)),
    match: (predicate, args, request) => matches(predicate, answers(ask(predicate, args.map(asked)), request)),
    close: () => undefined,
  }
}

type Asked = Omit<OpenQuestion['variables'][number], 'name'>

const text = (id: string): Value => ({ type: 'String', id })
const given = (value: Value): Asked => ({ type: value.type, ids: [value.id] })
const asked = ({ type, id }: ValuePattern): Asked => ({ type, ids: id === null ? null : [id] })

/** A question of one call, whose variables are its positions. */
export const ask = (predicate: string, args: readonly Asked[]): OpenQuestion => {
  const variables = args.map((arg, index) => ({ name: `${index}`, ...arg }))
  return { calls: [{ predicate, args: variables.map(({ name }) => name) }], variables }
}

export const conjunctive = (query: ConjunctiveQuery): OpenQuestion => {
  const names = new Set(query.calls.flatMap(({ args }) => args))
  const variables = [...names].map((name) => {
    const constraint = query.constraints[name]
    return { name, type: constraint?.type ?? null, ids: constraint?.ids ?? null }
  })
  return { calls: query.calls, variables }
}

const isKnown = (policy: CheckedPolicy, question: OpenQuestion): boolean =>
  question.calls.every(({ predicate, args }) => policy.predicates.has(`${predicate}/${args.length}`))

const nowhere = { file: -1, start: 0, end: 0 }
const bodyOf = (question: OpenQuestion): Disjunct => ({
  literals: question.calls.map(({ predicate, args }) => ({
    kind: 'call',
    predicate,
    args: args.map((name): CoreTerm => ({ kind: 'variable', name })),
    span: nowhere,
  })),
})
const scopeOf = (question: OpenQuestion): Set<string> => new Set(question.variables.map(({ name }) => name))

/** One start per choice of given ids. */
const starts = (empty: Bindings, question: OpenQuestion): Bindings[] =>
  question.variables.reduce<Bindings[]>(
    (states, { name, type, ids }) => {
      const choices =
        ids === null ? [wildcardOf(type === null ? null : typesNamed(type))] : ids.map((id) => valueElement({ type: type ?? '', id }))
      return states.flatMap((state) => choices.flatMap((choice) => restrict(state, { kind: 'variable', name }, choice) ?? []))
    },
    [empty],
  )

/** A query variable's type is exact, and no value is of an abstract type. */
const typesNamed = (type: string): readonly string[] => (type === 'Actor' || type === 'Resource' ? [] : [type])

/** Whether two free variables are wildcards that must be equal. */
const isLinked = (question: OpenQuestion, state: Bindings): boolean => {
  const open = question.variables.filter(({ name }) => elementOf(state, { kind: 'variable', name }).kind === 'wildcard')
  return new Set(open.map(({ name }) => classOf(state, name))).size < open.length
}

const idOf = (element: Element): string | null => (element.kind === 'value' ? element.value.id : null)
const star = (id: string): string | null => (id === '*' ? null : id)
const sortedIds = (ids: readonly (string | null)[]): (string | null)[] => [...new Set(ids)].sort(compareIds)

const rowsOf = (question: OpenQuestion, answers: readonly Element[][]): Row[] => {
  const names = question.variables.map(({ name }) => name)
  const rows = new Map(answers.map((answer) => answer.map(idOf)).map((ids) => [JSON.stringify(ids), ids]))
  return [...rows.values()]
    .sort((a, b) => a.map((id, index) => compareIds(id, b[index] ?? null)).find((order) => order !== 0) ?? 0)
    .map((ids) => Object.fromEntries(names.map((name, index) => [name, ids[index] ?? null])))
}

type Match = { readonly predicate: string; readonly args: readonly ValuePattern[] }

const matches = (predicate: string, answers: readonly Element[][]): Match[] => {
  const found = answers.flatMap((answer) => expand(answer)).map((row): [string, Match] => [JSON.stringify(row), { predicate, args: row }])
  return [...new Map(found).values()].sort(compareMatches)
}

/** A wildcard of known types stands for one answer per type; one of every type for a single one. */
const expand = (answer: readonly Element[]): ValuePattern[][] =>
  answer.reduce<ValuePattern[][]>((rows, element) => rows.flatMap((row) => patternsOf(element).map((pattern) => [...row, pattern])), [[]])

const patternsOf = (element: Element): ValuePattern[] => {
  if (element.kind === 'value') return [element.value]
  return element.types === null ? [{ type: null, id: null }] : element.types.map((type) => ({ type, id: null }))
}

const compareMatches = (a: Match, b: Match): number => {
  for (const [index, left] of a.args.entries()) {
    const right = at(b.args, index)
    const order = compareIds(left.id, right.id) || compareIds(left.type, right.type)
    if (order !== 0) return order
  }
  return 0
}
