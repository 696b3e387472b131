/** The condition after `iff`: a rule body over the variable of the goal (polar.md 14.2). */
import type { Expression, Rule } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import type { GoalVariable } from './assertions.ts'
import type { CoreLiteral, Disjunct } from './core.ts'
import { isTooLarge, lowerBody, measureBody } from './lower-body.ts'
import { createLowering } from './lower-terms.ts'
import { addExpression, type Occurrence } from './occurrences.ts'
import { callsIn, checkCalls, predicateKey } from './predicates.ts'
import { checkSafety } from './safety.ts'
import { buildScope, type Scope } from './scopes.ts'
import type { TestContext } from './test-facts.ts'

/** null when something is wrong with the condition; then it is reported. */
export const checkIff = (iff: Expression, variable: GoalVariable | null, context: TestContext): readonly Disjunct[] | null => {
  const { report } = context
  if (variable === null || variable.name.text === '_') {
    report.error('bad-iff', iff.span, '`iff` needs a named variable in the goal', {
      hint: 'write `what: String` in the goal and `iff what in [..]`',
    })
    return null
  }
  const name = variable.name.text
  const occurrences: Occurrence[] = []
  addExpression(iff, occurrences)
  if (!occurrences.some((occurrence) => occurrence.name === name)) {
    report.error('bad-iff', iff.span, `the condition says nothing about \`${name}\``, { hint: `write \`iff ${name} in [..]\`` })
    return null
  }
  const other = occurrences.find((occurrence) => occurrence.name !== name && occurrence.name !== '_')
  if (other !== undefined) {
    report.error('bad-iff', other.span, `the condition may use the variable \`${name}\` only, found \`${other.name}\``)
    return null
  }
  return lowerIff(iff, variable, context)
}

const lowerIff = (iff: Expression, variable: GoalVariable, context: TestContext): readonly Disjunct[] | null => {
  const { report, useType, types } = context
  if (isTooLarge(measureBody(iff))) {
    report.error('rule-too-complex', iff.span, 'with every `or` multiplied out the condition has too many alternatives')
    return null
  }
  const lowering = createLowering(report, useType)
  const before = report.errors()
  const disjuncts = lowerBody(iff, lowering)
  if (lowering.failed || !checkIffCalls(iff, context)) return null
  const typed: CoreLiteral = {
    kind: 'matches',
    variable: variable.name.text,
    type: variable.type.text,
    exact: true,
    span: variable.name.span,
  }
  for (const { literals } of disjuncts) reportMismatch(buildScope([typed, ...literals], [], null, types), context)
  checkIffSafety(iff, disjuncts, variable, context)
  return report.errors() > before ? null : disjuncts
}

const checkIffCalls = (iff: Expression, { predicates, report }: TestContext): boolean => {
  const calls = callsIn(iff)
  const unknown = calls.filter(({ predicate, args }) => !predicates.known.has(predicateKey(predicate.text, args.length)))
  for (const { predicate, args } of unknown) {
    report.error('unknown-goal', predicate.span, `the policy does not know \`${predicate.text}\` with ${args.length} arguments`)
  }
  return unknown.length === 0 && checkCalls(calls, predicates, report)
}

const reportMismatch = ({ conflicts, negations }: Scope, context: TestContext): void => {
  for (const { earlier, later } of conflicts) {
    const labels = [{ span: earlier.span, message: `\`${earlier.text}\` here` }]
    if (later.operator === null)
      context.report.error('bad-iff', later.span, `\`${earlier.subject}\` is \`${earlier.text}\`, found \`${later.text}\``, { labels })
    else
      context.report.error(
        'wrong-operand',
        later.span,
        `\`${later.operator}\` needs Integers, \`${later.subject}\` is \`${earlier.text}\``,
        { labels },
      )
  }
  for (const inner of negations) for (const scope of inner) reportMismatch(scope, context)
}

// As a rule whose caller supplies the variable; only errors count, for the condition is never listed.
const checkIffSafety = (iff: Expression, disjuncts: readonly Disjunct[], variable: GoalVariable, { report }: TestContext): void => {
  const { name, type } = variable
  const span: Span = iff.span
  const rule: Rule = {
    kind: 'rule',
    flags: [],
    head: { predicate: { text: 'iff', span }, params: [{ kind: 'typed', name, type, span: name.span }], span },
    body: iff,
    span,
  }
  const core = { predicate: 'iff', params: [{ kind: 'variable' as const, name: name.text }], disjuncts, span }
  checkSafety({ rule, core, written: true }, { ...report, warning: () => undefined })
}
