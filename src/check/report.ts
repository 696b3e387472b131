/** How the checks say what is wrong. */
import { limits } from '../base/limits.ts'
import type { ErrorCode, WarningCode } from '../polar/codes.ts'
import type { Diagnostic } from '../polar/diagnostic.ts'
import { suggest } from '../polar/edit-distance.ts'
import { locate } from '../polar/locate.ts'
import { reportable } from '../polar/report.ts'
import type { SourceFile, Span } from '../polar/source.ts'
import { visible } from '../polar/wording.ts'

/** A hint may be a function: looking for a similar name is work that only reported diagnostics deserve. */
type Hint = string | null | (() => string | null)

export interface Details {
  readonly labels?: Diagnostic['labels']
  readonly hint?: Hint
  /** A warning that may follow from any error of the policy: left out when there is one. */
  readonly doubtful?: boolean
}

/** Takes diagnostics as they are found. The same code at the same place is kept once, so that branches of one rule do not repeat each other. */
export interface Report {
  error(code: ErrorCode, span: Span, message: string, details?: Details): void
  warning(code: WarningCode, span: Span, message: string, details?: Details): void
  /** Errors so far. */
  errors(): number
  /** What to show, sorted by position; when there is too much of it, the first errors rather than warnings. */
  sorted(): Diagnostic[]
}

export const createReport = (files: readonly SourceFile[]): Report => {
  const found = new Map<string, Diagnostic>()
  const hints = new Map<Diagnostic, Hint>()
  const doubtful = new Set<Diagnostic>()
  let errors = 0
  const add = (diagnostic: Diagnostic, hint: Hint): void => {
    const { code, severity, span } = diagnostic
    const key = `${code} ${span.file} ${span.start} ${span.end}`
    if (found.has(key)) return
    if (severity === 'error') errors++
    found.set(key, diagnostic)
    hints.set(diagnostic, hint)
  }
  return {
    error: (code, span, message, { labels = [], hint = null } = {}) =>
      add({ code, severity: 'error', message: oneLine(message), span, labels, hint: null }, hint),
    warning(code, span, message, { labels = [], hint = null, doubtful: isDoubtful = false } = {}) {
      const diagnostic: Diagnostic = { code, severity: 'warning', message: oneLine(message), span, labels, hint: null }
      if (isDoubtful) doubtful.add(diagnostic)
      add(diagnostic, hint)
    },
    errors: () => errors,
    sorted: () =>
      reportable([...found.values()].filter((diagnostic) => errors === 0 || !doubtful.has(diagnostic))).map((diagnostic) => ({
        ...diagnostic,
        message: diagnostic.message + otherPlaces(files, diagnostic),
        hint: hintText(hints.get(diagnostic) ?? null),
      })),
  }
}

/** Labels in the message itself, for readers that show one line: ` (see line 3 and other.polar:7)`. */
const otherPlaces = (files: readonly SourceFile[], { span, labels }: Diagnostic): string => {
  if (labels.length === 0) return ''
  const places = labels.map((label) => {
    const { file, line } = locate(files, label.span)
    return label.span.file === span.file ? `line ${line}` : `${oneLine(file)}:${line}`
  })
  return ` (see ${[...new Set(places)].join(' and ')})`
}

const hintText = (hint: Hint): string | null => {
  const text = typeof hint === 'function' ? hint() : hint
  return text === null ? null : oneLine(text)
}

/** The nearest of the first known names: a hint must not take longer than the check. */
const similarTo = (name: string, known: Iterable<string>): string | null => {
  const names: string[] = []
  for (const candidate of known) {
    if (names.length >= limits.similarNames) break
    names.push(candidate)
  }
  return suggest(name, names)
}

/** A hint for a slip of the pen. */
export const didYouMean =
  (name: string, known: () => Iterable<string>): Hint =>
  () => {
    const similar = similarTo(name, known())
    return similar === null ? null : `did you mean \`${similar}\``
  }

/** Same for a name that stands in double quotes. */
export const didYouMeanQuoted =
  (name: string, known: () => Iterable<string>): Hint =>
  () => {
    const similar = similarTo(name, known())
    return similar === null ? null : `did you mean \`${quoted(similar)}\``
  }

/** A string as it is written in a policy. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&').replace(/[\n\r\t\0]/g, escape)}"`

const escape = (character: string): string => (character === '\n' ? '\\n' : character === '\r' ? '\\r' : character === '\t' ? '\\t' : '\\0')

/** Names in prose: "`a`, `b` and `c`". */
export const listed = (names: readonly string[]): string => {
  const marked = names.map((name) => `\`${name}\``)
  return marked.length < 2 ? marked.join('') : `${marked.slice(0, -1).join(', ')} and ${marked.at(-1) ?? ''}`
}

/** Longest message, in UTF-16 units: names in it are user text of any length. */
const LONGEST = 600

const oneLine = (message: string): string => visible(message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message)
