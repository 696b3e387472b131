/** Which variables have a value where one is needed (polar.md 10.2, 10.3), rule by rule. */

import type { Span } from '../polar/source.ts'
import type { CoreLiteral, CoreTerm, Disjunct } from './core.ts'
import { createEqualities } from './equalities.ts'
import { termsOf } from './literal-terms.ts'
import type { LoweredRule } from './lower-rules.ts'
import { createPlaces, type Places } from './occurrences.ts'
import { listed, type Report } from './report.ts'

export const checkSafety = ({ rule, core }: LoweredRule, report: Report): void => {
  const check: SafetyCheck = { report, places: createPlaces(rule), inner: new Map(), reported: new Set(), given: new Map() }
  const params = new Set(core.params.flatMap((param) => (param.kind === 'variable' ? [param.name] : [])))
  const outer: Outer = { bound: NONE, given: params }
  for (const disjunct of core.disjuncts) checkDisjunct(disjunct, outer, check)
  const [place] = check.given.values()
  if (place === undefined) return
  const names = [...check.given.keys()]
  const message = `nothing gives ${listed(names)} a value here: checks work, but lists and open queries on this rule will be refused`
  report.warning('cannot-be-enumerated', place, message, { hint: `add a condition that binds ${listed(names)}` })
}

const NONE: ReadonlySet<string> = new Set()

/** Variables of the enclosing rule or disjunct: with a value, or parameters whose value only a caller can give. */
interface Outer {
  readonly bound: ReadonlySet<string>
  readonly given: ReadonlySet<string>
}

interface SafetyCheck {
  readonly report: Report
  readonly places: Places
  /** Variables inside a `not`, remembered: branches share their conditions. */
  readonly inner: Map<CoreLiteral, ReadonlySet<string>>
  /** Variables that already have an error. */
  readonly reported: Set<string>
  /** Parameters that a caller must give, with the first place that needs them. */
  readonly given: Map<string, Span>
}

type Status = 'bound' | 'given' | 'unbound'

const checkDisjunct = (disjunct: Disjunct, outer: Outer, check: SafetyCheck): void => {
  const statusOf = boundBy(disjunct, outer)
  for (const literal of disjunct.literals) {
    if (literal.kind !== 'order' && literal.kind !== 'unequal') continue
    for (const term of [literal.left, literal.right])
      if (term.kind === 'variable') need(term.name, statusOf(term.name), literal.span, check)
  }
  const uses = usesOf(disjunct, check)
  for (const literal of disjunct.literals) if (literal.kind === 'not') checkNegation(literal, { outer, uses, statusOf, check })
}

interface Uses {
  /** Variables of conditions outside every `not`. */
  readonly direct: ReadonlySet<string>
  /** The first `not` with a variable, for those in two of them. */
  readonly shared: ReadonlyMap<string, CoreLiteral>
}

const usesOf = ({ literals }: Disjunct, check: SafetyCheck): Uses => {
  const direct = new Set<string>()
  const first = new Map<string, CoreLiteral>()
  const shared = new Map<string, CoreLiteral>()
  for (const literal of literals) {
    if (literal.kind !== 'not') {
      for (const name of variablesOf(literal, check)) direct.add(name)
      continue
    }
    for (const name of variablesOf(literal, check)) {
      const earlier = first.get(name)
      if (earlier === undefined) first.set(name, literal)
      else if (earlier !== literal) shared.set(name, earlier)
    }
  }
  return { direct, shared }
}

interface Surroundings {
  readonly outer: Outer
  readonly uses: Uses
  readonly statusOf: (name: string) => Status
  readonly check: SafetyCheck
}

const checkNegation = (literal: Extract<CoreLiteral, { kind: 'not' }>, { outer, uses, statusOf, check }: Surroundings): void => {
  const bound = new Set<string>()
  for (const name of variablesOf(literal, check)) {
    const isOuter = outer.bound.has(name) || outer.given.has(name) || uses.direct.has(name)
    const earlier = uses.shared.get(name)
    if (!isOuter && earlier === undefined) continue
    if (isOuter) need(name, statusOf(name), literal.span, check)
    else if (earlier !== undefined && earlier !== literal) reportShared(name, earlier.span, literal.span, check)
    // Whatever is wrong with an outer variable is said here, so inside it counts as bound.
    bound.add(name)
  }
  for (const inner of literal.disjuncts) checkDisjunct(inner, { bound, given: NONE }, check)
}

const need = (name: string, status: Status, span: Span, check: SafetyCheck): void => {
  if (status === 'bound' || check.reported.has(name) || check.given.has(name)) return
  const place = check.places.of(name, span)
  if (status === 'given') {
    check.given.set(name, place)
    return
  }
  check.reported.add(name)
  const shown = name.startsWith('_#') ? '_' : name
  const similar = check.places.similar(name)
  check.report.error('unbound-variable', place, `the variable \`${shown}\` has no value here`, {
    labels: similar === null ? [] : [{ span: similar.span, message: `\`${similar.name}\` occurs once` }],
    hint: similar === null ? `add a condition that gives \`${shown}\` a value, or make it a parameter` : `did you mean \`${similar.name}\``,
  })
}

const reportShared = (name: string, first: Span, second: Span, check: SafetyCheck): void => {
  if (check.reported.has(name)) return
  check.reported.add(name)
  check.report.error('variable-shared-by-negations', check.places.of(name, second), `\`${name}\` occurs only inside two negations`, {
    labels: [{ span: check.places.of(name, first), message: 'the other one is here' }],
    hint: 'bind it outside, or rename it in one of them',
  })
}

/** Calls, `in` and equality with something bound give values; `matches` does not. */
const boundBy = ({ literals }: Disjunct, outer: Outer): ((name: string) => Status) => {
  const equalities = createEqualities(literals)
  const bound = new Set<string>()
  const given = new Set<string>()
  const bind = (term: CoreTerm): void => {
    bound.add(equalities.find(term))
  }
  for (const literal of literals) {
    if (literal.kind === 'call') literal.args.forEach(bind)
    else if (literal.kind === 'in') bind(literal.term)
    else if (literal.kind === 'equal') for (const term of [literal.left, literal.right]) if (term.kind !== 'variable') bind(term)
  }
  for (const name of outer.bound) bind({ kind: 'variable', name })
  for (const name of outer.given) given.add(equalities.find({ kind: 'variable', name }))
  return (name) => {
    const root = equalities.find({ kind: 'variable', name })
    return bound.has(root) ? 'bound' : given.has(root) ? 'given' : 'unbound'
  }
}

const variablesOf = (literal: CoreLiteral, check: SafetyCheck): ReadonlySet<string> => {
  const remembered = check.inner.get(literal)
  if (remembered !== undefined) return remembered
  const names = new Set<string>()
  for (const term of termsOf(literal)) if (term.kind === 'variable') names.add(term.name)
  for (const { literals } of literal.kind === 'not' ? literal.disjuncts : [])
    for (const inner of literals) for (const name of variablesOf(inner, check)) names.add(name)
  check.inner.set(literal, names)
  return names
}
