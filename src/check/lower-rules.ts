/** Long-hand and generated rules → core rules. */
import { limits } from '../base/limits.ts'
import { utf8Length } from '../base/text.ts'
import type { Rule } from '../polar/ast.ts'
import type { CoreLiteral, CoreRule, CoreTerm, Disjunct } from './core.ts'
import { isTooLarge, lowerBody, measureBody } from './lower-body.ts'
import { createLowering, type Lowering, lowerTerm, lowerVariable } from './lower-terms.ts'
import type { Report } from './report.ts'
import type { TypeUse } from './type-table.ts'

/** A core rule beside the syntax it comes from, which knows the places of variables. */
export interface LoweredRule {
  readonly rule: Rule
  readonly core: CoreRule
  /** Written long-hand; false when generated from shorthand. */
  readonly written: boolean
}

export interface RuleLowering {
  readonly report: Report
  readonly useType: TypeUse
  /** Conditions of all rules that multiplying out made longer. */
  conditions: number
}

/** null when something is wrong with the rule; then it is reported. */
export const lowerRule = (rule: Rule, context: RuleLowering): CoreRule | null => {
  if (rule.body !== null && !fits(rule, rule.body, context)) return null
  const lowering = createLowering(context.report, context.useType)
  const { params, types } = lowerHead(rule, lowering)
  const branches: readonly Disjunct[] = rule.body === null ? [{ literals: [] }] : lowerBody(rule.body, lowering)
  if (rule.body === null) checkFactSize(rule, params, lowering)
  if (lowering.failed) return null
  const disjuncts = types.length === 0 ? branches : branches.map(({ literals }) => ({ literals: [...types, ...literals] }))
  return { predicate: rule.head.predicate.text, params, disjuncts, span: rule.head.span }
}

const fits = (rule: Rule, body: NonNullable<Rule['body']>, context: RuleLowering): boolean => {
  const size = measureBody(body)
  const grown = size.conditions > size.written ? size.conditions : 0
  if (isTooLarge(size)) {
    context.report.error(
      'rule-too-complex',
      rule.head.span,
      `with every \`or\` multiplied out the rule has too many alternatives, at most ${limits.disjuncts}`,
      {
        hint: 'give parts of it a predicate of their own',
      },
    )
    return false
  }
  if (context.conditions + grown > limits.policyConditions) {
    const message = `with every \`or\` multiplied out the rules have over ${limits.policyConditions} conditions`
    context.report.error('policy-too-complex', rule.head.span, message, { hint: 'give parts of the rules a predicate of their own' })
    return false
  }
  context.conditions += grown
  return true
}

const lowerHead = ({ head }: Rule, lowering: Lowering): { readonly params: CoreTerm[]; readonly types: CoreLiteral[] } => {
  const types: CoreLiteral[] = []
  const params = head.params.map((param): CoreTerm => {
    if (param.kind === 'term') return lowerTerm(param.term, lowering)
    lowering.useType(param.type)
    const variable = lowerVariable(param.name.text, lowering)
    types.push({ kind: 'matches', variable, type: param.type.text, exact: false, span: param.span })
    return { kind: 'variable', name: variable }
  })
  return { params, types }
}

const checkFactSize = ({ head }: Rule, params: readonly CoreTerm[], lowering: Lowering): void => {
  for (const [index, param] of params.entries()) {
    if (param.kind !== 'value' || utf8Length(param.value.id) <= limits.argumentBytes) continue
    const span = head.params[index]?.span ?? head.span
    lowering.report.error('argument-too-long', span, `an argument of a fact has at most ${limits.argumentBytes} bytes`)
    lowering.failed = true
  }
}
