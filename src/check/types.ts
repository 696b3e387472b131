/** What is wrong or doubtful about the types of a rule (polar.md 9.5), once they are known. */
import type { Span } from '../polar/source.ts'
import type { BlockTable } from './block-table.ts'
import type { CoreLiteral, CoreTerm, Disjunct } from './core.ts'
import type { LoweredRule } from './lower-rules.ts'
import { termText } from './lower-terms.ts'
import { createPlaces, type Places } from './occurrences.ts'
import { didYouMean, type Report } from './report.ts'
import { type Conflict, type Scope, type TypeNode, typesOfArgument } from './scopes.ts'
import { overlap } from './type-set.ts'
import { ABSTRACT_TYPES, BUILT_IN_TYPES, knownTypes } from './type-table.ts'

export const checkTypes = ({ rule, core }: LoweredRule, scopes: readonly Scope[], context: TypeCheckContext): void => {
  const { report } = context
  const check: TypeCheck = { ...context, places: createPlaces(rule), range: rule.span, named: new Set() }
  checkConditions(core.disjuncts, new Set(), report)
  reportConflicts(scopes, true, check)
  for (const scope of scopes) checkScope(scope, check)
}

export interface TypeCheckContext {
  readonly blocks: BlockTable
  /** Types that blocks name without declaring them: each has its error. */
  readonly refused: ReadonlySet<string>
  readonly report: Report
}

interface TypeCheck extends TypeCheckContext {
  readonly places: Places
  readonly range: Span
  /** Variables that have their warning. */
  readonly named: Set<string>
}

/** Conditions that are wrong or constant by themselves. Shared ones are looked at once. */
const checkConditions = (disjuncts: readonly Disjunct[], seen: Set<CoreLiteral>, report: Report): void => {
  for (const { literals } of disjuncts) {
    for (const literal of literals) {
      if (seen.has(literal)) continue
      seen.add(literal)
      if (literal.kind === 'not') checkConditions(literal.disjuncts, seen, report)
      else checkCondition(literal, report)
    }
  }
}

const checkCondition = (literal: CoreLiteral, report: Report): void => {
  switch (literal.kind) {
    case 'call':
    case 'not':
      return
    case 'in':
      if (literal.values.length === 0)
        report.warning('always-false', literal.span, `\`${termText(literal.term)} in []\` is always false: the list is empty`)
      return
    case 'matches':
      if (literal.exact && ABSTRACT_TYPES.has(literal.type))
        report.warning('always-false', literal.span, `\`${literal.type}\` is abstract, no value has it as its exact type`, {
          hint: `use \`matches ${literal.type}\``,
        })
      return
    case 'order': {
      const wrong = [literal.left, literal.right].find((term) => term.kind === 'value' && term.value.type !== 'Integer')
      if (wrong?.kind === 'value')
        report.error(
          'wrong-operand',
          literal.span,
          `\`${literal.operator}\` needs Integers, found the ${wrong.value.type} \`${termText(wrong)}\``,
        )
      else reportConstant(literal, compare(literal.operator, literal.left, literal.right), report)
      return
    }
    case 'equal':
    case 'unequal': {
      const same = sameConstant(literal.left, literal.right)
      reportConstant(literal, same === null ? null : (literal.kind === 'equal') === same, report)
    }
  }
}

type Comparison = Extract<CoreLiteral, { kind: 'equal' | 'unequal' | 'order' }>

const reportConstant = (comparison: Comparison, result: boolean | null, report: Report): void => {
  if (result === null) return
  report.warning(result ? 'always-true' : 'always-false', comparison.span, `\`${comparisonText(comparison)}\` is always ${result}`)
}

const comparisonText = (comparison: Comparison): string => {
  const operator = comparison.kind === 'order' ? comparison.operator : comparison.kind === 'equal' ? '=' : '!='
  return `${termText(comparison.left)} ${operator} ${termText(comparison.right)}`
}

// Constants of different types are a contradiction or "always true" by their types already.
const sameConstant = (left: CoreTerm, right: CoreTerm): boolean | null =>
  left.kind === 'value' && right.kind === 'value' && left.value.type === right.value.type ? left.value.id === right.value.id : null

const compare = (operator: string, left: CoreTerm, right: CoreTerm): boolean | null => {
  if (left.kind !== 'value' || right.kind !== 'value') return null
  const [a, b] = [BigInt(left.value.id), BigInt(right.value.id)]
  return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b
}

/** Contradictions are errors when no branch is left, otherwise warnings for their branch. Inside `not` only a wrong operand is an error. */
const reportConflicts = (scopes: readonly Scope[], isRule: boolean, check: TypeCheck): void => {
  const all = scopes.every(({ conflicts }) => conflicts.length > 0)
  for (const { conflicts, negations } of scopes) {
    for (const conflict of conflicts) {
      if (isUnsure(conflict, check)) continue
      if (all && (isRule || conflict.later.operator !== null)) reportConflict(conflict, check)
      else {
        check.report.warning('can-never-match', conflict.later.span, `this branch can never match: ${conflictText(conflict)}`, {
          labels: [{ span: conflict.earlier.span, message: `\`${conflict.earlier.text}\` here` }],
        })
      }
    }
    for (const inner of negations) reportConflicts(inner, false, check)
  }
}

/** What a type is a subtype of is not known when it is misspelled, or its `extends` is faulty. */
const isUnsure = ({ earlier, later }: Conflict, { blocks, refused }: TypeCheck): boolean =>
  [earlier, later].some(({ text }) => refused.has(text) || blocks.types.get(text)?.members.complete === false)

const reportConflict = (conflict: Conflict, { blocks, report }: TypeCheck): void => {
  const { earlier, later } = conflict
  const unknown = [earlier, later].find(({ text }) => !blocks.table.names.has(text) && !BUILT_IN_TYPES.has(text))
  const hint = unknown === undefined ? null : didYouMean(unknown.text, () => knownTypes(blocks.table))
  const labels = [{ span: earlier.span, message: `\`${earlier.subject}\` is \`${earlier.text}\` here` }]
  if (later.operator === null) report.error('contradictory-types', later.span, conflictText(conflict), { labels, hint })
  else
    report.error('wrong-operand', later.span, `\`${later.operator}\` needs Integers, \`${later.subject}\` is \`${earlier.text}\``, {
      labels,
      hint,
    })
}

const conflictText = ({ earlier, later }: Conflict): string =>
  earlier.subject === later.subject
    ? `\`${later.subject}\` cannot be both \`${earlier.text}\` and \`${later.text}\``
    : `\`${earlier.subject}\` is \`${earlier.text}\` and \`${later.subject}\` is \`${later.text}\`, so they cannot be equal`

const checkScope = (scope: Scope, check: TypeCheck): void => {
  for (const node of new Set(scope.nodes.values())) checkNode(node, check)
  for (const { left, right, literal } of scope.unequal) {
    const [a, b] = [typesOfArgument(left), typesOfArgument(right)]
    if (a === null || b === null || a.length === 0 || b.length === 0 || overlap(a, b)) continue
    check.report.warning('always-true', literal.span, `\`${comparisonText(literal)}\` is always true: the two sides are of different types`)
  }
  for (const inner of scope.negations) for (const one of inner) checkScope(one, check)
}

const checkNode = ({ variable, explicit, inferred, outers }: TypeNode, { report, places, range, named }: TypeCheck): void => {
  // Inside a `not` the outer variable has the warning.
  if (variable === null || variable.startsWith('_') || explicit !== null || outers.length > 0 || named.has(variable)) return
  if (inferred === null) {
    // A variable used once has its own warning, and renaming it settles both.
    if (places.count(variable) === 1) return
    named.add(variable)
    report.warning('untyped-variable', places.of(variable, range), `nothing tells the type of \`${variable}\`, so it accepts every type`, {
      hint: `add \`${variable} matches SomeType\``,
      doubtful: true,
    })
  } else if (inferred.length === 0) {
    named.add(variable)
    report.warning('can-never-match', places.of(variable, range), `no type of \`${variable}\` fits all of its conditions`, {
      doubtful: true,
    })
  }
}
