/** Facts of setups and fixtures: ground, well formed and used by the policy (polar.md 14, 17.4). */
import { limits } from '../base/limits.ts'
import { utf8Length } from '../base/text.ts'
import type { Fact, Value } from '../base/value.ts'
import type { Name, SetupFact, Term } from '../polar/ast.ts'
import type { ErrorCode } from '../polar/codes.ts'
import type { SourceFile } from '../polar/source.ts'
import type { FactSignature } from './core.ts'
import { createLowering, lowerConstant } from './lower-terms.ts'
import type { Predicates } from './predicates.ts'
import type { Report } from './report.ts'
import { acceptsBySignatures, type SignatureIndex, signatureText, suggestBySignatures } from './signatures.ts'
import type { TypeTable, TypeUse } from './type-table.ts'

/** What tests are checked against. */
export interface TestContext {
  readonly files: readonly SourceFile[]
  readonly report: Report
  readonly types: TypeTable
  readonly useType: TypeUse
  readonly predicates: Predicates
  /** Of the policy itself, without those of the default allow. */
  readonly signatures: readonly FactSignature[]
  /** Everything insertable. */
  readonly accepted: SignatureIndex
  /** Predicates that faulty rules or blocks mention: what they accept is not known. */
  readonly tainted: ReadonlySet<string>
}

/** null when something is wrong with the fact; then it is reported. */
export const checkFact = (written: SetupFact, context: TestContext): Fact | null => {
  const { report } = context
  const { predicate, args, span } = written
  if (args.length === 0) {
    report.error('zero-argument-fact-type', span, 'a fact needs at least one argument', { hint: 'use a Boolean argument' })
    return null
  }
  if (args.length > limits.factArguments) {
    report.error('too-many-arguments', span, `a fact has at most ${limits.factArguments} arguments, found ${args.length}`)
    return null
  }
  const types: Name[] = []
  const values = args.map((arg) => groundValue(arg, types, context)).filter((value) => value !== null)
  if (values.length < args.length) return null
  const fact: Fact = { predicate: predicate.text, args: values }
  if (context.tainted.has(fact.predicate)) return fact
  if (!acceptsBySignatures(context.accepted, fact)) {
    report.error('fact-not-used-in-policy', span, `\`${signatureText(fact)}\` is not used in policy`, {
      hint: () => {
        const similar = suggestBySignatures(context.signatures, fact)
        return `use it in a rule or add a \`declare\`${similar === null ? '' : `; did you mean \`${similar}\``}`
      },
    })
    return null
  }
  // Only now: a misspelled type already has its error above.
  types.forEach(context.useType)
  return fact
}

/** A constant of a fact, or null after a report. */
const groundValue = (term: Term, types: Name[], { report }: TestContext): Value | null => {
  if (term.kind === 'variable' || term.kind === 'now') {
    const message =
      term.kind === 'variable'
        ? `facts contain no variables, found \`${term.name}\``
        : 'facts contain constants, found `@current_unix_time`'
    report.error('setup-fact-not-ground', term.span, message)
    return null
  }
  const lowering = createLowering(report, (name) => types.push(name))
  const value = lowerConstant(term, lowering)
  if (value === null) return null
  const fault = faultOf(value)
  if (fault === null) return value
  report.error(fault.code, term.span, fault.message)
  return null
}

const faultOf = ({ id }: Value): { readonly code: ErrorCode; readonly message: string } | null => {
  if (id === '') return { code: 'bad-object-literal', message: 'an argument of a fact cannot be empty' }
  if (id === '*') return { code: 'bad-object-literal', message: 'the id `*` is reserved for wildcards' }
  if (utf8Length(id) <= limits.argumentBytes) return null
  return { code: 'argument-too-long', message: `an argument of a fact has at most ${limits.argumentBytes} bytes` }
}
