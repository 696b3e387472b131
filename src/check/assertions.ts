/** Assertions of tests: a known goal, at most one variable, a condition over it (polar.md 14.2). */
import type { Fact, Value } from '../base/value.ts'
import type { Assertion, Head, Name, Parameter } from '../polar/ast.ts'
import type { CoreAssertion } from './core.ts'
import { checkIff } from './iff.ts'
import { createLowering, lowerConstant, termText } from './lower-terms.ts'
import { predicateKey } from './predicates.ts'
import { didYouMean } from './report.ts'
import type { TestContext } from './test-facts.ts'
import { hasType } from './type-set.ts'
import { ABSTRACT_TYPES } from './type-table.ts'

/** null when something is wrong with the assertion; then it is reported. */
export const checkAssertion = (assertion: Assertion, setup: readonly Fact[], context: TestContext): CoreAssertion | null => {
  const { goal, negated, iff, span } = assertion
  const known = checkGoal(goal, context)
  const args = goalArguments(goal, context)
  if (args === null) return null
  const variable = args.variable
  const condition = iff === null ? null : checkIff(iff, variable, context)
  if (!known || (iff !== null && condition === null)) return null
  warnMismatch(goal, args, setup, context)
  return {
    negated,
    predicate: goal.predicate.text,
    args: args.values,
    variable: variable === null ? null : { name: variable.name.text, position: variable.position, type: variable.type.text },
    iff: condition,
    text: writtenText(assertion, context),
    span,
  }
}

/** The variable of a goal. */
export interface GoalVariable {
  readonly name: Name
  readonly type: Name
  readonly position: number
}

interface GoalArguments {
  readonly values: readonly (Value | null)[]
  readonly variable: GoalVariable | null
}

const checkGoal = ({ predicate, params }: Head, { predicates, report }: TestContext): boolean => {
  if (predicates.known.has(predicateKey(predicate.text, params.length))) return true
  const names = () => [...predicates.known].map((key) => key.slice(0, key.lastIndexOf('/')))
  const lengths = [...predicates.known]
    .filter((key) => key.startsWith(`${predicate.text}/`))
    .map((key) => key.slice(predicate.text.length + 1))
  if (lengths.length > 0) {
    const message = `\`${predicate.text}\` takes ${lengths.toSorted(byNumber).join(' or ')} arguments, found ${params.length}`
    report.error('unknown-goal', predicate.span, message)
  } else {
    report.error('unknown-goal', predicate.span, `the policy does not know \`${predicate.text}\` with ${params.length} arguments`, {
      hint: didYouMean(predicate.text, names),
    })
  }
  return false
}

const byNumber = (a: string, b: string): number => Number(a) - Number(b)

const goalArguments = ({ params }: Head, context: TestContext): GoalArguments | null => {
  const values: (Value | null)[] = []
  let variable: GoalVariable | null = null
  let failed = false
  for (const [position, param] of params.entries()) {
    const value = goalValue(param, context)
    if (value !== 'variable') {
      values.push(value)
      failed ||= value === null
      continue
    }
    values.push(null)
    const found = goalVariable(param, position, context)
    if (found === null) failed = true
    else if (variable === null) variable = found
    else {
      failed = true
      const message =
        variable.name.text === found.name.text && found.name.text !== '_'
          ? `a goal names its variable once, found \`${found.name.text}\` twice`
          : `a goal has at most one variable, found \`${variable.name.text}\` and \`${found.name.text}\``
      context.report.error('bad-assertion-variable', param.span, message)
    }
  }
  return failed ? null : { values, variable }
}

/** A constant, null after a report, or word that a variable stands there. */
const goalValue = (param: Parameter, { report, useType }: TestContext): Value | null | 'variable' => {
  if (param.kind === 'typed' || param.term.kind === 'variable') return 'variable'
  if (param.term.kind !== 'now') return lowerConstant(param.term, createLowering(report, useType))
  report.error('bad-assertion-variable', param.span, 'a goal takes constants and one variable, found `@current_unix_time`')
  return null
}

const goalVariable = (param: Parameter, position: number, { report, useType }: TestContext): GoalVariable | null => {
  if (param.kind === 'term') {
    const name = param.term.kind === 'variable' ? param.term.name : ''
    report.error('bad-assertion-variable', param.span, `the variable \`${name}\` of a goal is written \`name: ConcreteType\``, {
      hint: `write \`${name}: SomeType\``,
    })
    return null
  }
  if (ABSTRACT_TYPES.has(param.type.text)) {
    report.error(
      'bad-assertion-variable',
      param.type.span,
      `\`${param.type.text}\` is abstract, the variable of a goal is written \`name: ConcreteType\``,
    )
    return null
  }
  useType(param.type)
  return { name: param.name, type: param.type, position }
}

/** An argument that no rule, declaration, declare, call or setup fact has room for makes the goal false. */
const warnMismatch = (goal: Head, { values, variable }: GoalArguments, setup: readonly Fact[], context: TestContext): void => {
  // Without a rule of the user's, `allow` is `has_permission`.
  const predicate = goal.predicate.text === 'allow' && context.predicates.implicitAllow ? 'has_permission' : goal.predicate.text
  if (context.tainted.has(predicate)) return
  const signatures = context.signatures.filter(
    (signature) => signature.predicate === predicate && signature.positions.length === values.length,
  )
  const types = values.map((value) => value?.type ?? variable?.type.text ?? '')
  const fits = (index: number): boolean => signatures.some(({ positions }) => hasType(positions[index]?.types ?? null, types[index] ?? ''))
  const isFact = (fact: Fact): boolean =>
    fact.predicate === predicate && fact.args.length === types.length && fact.args.every(({ type }, index) => type === types[index])
  const whole = signatures.some(({ positions }) => types.every((type, index) => hasType(positions[index]?.types ?? null, type)))
  if (signatures.length === 0 || whole || setup.some(isFact)) return
  const index = types.findIndex((_, position) => !fits(position))
  const param = goal.params[index]
  // An undeclared type has its own warning.
  if (param !== undefined && !isKnownType(types[index] ?? '', context)) return
  const value = values[index]
  const shown = value === undefined || value === null ? (variable?.name.text ?? '') : termText({ kind: 'value', value })
  const message =
    param === undefined
      ? `the types of the arguments fit no rule of \`${goal.predicate.text}\``
      : `the type \`${types[index] ?? ''}\` of \`${shown}\` fits no rule of \`${goal.predicate.text}\``
  context.report.warning('goal-cannot-match', param?.span ?? goal.span, `${message}, so the goal is never true`)
}

const isKnownType = (name: string, { types }: TestContext): boolean =>
  types.isDeclared(name) || name === 'String' || name === 'Integer' || name === 'Boolean'

const writtenText = ({ span }: Assertion, { files }: TestContext): string =>
  (files[span.file]?.text.slice(span.start, span.end) ?? '').replace(/\s+/g, ' ').replace(/ ?;$/, '')
