/** The engine: compiles each shape of question once, and answers it with bound parameters. */
import { known } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { sortBytewise } from '../base/text.ts'
import type { Fact, Value, ValuePattern } from '../base/value.ts'
import { NAMED_PREDICATES } from '../check/collect-signatures.ts'
import type { CheckedPolicy } from '../check/core.ts'
import { acceptsFact, acceptsTypes } from '../check/signatures.ts'
import { PlanBudget, TooComplex } from '../ir/budget.ts'
import type { FactShape } from '../ir/fact-source.ts'
import { MAX_REMEMBERED } from '../sql/remembered.ts'
import type { Store } from '../store/facts.ts'
import { isNoMemory } from '../store/instance.ts'
import { ColumnIds, cellsOf, compareIds, comparePatterns, firstAfter, tooManyRows } from './answers.ts'
import { type Asked, ask, askAllow, askedQuestions } from './asked.ts'
import type { Inputs } from './binder.ts'
import { CheckTree } from './check-tree.ts'
import {
  type ConjunctiveQuery,
  type HotShape,
  type ListPage,
  type Memory,
  type PageRequest,
  type PreparingEngine,
  QueryError,
  type Request,
  type Row,
} from './engine.ts'
import { guarded, noMemory } from './guarded.ts'
import { LazyCache } from './lazy-cache.ts'
import { ListWalker } from './list.ts'
import { PlanGuard } from './plan-guard.ts'
import { QuestionPlanner } from './plan-question.ts'
import { type DirectCheck, Prepared } from './prepared.ts'
import { Constants, constantsOf, type Question, questionKey } from './question.ts'
import { contextRows, contextShapes, contextSlots, tableShapes } from './shapes.ts'
import { SubjectMemory } from './subject-memory.ts'
import { RequestValues } from './values.ts'

/** Prepared questions kept at once; preparing costs ten times executing. */
const MAX_PREPARED = 2000
/** Rows up to which a page is cut from the whole list. */
const SHORT_LIST = 3000
/** Context facts up to which a shape is remembered for another engine. */
const SAMPLE_FACTS = 10
/** For shapes that were planned before: only the steps of their planning are bounded. */
const AHEAD: Request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 0 }

const WILDCARD: ValuePattern = { type: null, id: null }

export class QueryEngine implements PreparingEngine {
  readonly #store: Store
  readonly #policy: CheckedPolicy
  readonly #planner: QuestionPlanner
  readonly #constants: Constants
  readonly #judged = new LazyCache<{ readonly error: QueryError | null }>({ max: 10_000 })
  readonly #prepared = new LazyCache<PreparedRows>({ max: MAX_PREPARED, dispose: ({ prepared }) => prepared.close() })
  readonly #checks: CheckTree<PreparedCheck>
  readonly #walker: ListWalker
  readonly #guard = new PlanGuard()
  /** Null for an engine that remembers nothing. */
  readonly #memory: SubjectMemory | null
  #epoch: number

  constructor(store: Store, policy: CheckedPolicy, memory: Memory) {
    this.#store = store
    this.#policy = policy
    this.#planner = new QuestionPlanner(policy)
    this.#constants = new Constants(constantsOf(policy))
    this.#checks = new CheckTree(this.#constants)
    this.#epoch = store.planEpoch
    this.#walker = new ListWalker(store, this.#planner)
    this.#memory = memory === 'none' ? null : new SubjectMemory(store, memory === 'always' ? Number.POSITIVE_INFINITY : MAX_REMEMBERED)
  }

  authorize(actor: Value, action: string, resource: Value, request: Request): boolean {
    return this.#allow([actor, { type: 'String', id: action }, resource], request)
  }

  authorizeGlobal(actor: Value, action: string, request: Request): boolean {
    return this.#allow([actor, { type: 'String', id: action }], request)
  }

  authorizeResources(actor: Value, action: string, resources: readonly Value[], request: Request): Value[] {
    return resources.filter((resource) => this.authorize(actor, action, resource, request))
  }

  list(actor: Value, action: string, resourceType: string, request: Request): string[] {
    const asked = this.#listQuestion(actor, action, resourceType)
    return asked ? this.#wholeColumn(asked, request) : []
  }

  listPage(actor: Value, action: string, page: PageRequest, request: Request): ListPage {
    const { size, after } = page
    const asked = this.#listQuestion(actor, action, page.resourceType)
    if (!asked) return { ids: [], more: false }
    // Most lists are short: evaluated whole, and sorted. A long one is walked in order, unless its answers turn out to be far apart.
    const all =
      this.#column(asked, request, Math.max(size, SHORT_LIST)) ?? this.#walk(asked, page, request) ?? this.#wholeColumn(asked, request)
    if (!Array.isArray(all)) return all
    const start = after === null ? 0 : firstAfter(all, after)
    return { ids: all.slice(start, start + size), more: start + size < all.length }
  }

  actions(actor: Value, resource: Value, request: Request): string[] {
    const asked = ask(
      [
        { name: 'actor', value: actor },
        { name: 'action', type: 'String' },
        { name: 'resource', value: resource },
      ],
      this.#constants,
    )
    if (!asked) return []
    const found = this.#wholeColumn(asked, request)
    if (found[0] !== '*') return found
    const declared = this.#policy.metadata[resource.type]?.permissions ?? []
    return sortBytewise([...new Set([...found.slice(1), ...declared])])
  }

  query(query: ConjunctiveQuery, request: Request): Row[] {
    const names = [...new Set(query.calls.flatMap((call) => call.args))]
    const found = new Map<string, (string | null)[]>()
    for (const asked of askedQuestions(query, names, this.#constants)) {
      this.#each(asked, request, (cells) => {
        const values = new Map(names.map((name) => [name, asked.given.get(name) ?? cells.get(name) ?? WILDCARD]))
        if (
          !query.calls.every(({ predicate, args }) =>
            this.#isUsed(
              predicate,
              args.map((name) => values.get(name) ?? WILDCARD),
            ),
          )
        )
          return
        const row = names.map((name) => values.get(name)?.id ?? null)
        found.set(JSON.stringify(row), row)
      })
    }
    return [...found.values()].sort(compareIds).map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])))
  }

  match(predicate: string, args: readonly ValuePattern[], request: Request): { predicate: string; args: ValuePattern[] }[] {
    const parts = args.map((arg, index) => {
      // A refusal shows it.
      const name = `argument ${index + 1}`
      if (arg.type === null) return { name, type: null }
      return arg.id === null ? { name, type: arg.type } : { name, value: { type: arg.type, id: arg.id } }
    })
    const asked = ask(parts, this.#constants, predicate)
    if (!asked) return []
    const found = new Map<string, ValuePattern[]>()
    this.#each(asked, request, (cells) => {
      const answer = asked.question.variables.map((item): ValuePattern => {
        const value = asked.given.get(item.name)
        return value ?? cells.get(item.name) ?? WILDCARD
      })
      if (!this.#isUsed(predicate, answer)) return
      found.set(JSON.stringify(answer.map((item) => [item.type, item.id])), answer)
    })
    return [...found.values()].sort(comparePatterns).map((answer) => ({ predicate, args: answer }))
  }

  hotShapes(most: number): HotShape[] {
    const policy = this.#policy
    const checks = this.#checks.items().map(({ values }): HotShape => ({ kind: 'check', policy, values }))
    const rows = [...this.#prepared.values()].flatMap(({ question, contextFacts }): HotShape[] =>
      contextFacts.length > SAMPLE_FACTS ? [] : [{ kind: 'rows', policy, question, contextFacts }],
    )
    const walks = this.#walker.questions().map((question): HotShape => ({ kind: 'walk', policy, question }))
    return [...checks, ...rows, ...walks].slice(0, most)
  }

  prepare(shape: HotShape): void {
    this.#refresh()
    try {
      if (shape.kind === 'check') {
        if (this.#checks.find(shape.values) === null) this.#prepareCheck(shape.values, AHEAD)
      } else if (shape.policy === this.#policy) {
        this.#judged.set(questionKey(shape.question), { error: null })
        if (shape.kind === 'rows') this.#prepare(shape.question, { ...AHEAD, contextFacts: shape.contextFacts })
        else this.#withRoom(() => this.#walker.prepare(shape.question, { shapes: () => this.#shapes([]), budget: new PlanBudget() }))
      }
    } catch (error) {
      if (!(error instanceof QueryError || error instanceof TooComplex)) throw error
    }
  }

  close(): void {
    this.#clear()
  }

  #allow(values: readonly Value[], request: Request): boolean {
    if (request.contextFacts.length === 0) {
      this.#refresh()
      const found = this.#checks.find(values) ?? this.#prepareCheck(values, request)
      if (found !== null) return this.#fastAllow(found, values, request)
    }
    const asked = askAllow(values, this.#constants)
    return asked !== null && this.#check(asked, request)
  }

  /** Names a compiled check by the types and constants of its arguments; lengths keep any two apart. Null where ids need a canonical form first. */
  #checkKey(values: readonly Value[]): string | null {
    let key = `${values.length}`
    for (const { type, id } of values) {
      if (type === 'Integer' || type === 'Boolean') return null
      key += this.#constants.has(type, id) ? `=${type.length}:${type}${id.length}:${id}` : `~${type.length}:${type}`
    }
    return key
  }

  /** The hot path. */
  #fastAllow({ direct, prepared }: PreparedCheck, values: readonly Value[], request: Request): boolean {
    if (!direct) {
      const inputs = this.#inputs(known(askAllow(values, this.#constants), 'ids of these types have one form'), request)
      return this.#guarded(request, () => prepared.check(inputs))
    }
    const encoder = new RequestValues(this.#store)
    // Indexed plainly: `at` serves arrays of every kind, which makes it slow.
    const encoded = values.map((value, index) => (direct.wants[index] === true ? encoder.encode(value) : 0))
    const remembered = direct.remembers && this.#memory !== null ? this.#memory.of(encoded[0] ?? 0) : null
    return guarded(this.#store.database, request, () => direct.ask(encoded), remembered)
  }

  /** Null where ids need a canonical form first. */
  #prepareCheck(values: readonly Value[], request: Request): PreparedCheck | null {
    const key = this.#checkKey(values)
    if (key === null) return null
    const { question } = known(askAllow(values, this.#constants), 'ids of these types have one form')
    this.#judge(question, request)
    // Before, for the new check may refer to what is remembered.
    if (this.#checks.size >= MAX_PREPARED) this.#clear()
    const prepared = this.#plan(key, question, request, this.#memory)
    const check = { values, prepared, direct: prepared.directCheck() }
    this.#checks.set(values, check)
    return check
  }

  #listQuestion(actor: Value, action: string, resourceType: string): Asked | null {
    return ask(
      [
        { name: 'actor', value: actor },
        { name: 'action', value: { type: 'String', id: action } },
        { name: 'resource', type: resourceType },
      ],
      this.#constants,
    )
  }

  #check(asked: Asked, request: Request): boolean {
    this.#judge(asked.question, request)
    const prepared = this.#prepare(asked.question, request)
    const inputs = this.#inputs(asked, request)
    return this.#guarded(request, () => prepared.check(inputs))
  }

  /** A page of a long list; null when walking does not suit it. */
  #walk(asked: Asked, { size, after }: PageRequest, request: Request): ListPage | null {
    if (request.contextFacts.length > 0) return null
    const inputs = this.#inputs(asked, request)
    const page = (budget: PlanBudget): ListPage | null =>
      this.#walker.page(asked.question, inputs, { size, after, shapes: () => this.#shapes([]), budget })
    const walk = (): ListPage | null => this.#guard.run(`walk ${questionKey(asked.question)}`, request, page)
    return this.#guarded(request, () => this.#withRoom(walk))
  }

  /** Ids of the one asked-for variable: `*` first, then bytewise ascending. Null when there are more than `most` rows. */
  #column(asked: Asked, request: Request, most: number): string[] | null {
    this.#judge(asked.question, request)
    const prepared = this.#prepare(asked.question, request)
    const inputs = this.#inputs(asked, request)
    const ids = new ColumnIds()
    let rows = 0
    this.#guarded(request, () =>
      prepared.rows(inputs, (branch, columns) => {
        ids.add(branch, columns[0])
        rows += 1
        return rows <= most
      }),
    )
    return rows > most ? null : ids.texts(inputs.values)
  }

  /** As `#column`, of a list that is wanted whole. */
  #wholeColumn(asked: Asked, request: Request): string[] {
    const ids = this.#column(asked, request, limits.resultRows)
    if (!ids) throw tooManyRows()
    return ids
  }

  /** Calls `each` with the asked-for variables of every answer. */
  #each(asked: Asked, request: Request, each: (cells: ReadonlyMap<string, ValuePattern>) => void): void {
    const names = asked.question.variables.filter((item) => item.mode !== 'given').map((item) => item.name)
    if (names.length === 0) {
      if (this.#check(asked, request)) each(new Map())
      return
    }
    this.#judge(asked.question, request)
    const prepared = this.#prepare(asked.question, request)
    const inputs = this.#inputs(asked, request)
    let rows = 0
    this.#guarded(request, () =>
      prepared.rows(inputs, (branch, columns) => {
        each(cellsOf(names, branch, columns, inputs.values))
        rows += 1
        return rows <= limits.resultRows
      }),
    )
    if (rows > limits.resultRows) throw tooManyRows()
  }

  /** Whether an answer can be more than a fact whose name no rule uses: every atom that rules read or derive matches a signature. */
  #isUsed(predicate: string, args: readonly ValuePattern[]): boolean {
    if (!NAMED_PREDICATES.has(predicate)) return true
    const values = args.flatMap(({ type, id }) => (type === null || id === null ? [] : [{ type, id }]))
    return values.length < args.length || acceptsFact(this.#policy, { predicate, args: values })
  }

  /** Throws when the question is refused; judged once per shape, never by data. */
  #judge(question: Question, request: Request): void {
    const key = questionKey(question)
    let judged = this.#judged.get(key)
    if (!judged) {
      judged = { error: this.#guard.run(`judge ${key}`, request, (budget) => this.#refusal(question, budget)) }
      this.#judged.set(key, judged)
    }
    if (judged.error) throw judged.error
  }

  #refusal(question: Question, budget: PlanBudget): QueryError | null {
    try {
      this.#planner.refuse(question, budget)
      return null
    } catch (error) {
      if (error instanceof QueryError) return error
      throw error
    }
  }

  #prepare(question: Question, request: Request): Prepared {
    const { contextFacts } = request
    this.#refresh()
    const key = `${questionKey(question)}${contextFacts.length === 0 ? '' : JSON.stringify(contextSlots(contextFacts))}`
    let found = this.#prepared.get(key)
    if (!found) {
      found = { question, contextFacts, prepared: this.#plan(key, question, request) }
      this.#prepared.set(key, found)
    }
    return found.prepared
  }

  #plan(key: string, question: Question, request: Request, memory: SubjectMemory | null = null): Prepared {
    const plan = (budget: PlanBudget): Prepared =>
      new Prepared(this.#store, this.#planner.plan(question, this.#shapes(request.contextFacts), budget), memory)
    return this.#withRoom(() => this.#guard.run(`plan ${key}`, request, plan))
  }

  /** Work that compiles what it uses. Statements take memory, those of large questions most of it, and all of them can be had again: when it runs out
   * they are dropped, and the work is done from its start. */
  #withRoom<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!isNoMemory(error)) throw error
    }
    this.#clear()
    try {
      return work()
    } catch (error) {
      throw isNoMemory(error) ? noMemory() : error
    }
  }

  #shapes(contextFacts: readonly Fact[]): FactShape[] {
    // Facts that an earlier policy left have no effect until a policy uses their signature again (polar.md 12).
    const tables = this.#store.tables().filter(({ signature }) => acceptsTypes(this.#policy, signature))
    return [...tableShapes(tables), ...contextShapes(contextFacts)]
  }

  /** Drops every compiled question when tables appeared or grew by a lot. */
  #refresh(): void {
    if (this.#epoch === this.#store.planEpoch) return
    this.#clear()
    this.#epoch = this.#store.planEpoch
  }

  #clear(): void {
    this.#prepared.clear()
    for (const { prepared } of this.#checks.items()) prepared.close()
    this.#checks.clear()
    this.#walker.clear()
    this.#memory?.clear()
    this.#guard.clear()
  }

  #inputs(asked: Asked, request: Request): Inputs {
    const values = new RequestValues(this.#store)
    const given = new Map([...asked.given].map(([name, value]) => [name, values.encode(value)]))
    const some = new Map([...asked.some].map(([name, list]) => [name, list.map((value) => values.encode(value))]))
    return { values, unixSeconds: request.unixSeconds, given, some, context: contextRows(request.contextFacts, values) }
  }

  #guarded<T>(request: Request, work: () => T): T {
    return guarded(this.#store.database, request, work)
  }
}

interface PreparedCheck {
  /** Of the request that it was prepared for. */
  readonly values: readonly Value[]
  readonly prepared: Prepared
  readonly direct: DirectCheck | null
}

interface PreparedRows {
  readonly question: Question
  readonly contextFacts: readonly Fact[]
  readonly prepared: Prepared
}
