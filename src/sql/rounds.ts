/** Evaluation by rounds: relations in temporary tables, filled until nothing new appears. Slower than one statement, and able to run every program. */
import { known } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { PlannedRule, Step } from '../ir/relation.ts'
import { type CallOverride, Emitter, SqlTooLarge } from './emit.ts'
import { renderSelect, unionAll } from './fragment.ts'
import { Parameters, type Slot } from './parameters.ts'
import { type CallStep, callsOf, groupFrom, type Member, memberKey, RecursionFinder, rulesOf } from './recursion.ts'

export interface SlottedSql {
  readonly sql: string
  readonly slots: readonly Slot[]
}

/** A statement that asks a table's relation for more: `level` is that relation's. */
export interface DemandStatement extends SlottedSql {
  readonly level: number
}

export interface RoundRule {
  readonly demands: readonly DemandStatement[]
  readonly answer: SlottedSql
}

/** Run with: create tables once; per question clear them, seed, then complete the highest level (see `runRounds` in the engine). */
export interface RoundsProgram {
  readonly create: readonly string[]
  readonly clear: readonly string[]
  readonly drop: readonly string[]
  readonly seeds: readonly SlottedSql[]
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
    const table = tables.get(memberKey({ relation: step.relation, pattern: step.pattern }))
    if (!table) return null
    const name = alias()
    const column = (text: string): string => `${name}.${text}`
    return { from: `${table.answers} AS ${name}`, where: [], inputs: table.inputs.map(column), outputs: table.outputs.map(column) }
  }
  const height = Math.max(...[...tables.values()].map((table) => table.level))
  const levels = Array.from({ length: height + 1 }, (_, level) =>
    [...tables.values()]
      .filter((table) => table.level === level)
      .flatMap((table) => rulesOf(table.member).map((rule) => roundRule(table, rule, tables, override))),
  )
  return {
    create: [...tables.values()].flatMap((table) => [
      createTable(table.demand, table.inputs),
      createTable(table.answers, [...table.inputs, ...table.outputs]),
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
    return [...calls.positive, ...calls.negative].map((step) => ({ relation: step.relation, pattern: step.pattern }))
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
        const used = tables.get(memberKey({ relation: step.relation, pattern: step.pattern }))
        if (used) found.push({ used, negated: inside })
      }
    }
  }
  for (const rule of rulesOf(member)) visit(rule.steps, false)
  return found
}

const roundRule = (table: Tabled, rule: PlannedRule, tables: ReadonlyMap<string, Tabled>, override: CallOverride): RoundRule => ({
  demands: demandSites(rule.steps, tables).map((site) => demandStatement(table, rule, site, override)),
  answer: insertStatement(table.answers, [...table.inputs, ...table.outputs], override, (emitter) => {
    const alias = emitter.alias('q')
    const inputs = table.inputs.map((column) => `${alias}.${column}`)
    return emitter
      .body(rule, { inputs, from: [`${table.demand} AS ${alias}`], steps: rule.steps, outputs: rule.outputs })
      .map((fragment) => renderSelect({ ...fragment, outputs: [...inputs, ...fragment.outputs] }, orOne([...inputs, ...fragment.outputs])))
  }),
})

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
    const target = tables.get(memberKey({ relation: step.relation, pattern: step.pattern }))
    return target ? [{ prefix, call: step, target }] : []
  })

const demandStatement = (table: Tabled, rule: PlannedRule, site: DemandSite, override: CallOverride): DemandStatement => ({
  level: site.target.level,
  ...insertStatement(site.target.demand, site.target.inputs, override, (emitter) => {
    const alias = emitter.alias('q')
    const inputs = table.inputs.map((column) => `${alias}.${column}`)
    return emitter
      .body(rule, { inputs, from: [`${table.demand} AS ${alias}`], steps: site.prefix, outputs: site.call.inputs })
      .map((fragment) => renderSelect(fragment, orOne(fragment.outputs)))
  }),
})

const insertStatement = (
  target: string,
  columns: readonly string[],
  override: CallOverride,
  selects: (emitter: Emitter) => string[],
): SlottedSql => {
  const parameters = new Parameters()
  const texts = selects(new Emitter({ parameters, override }))
  const into = `INSERT OR IGNORE INTO ${target}(${columnsOrOne(columns).join(', ')})`
  return { sql: texts.length === 0 ? 'SELECT 0' : `${into} ${unionAll(texts)}`, slots: parameters.slots }
}

const seedStatement = (goal: Tabled, inputs: readonly string[]): SlottedSql => {
  const parameters = new Parameters()
  const values = inputs.map((variable) => parameters.placeholder({ kind: 'input', variable }))
  return {
    sql: `INSERT OR IGNORE INTO ${goal.demand}(${columnsOrOne(goal.inputs).join(', ')}) VALUES (${orOne(values).join(', ')})`,
    slots: parameters.slots,
  }
}

/** A table needs a column even where a relation has no arguments left. */
const columnsOrOne = (columns: readonly string[]): readonly string[] => (columns.length === 0 ? ['i0'] : columns)

const orOne = (values: readonly string[]): readonly string[] => (values.length === 0 ? ['1'] : values)

const createTable = (name: string, columns: readonly string[]): string => {
  const all = columnsOrOne(columns)
  return `CREATE TEMP TABLE IF NOT EXISTS ${name}(${all.join(', ')}, PRIMARY KEY (${all.join(', ')})) WITHOUT ROWID`
}

const resultSelect = (goal: Tabled): string => `SELECT ${orOne(goal.outputs).join(', ')} FROM ${goal.answers}`
