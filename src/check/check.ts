/** Syntax → checked policy: the one entry of this stage. */
import { known } from '../base/assert.ts'
import type { Item, PolicySyntax, Rule } from '../polar/ast.ts'
import type { Outcome } from '../polar/diagnostic.ts'
import type { SourceFile } from '../polar/source.ts'
import type { BlockTable } from './block-table.ts'
import { collectBlocks, isUsable, undeclaredTypes } from './blocks.ts'
import { collectSignatures, DEFAULT_ALLOW_SIGNATURES } from './collect-signatures.ts'
import type { CheckedPolicy, CoreRule } from './core.ts'
import { type Entry, entriesOfBlocks, entryOfDeclare, entryOfRule } from './entries.ts'
import { expandShorthand } from './expand.ts'
import { inferTypes, type TypedRule } from './infer.ts'
import { type LoweredRule, lowerRule, type RuleLowering } from './lower-rules.ts'
import { metadataOf } from './metadata.ts'
import { callsOf, checkCalls, checkLengths, collectPredicates, type Predicates } from './predicates.ts'
import { createReport, type Report } from './report.ts'
import { createDuplicateLint, type DuplicateLint, lintFlags, lintRuleVariables, lintShorthandVariables } from './rule-lints.ts'
import { checkSafety } from './safety.ts'
import { buildScopes, type Scope } from './scopes.ts'
import { indexSignatures } from './signatures.ts'
import { checkTests } from './tests.ts'
import { createTypeUse, type TypeUse } from './type-table.ts'
import { checkTypes, type TypeCheckContext } from './types.ts'

/** The value is null when there is any error. Deterministic, and never throws on what a parser can produce. */
export const checkPolicy = (files: readonly SourceFile[], syntax: PolicySyntax): Outcome<CheckedPolicy> => {
  const { items } = syntax
  const report = createReport(files)
  const blocks = collectBlocks(items, report)
  const refused = new Set(undeclaredTypes(blocks))
  const useType = createTypeUse(blocks.table, refused, report)
  const predicates = collectPredicates(items)
  const tainted = new Set(report.errors() > 0 ? BLOCK_PREDICATES : [])
  const rules = lowerItems(items, {
    blocks,
    predicates,
    tainted,
    report,
    useType,
    conditions: 0,
    lintDuplicate: createDuplicateLint(report),
  })
  const { entries, scopes } = typeRules(items, rules, { blocks, refused, report })
  const signatures = collectSignatures(entries, scopes)
  const accepted = predicates.implicitAllow ? [...signatures, ...DEFAULT_ALLOW_SIGNATURES] : signatures
  const tests = checkTests(items, {
    files,
    report,
    types: blocks.table,
    useType,
    predicates,
    signatures,
    accepted: indexSignatures(accepted),
    tainted,
  })
  const diagnostics = report.sorted()
  if (report.errors() > 0) return { value: null, diagnostics }
  const value: CheckedPolicy = {
    files,
    rules: [...rules.map(({ core }) => core), ...(predicates.implicitAllow ? DEFAULT_ALLOW : [])],
    concreteTypes: blocks.table.names,
    signatures: accepted,
    tests,
    metadata: metadataOf(blocks),
    predicates: predicates.known,
  }
  return { value, diagnostics }
}

/** What an environment without a policy answers by: the implicit `allow` rules alone. */
export const emptyPolicy = (): CheckedPolicy => known(checkPolicy([], { items: [] }).value, 'the empty policy has no errors')

const BLOCK_PREDICATES = ['has_role', 'has_permission', 'has_relation']

/** `allow` follows `has_permission` until a rule of the user's says otherwise (polar.md 8). */
const DEFAULT_ALLOW: readonly CoreRule[] = [
  ['actor', 'action', 'resource'],
  ['actor', 'action'],
].map((names): CoreRule => {
  const span = { file: -1, start: 0, end: 0 }
  const params = names.map((name) => ({ kind: 'variable' as const, name }))
  return {
    predicate: 'allow',
    params,
    disjuncts: [{ literals: [{ kind: 'call', predicate: 'has_permission', args: params, span }] }],
    span,
  }
})

/** Works out the types of all rules together, and checks each rule by them. */
const typeRules = (items: readonly Item[], rules: readonly LoweredRule[], context: TypeCheckContext): Typing => {
  const { blocks, report } = context
  const types = blocks.table
  const typed = rules.map(({ rule, core }): TypedRule => {
    const scopes = buildScopes(core, types)
    return { scopes, entry: entryOfRule(core, declaredTypes(rule), scopes, types) }
  })
  const declares = items.filter((item) => item.kind === 'declare').map((declare) => entryOfDeclare(declare, types))
  const others = [...entriesOfBlocks(blocks), ...declares]
  inferTypes(typed, others)
  for (const [index, rule] of rules.entries()) {
    checkTypes(rule, typed[index]?.scopes ?? [], context)
    checkSafety(rule, report)
  }
  return { entries: [...typed.map(({ entry }) => entry), ...others], scopes: typed.flatMap(({ scopes }) => scopes) }
}

interface Typing {
  readonly entries: readonly Entry[]
  readonly scopes: readonly Scope[]
}

/** Types that the parameters state, for each position: all those of its variable. */
const declaredTypes = ({ head }: Rule): string[][] => {
  const byName = new Map<string, string[]>()
  for (const param of head.params) {
    if (param.kind === 'typed' && param.name.text !== '_')
      byName.set(param.name.text, [...(byName.get(param.name.text) ?? []), param.type.text])
  }
  return head.params.map((param) => {
    if (param.kind === 'typed') return byName.get(param.name.text) ?? [param.type.text]
    return param.term.kind === 'variable' ? (byName.get(param.term.name) ?? []) : []
  })
}

interface RuleWork extends RuleLowering {
  readonly blocks: BlockTable
  readonly predicates: Predicates
  /** Predicates that faulty rules mention. */
  readonly tainted: Set<string>
  readonly report: Report
  readonly useType: TypeUse
  readonly lintDuplicate: DuplicateLint
}

const lowerItems = (items: readonly Item[], work: RuleWork): LoweredRule[] =>
  items.flatMap((item): LoweredRule[] => {
    if (item.kind === 'rule') {
      lintFlags(item.flags, work.report)
      lintRuleVariables(item, work.report)
      return addRule(item, item, true, work)
    }
    if (item.kind === 'declare') {
      if (checkLengths(item, work.report)) item.types.forEach(work.useType)
      return []
    }
    if (item.kind !== 'block' || !isUsable(item)) return []
    return item.items.flatMap((part): LoweredRule[] => {
      if (part.kind !== 'shorthand') return []
      const alone = { ...item, items: [part] }
      lintFlags(part.flags, work.report)
      lintShorthandVariables(part, alone, work.report)
      return addRule(expandShorthand(part, item, work.blocks, work.report), alone, false, work)
    })
  })

/** Lowers a rule; a faulty one leaves its predicates tainted. */
const addRule = (rule: Rule | null, written: Item, isWritten: boolean, work: RuleWork): LoweredRule[] => {
  const calls = callsOf(written)
  const fine = checkCalls(calls, work.predicates, work.report) && rule !== null && checkLengths(rule, work.report)
  const core = rule === null ? null : lowerRule(rule, work)
  if (rule !== null && core !== null && fine) {
    work.lintDuplicate(rule)
    return [{ rule, core, written: isWritten }]
  }
  for (const { predicate } of calls) work.tainted.add(predicate.text)
  if (rule !== null) work.tainted.add(rule.head.predicate.text)
  if (!isWritten) for (const predicate of BLOCK_PREDICATES) work.tainted.add(predicate)
  return []
}
