/** `authorize --why`: an explanation as a tree of lines. */
import { atomText } from '../../src/engine/explain-text.ts'
import type { Attempt, Condition, FailedCondition, Proof, RuleSource, ShownAtom } from '../../src/engine/explanation.ts'
import type { ExplainBody } from '../../src/wire/responses.ts'

const IMPLICIT = 'by default: allow(actor, action, resource) if has_permission(actor, action, resource)'

/** The lines that follow `Allowed` or `Denied`. */
export const whyLines = (why: ExplainBody): string[] => [
  ...(why.proof ? proofLines(why.proof) : []),
  ...(why.allowed ? [] : denyLines(why)),
  ...(why.truncated ? ['there is more to it than is shown'] : []),
]

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)

const proofLines = (proof: Proof): string[] => {
  const atom = atomText(proof.atom)
  switch (proof.kind) {
    case 'fact':
      return [`${atom}  ${proof.origin === 'stored' ? 'fact' : 'context fact'}`]
    case 'rule':
      return [atom, ...indented([ruleLine(proof.source), ...proof.conditions.flatMap(conditionLines)])]
    case 'repeated':
      return [`${atom}  as above`]
    case 'truncated':
      return [`${atom}  …`]
  }
}

const ruleLine = (source: RuleSource | null): string =>
  source === null ? IMPLICIT : `by ${source.file}:${source.line}:${source.column}: ${source.text}`

const conditionLines = (condition: Condition): string[] => {
  if (condition.kind === 'call') return proofLines(condition.proof)
  if (condition.kind === 'test') return [condition.text]
  const absent = condition.absent.map((atom) => `no fact: ${atomText(atom)}`)
  return [condition.text, ...indented([...absent, ...condition.because.flatMap(conditionLines)])]
}

const denyLines = ({ atom, attempts, missing, truncated }: ExplainBody): string[] => [
  atomText(atom),
  ...(attempts.length === 0 && !truncated ? indented(['no rule gives this']) : indented(attempts.flatMap(attemptLines))),
  ...(missing === null
    ? []
    : [`with ${missing.length === 1 ? 'this fact' : 'these facts'} it is allowed:`, ...indented(missing.map(atomText))]),
]

const attemptLines = (attempt: Attempt): string[] => [
  ruleLine(attempt.source),
  ...indented([...attempt.held.flatMap(conditionLines), ...failedLines(attempt.failed), ...missingLines(attempt)]),
]

const failedLines = (failed: FailedCondition): string[] => {
  if (failed.kind === 'test') return [`${failed.text}  does not hold`]
  if (failed.kind === 'blocked') return [`${failed.text}  does not hold, because of`, ...indented(failed.because.flatMap(conditionLines))]
  const own = atomText(failed.atom)
  const { [own]: first = [], ...others } = Object.groupBy(failed.attempts, ({ atom }) => atomText(atom))
  const groups = [[own, first] as const, ...Object.entries(others)].flatMap(([text, attempts = []]) => [
    `${text}  does not hold`,
    ...indented(attempts.flatMap(attemptLines)),
  ])
  const rest = { complete: [], repeated: ['as above'], truncated: ['…'] }[failed.rest]
  return failed.attempts.length === 0 ? [...groups, ...indented(rest)] : [...groups, ...rest.map((text) => `for others ${text}`)]
}

/** What a rule inside lacks stands there. */
const missingLines = ({ failed, missing }: Attempt): string[] => {
  if (missing === null) return []
  const text = missingText(missing)
  const isInside = failed.kind === 'call' && failed.attempts.some((inner) => inner.missing !== null && missingText(inner.missing) === text)
  return isInside ? [] : missing.map((atom) => `missing: ${atomText(atom)}`)
}

const missingText = (missing: readonly ShownAtom[]): string => missing.map(atomText).sort().join()
