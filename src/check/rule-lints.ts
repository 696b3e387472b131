/** Warnings about a rule as written: unknown flags, variables used once, repeated rules. */
import type { Item, Name, Rule, Shorthand } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import { addExpression, type Occurrence, occurrencesOf } from './occurrences.ts'
import { callsOf } from './predicates.ts'
import type { Report } from './report.ts'
import { ruleKey } from './rule-key.ts'

export const lintFlags = (flags: readonly Name[], report: Report): void => {
  for (const flag of flags) report.warning('unknown-rule-flag', flag.span, `the flag \`@${flag.text}\` is not known and is ignored`)
}

/** Long-hand rules: every variable. */
export const lintRuleVariables = (rule: Rule, report: Report): void => lintOnce(occurrencesOf(rule), report)

/** Shorthand rules: the variables of calls, but for those that name the parties and the word of the head. */
export const lintShorthandVariables = (shorthand: Shorthand, item: Item, report: Report): void => {
  const found: Occurrence[] = []
  const given = new Set(['actor', 'resource', shorthand.head.kind === 'word' ? shorthand.head.text : ''])
  if (item.kind !== 'block') return
  for (const call of callsOf({ ...item, items: [shorthand] })) addExpression(call, found)
  lintOnce(
    found.filter(({ name }) => !given.has(name)),
    report,
  )
}

const lintOnce = (occurrences: readonly Occurrence[], report: Report): void => {
  const counts = new Map<string, number>()
  for (const { name } of occurrences) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const { name, span } of occurrences) {
    if (name.startsWith('_') || counts.get(name) !== 1) continue
    report.warning('variable-used-once', span, `the variable \`${name}\` is used once`, { hint: `rename it to \`_${name}\` or \`_\`` })
  }
}

/** Finds rules that say the same, whatever their variables are called. */
export type DuplicateLint = (rule: Rule) => void

export const createDuplicateLint = (report: Report): DuplicateLint => {
  const first = new Map<string, Span>()
  return (rule) => {
    const key = ruleKey(rule)
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, rule.head.span)
    else {
      report.warning('duplicate-rule', rule.head.span, 'the same rule stands here twice', {
        labels: [{ span: earlier, message: 'the first one is here' }],
        hint: 'take one of them out',
      })
    }
  }
}
