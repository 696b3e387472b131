/** Evaluation by rounds: relations in temporary tables, filled until nothing new appears. Slower than one statement, and able to run every program. */
import { known } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { PlannedRule, Step } from '../ir/relation.ts'
import type { Term } from '../ir/terms.ts'
import { SqlTooLarge } from './bounds.ts'
import { type CallOverride, Emitter, ROUND } from './emit.ts'
import { renderSelect, unionAll } from './fragment.ts'
import { Parameters, type Slot } from './parameters.ts'
import { type CallStep, callsOf, groupFrom, type Member, memberKey, memberOf, RecursionFinder, rulesOf } from './recursion.ts'

export interface SlottedSql {
  readonly sql: string
  readonly slots: readonly Slot[]
}

/** One way to bring a table up to date: `reads` is the table whose new rows it starts from, `writes` the one it adds to. */
export interface IncrementStatement extends SlottedSql {
  readonly reads: string
  readonly writes: string
}

/** Asks a relation for more: `level` is that relation's. */
export interface DemandStatement extends IncrementStatement {
  readonly level: number
}

export interface RoundRule {
  readonly demands: readonly DemandStatement[]
  readonly answers: readonly IncrementStatement[]
}

/** Run with: create tables once; per question clear them, seed, then complete the highest level (see `RoundsRunner` in the engine).
 * Slots: `round` numbers the rows that a statement adds, `since` is the last round whose rows it has read. */
export interface RoundsProgram {
  readonly create: readonly string[]
  readonly clear: readonly string[]
  readonly drop: readonly string[]
  readonly seeds: readonly IncrementStatement[]
  /** Rules by level; a negation only looks at lower levels. */
  readonly levels: readonly (readonly RoundRule[])[]
  /** Reads the answers of one output pattern of the question: SELECT of its concrete outputs. */
  readonly results: ReadonlyMap<string, string>
}

interface Tabled {
  readonly member: Member
  readonly demand: string
  readonly answers: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  level: number
}

/** `prefix` makes table names unique per compiled question. `all`: every relation gets tables, nothing is inlined. */
export const roundsProgram = (goals: readonly Member[], inputs: readonly string[], prefix: string, all: boolean): RoundsProgram => {
  const tables = chooseTables(goals, prefix, all)
  if (tables.size > limits.roundTables) throw new SqlTooLarge(`more than ${limits.roundTables} relations take part`)
  setLevels(tables)
  const override: CallOverride = (step, alias) => {
    const table = tables.get(memberKey(step))
    if (!table) return null
    const name = alias()
    const column = (text: string): string => `${name}.${text}`
    return { name, from: `${table.answers} AS ${name}`, inputs: table.inputs.map(column), outputs: table.outputs.map(column) }
  }
  const height = Math.max(...[...tables.values()].map((table) => table.level))
  const levels = Array.from({ length: height + 1 }, (_, level) =>
    [...tables.values()]
      .filter((table) => table.level === level)
      .flatMap((table) => rulesOf(table.member).map((rule) => roundRule(table, rule, tables, override))),
  )
  return {
    create: [...tables.values()].flatMap((table) => [
      ...createTable(table.demand, table.inputs),
      ...createTable(table.answers, [...table.inputs, ...table.outputs]),
    ]),
    clear: [...tables.values()].flatMap((table) => [`DELETE FROM ${table.demand}`, `DELETE FROM ${table.answers}`]),
    drop: [...tables.values()].flatMap((table) => [`DROP TABLE IF EXISTS ${table.demand}`, `DROP TABLE IF EXISTS ${table.answers}`]),
    seeds: goals.map((goal) => seedStatement(known(tables.get(memberKey(goal)), 'goal table'), inputs)),
    levels,
    results: new Map(goals.map((goal) => [goal.pattern, resultSelect(known(tables.get(memberKey(goal)), 'goal table'))])),
  }
}

/** Every member that reaches a group no recursive CTE can express; with `all`, every member. */
const chooseTables = (goals: readonly Member[], prefix: string, all: boolean): Map<string, Tabled> => {
  const finder = new RecursionFinder()
  const members = reachable(goals)
  const callers = new Map<string, Member[]>()
  for (const member of members.values())
    for (const callee of callees(member)) callers.set(memberKey(callee), [...(callers.get(memberKey(callee)) ?? []), member])
  const chosen = new Map<string, Member>(goals.map((goal) => [memberKey(goal), goal]))
  const queue = [...members.values()].filter((member) => {
    return all || (finder.groupKeys(member) !== null && groupFrom(member, finder).kind === 'general')
  })
  for (let member = queue.pop(); member; member = queue.pop()) {
    if (chosen.has(memberKey(member)) && !goals.includes(member)) continue
    chosen.set(memberKey(member), member)
    queue.push(...(callers.get(memberKey(member)) ?? []).filter((caller) => !chosen.has(memberKey(caller))))
    // The rest of a recursive group is read from tables too, so that no group is cut in two.
    const keys = finder.groupKeys(member) ?? new Set<string>()
    for (const key of keys) if (!chosen.has(key)) queue.push(known(members.get(key), 'member'))
  }
  return new Map([...chosen].map(([key, member], index) => [key, tabled(member, `${prefix}${index}`)]))
}

const tabled = (member: Member, name: string): Tabled => {
  const modes = member.relation.modes.filter((mode) => mode === 'in')
  const pattern = member.relation.variants.get(member.pattern)?.pattern ?? []
  return {
    member,
    demand: `${name}q`,
    answers: `${name}a`,
    inputs: modes.map((_, index) => `i${index + 1}`),
    outputs: pattern.filter((wildcard) => wildcard === null).map((_, index) => `o${index + 1}`),
    level: 0,
  }
}

const callees = (member: Member): Member[] =>
  rulesOf(member).flatMap((rule) => {
    const calls = callsOf(rule.steps)
    return [...calls.positive, ...calls.negative].map(memberOf)
  })

const reachable = (goals: readonly Member[]): Map<string, Member> => {
  const found = new Map<string, Member>()
  const queue = [...goals]
  for (let member = queue.pop(); member; member = queue.pop()) {
    if (found.has(memberKey(member))) continue
    found.set(memberKey(member), member)
    queue.push(...callees(member))
  }
  return found
}

/** A relation stands above every relation it negates, and not below one it calls. Inlined relations pass the levels of what they call. */
const setLevels = (tables: ReadonlyMap<string, Tabled>): void => {
  const edges = [...tables.values()].map((table) => ({ table, uses: usedTables(table.member, tables) }))
  const highest = tables.size
  for (let changed = true; changed; ) {
    changed = false
    for (const { table, uses } of edges) {
      for (const { used, negated } of uses) {
        const level = Math.min(used.level + (negated ? 1 : 0), highest)
        if (level <= table.level) continue
        table.level = level
        changed = true
      }
    }
  }
}

const usedTables = (member: Member, tables: ReadonlyMap<string, Tabled>): { used: Tabled; negated: boolean }[] => {
  const found: { used: Tabled; negated: boolean }[] = []
  const visit = (steps: readonly Step[], negated: boolean): void => {
    const calls = callsOf(steps)
    for (const [list, inside] of [
      [calls.positive, negated],
      [calls.negative, true],
    ] as const) {
      for (const step of list) {
        const used = tables.get(memberKey(step))
        if (used) found.push({ used, negated: inside })
      }
    }
  }
  for (const rule of rulesOf(member)) visit(rule.steps, false)
  return found
}

type Tables = ReadonlyMap<string, Tabled>

const roundRule = (table: Tabled, rule: PlannedRule, tables: Tables, override: CallOverride): RoundRule => ({
  demands: demandSites(rule.steps, tables).flatMap((site) => {
    const target = { name: site.target.demand, columns: site.target.inputs }
    return increments({ table, rule, steps: site.prefix, outputs: site.call.inputs, target, withInputs: false }, tables, override).map(
      (statement) => ({
        ...statement,
        level: site.target.level,
      }),
    )
  }),
  answers: increments(
    {
      table,
      rule,
      steps: rule.steps,
      outputs: rule.outputs,
      target: { name: table.answers, columns: [...table.inputs, ...table.outputs] },
      withInputs: true,
    },
    tables,
    override,
  ),
})

interface Wanted {
  readonly table: Tabled
  readonly rule: PlannedRule
  readonly steps: readonly Step[]
  readonly outputs: readonly Term[]
  readonly target: { readonly name: string; readonly columns: readonly string[] }
  /** Whether the rows of the target start with the arguments asked for. */
  readonly withInputs: boolean
}

/** One statement per table that the steps read: each sees all of the others and what is new in its own. */
const increments = (wanted: Wanted, tables: Tables, override: CallOverride): IncrementStatement[] => {
  const { table, rule, steps, outputs, target } = wanted
  const deltas = [null, ...steps.flatMap((step) => (step.kind === 'call' && tables.has(memberKey(step)) ? [step] : []))]
  return deltas.flatMap((delta) => {
    const parameters = new Parameters()
    const since = parameters.placeholder({ kind: 'control', name: 'since' })
    const round = parameters.placeholder({ kind: 'control', name: 'round' })
    const found = new Emitter({ parameters, override }).increment(rule, {
      table: table.demand,
      columns: table.inputs,
      steps,
      outputs,
      delta,
      since,
    })
    if (found.fragments.length === 0) return []
    const selects = found.fragments.map((fragment) =>
      renderSelect(fragment, [...orOne(wanted.withInputs ? [...found.inputs, ...fragment.outputs] : fragment.outputs), round]),
    )
    const reads = delta ? known(tables.get(memberKey(delta)), 'table').answers : table.demand
    return [{ sql: insert(target.name, target.columns, unionAll(selects)), slots: parameters.slots, reads, writes: target.name }]
  })
}

const insert = (target: string, columns: readonly string[], rows: string): string =>
  `INSERT OR IGNORE INTO ${target}(${[...columnsOrOne(columns), ROUND].join(', ')}) ${rows}`

interface DemandSite {
  readonly prefix: readonly Step[]
  readonly call: CallStep
  readonly target: Tabled
}

/** Every call of a tabled relation in a body, with the steps that run before it; inside negations too. */
const demandSites = (steps: readonly Step[], tables: ReadonlyMap<string, Tabled>, before: readonly Step[] = []): DemandSite[] =>
  steps.flatMap((step, index): DemandSite[] => {
    const prefix = [...before, ...steps.slice(0, index)]
    if (step.kind === 'not') return step.bodies.flatMap((body) => demandSites(body, tables, prefix))
    if (step.kind !== 'call') return []
    const target = tables.get(memberKey(step))
    return target ? [{ prefix, call: step, target }] : []
  })

const seedStatement = (goal: Tabled, inputs: readonly string[]): IncrementStatement => {
  const parameters = new Parameters()
  const values = inputs.map((variable) => parameters.placeholder({ kind: 'input', variable }))
  const round = parameters.placeholder({ kind: 'control', name: 'round' })
  const sql = insert(goal.demand, goal.inputs, `VALUES (${[...orOne(values), round].join(', ')})`)
  return { sql, slots: parameters.slots, reads: goal.demand, writes: goal.demand }
}

/** A table needs a column even where a relation has no arguments left. */
const columnsOrOne = (columns: readonly string[]): readonly string[] => (columns.length === 0 ? ['i0'] : columns)

const orOne = (values: readonly string[]): readonly string[] => (values.length === 0 ? ['1'] : values)

const createTable = (name: string, columns: readonly string[]): string[] => {
  const all = columnsOrOne(columns)
  return [
    `CREATE TEMP TABLE IF NOT EXISTS ${name}(${[...all, ROUND].join(', ')}, PRIMARY KEY (${all.join(', ')})) WITHOUT ROWID`,
    `CREATE INDEX IF NOT EXISTS temp.${name}_r ON ${name}(${ROUND})`,
  ]
}

const resultSelect = (goal: Tabled): string => `SELECT ${orOne(goal.outputs).join(', ')} FROM ${goal.answers}`
