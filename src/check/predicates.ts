/** Names and lengths of predicates: which a policy knows, and which lengths are allowed. */
import { limits } from '../base/limits.ts'
import type { Call, Declare, Expression, Item, Rule, ShorthandExpression } from '../polar/ast.ts'
import type { Report } from './report.ts'

export const predicateKey = (predicate: string, length: number): string => `${predicate}/${length}`

/** Goals that are known without any rule (polar.md 14.1); `allow` stands for both of its lengths. */
const ALWAYS_KNOWN = ['allow/2', 'allow/3', 'has_permission/2', 'has_permission/3', 'has_role/2', 'has_role/3', 'has_relation/3']

export interface Predicates {
  /** `name/length` of heads, body calls and declares, and of what is always known. */
  readonly known: ReadonlySet<string>
  /** `name/length` with at least one rule. */
  readonly withRules: ReadonlySet<string>
  /** Whether the implicit `allow` rules apply (polar.md 8). */
  readonly implicitAllow: boolean
}

/** Reads the syntax rather than checked rules, so that a faulty rule does not make its predicates unknown. */
export const collectPredicates = (items: readonly Item[]): Predicates => {
  const known = new Set(ALWAYS_KNOWN)
  const withRules = new Set<string>()
  let implicitAllow = true
  for (const item of items) {
    if (item.kind === 'rule') {
      const key = predicateKey(item.head.predicate.text, item.head.params.length)
      known.add(key)
      withRules.add(key)
      if (item.head.predicate.text === 'allow') implicitAllow = false
    } else if (item.kind === 'declare') known.add(predicateKey(item.predicate.text, item.types.length))
    for (const call of callsOf(item)) known.add(predicateKey(call.predicate.text, call.args.length))
  }
  // The heads that shorthand can generate.
  for (const key of ['has_role/2', 'has_role/3', 'has_permission/2', 'has_permission/3']) withRules.add(key)
  if (implicitAllow) for (const key of ['allow/2', 'allow/3']) withRules.add(key)
  return { known, withRules, implicitAllow }
}

/** Calls in the bodies of an item, shorthand included. */
export const callsOf = (item: Item): Call[] => {
  const calls: Call[] = []
  if (item.kind === 'rule' && item.body !== null) addCalls(item.body, calls)
  if (item.kind === 'block') for (const part of item.items) if (part.kind === 'shorthand') addCalls(part.body, calls)
  return calls
}

/** Calls of a condition. */
export const callsIn = (expression: Expression): Call[] => {
  const calls: Call[] = []
  addCalls(expression, calls)
  return calls
}

const addCalls = (expression: Expression | ShorthandExpression, calls: Call[]): void => {
  if (expression.kind === 'call') calls.push(expression)
  else if (expression.kind === 'not') addCalls(expression.item, calls)
  else if (expression.kind === 'and' || expression.kind === 'or') for (const item of expression.items) addCalls(item, calls)
}

/** Lengths that no rule, fact or declare may have. True when all are fine. */
export const checkLengths = (item: Rule | Declare, report: Report): boolean => {
  if (item.kind === 'rule') {
    const { head } = item
    if (head.params.length <= limits.ruleArguments) return true
    report.error('too-many-arguments', head.span, `a rule has at most ${limits.ruleArguments} arguments, found ${head.params.length}`)
    return false
  }
  if (item.types.length <= limits.factArguments) return true
  report.error('too-many-arguments', item.span, `a declared fact has at most ${limits.factArguments} arguments, found ${item.types.length}`)
  return false
}

/** Lengths of calls: a predicate without rules is a fact predicate. */
export const checkCalls = (calls: readonly Call[], { withRules }: Predicates, report: Report): boolean => {
  let fine = true
  for (const { predicate, args, span } of calls) {
    if (withRules.has(predicateKey(predicate.text, args.length))) continue
    if (args.length === 0) {
      report.error('zero-argument-fact-type', span, `no rule is named \`${predicate.text}()\`, and a fact needs at least one argument`, {
        hint: 'use a Boolean argument',
      })
      fine = false
    } else if (args.length > limits.factArguments) {
      const message = `\`${predicate.text}\` has no rule with ${args.length} arguments, and a fact has at most ${limits.factArguments}`
      report.error('too-many-arguments', span, message)
      fine = false
    }
  }
  return fine
}
