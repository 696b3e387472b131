/** Terms and types of rules as the core language has them. */
import type { Value } from '../base/value.ts'
import type { Literal, Term } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import type { CoreTerm } from './core.ts'
import { quoted, type Report } from './report.ts'
import { ABSTRACT_TYPES, type TypeUse } from './type-table.ts'

/** One rule (or condition) being lowered. */
export interface Lowering {
  readonly report: Report
  readonly useType: TypeUse
  /** Anonymous variables so far. */
  anonymous: number
  /** Something was wrong and is reported: what comes out is not complete. */
  failed: boolean
}

export const createLowering = (report: Report, useType: TypeUse): Lowering => ({ report, useType, anonymous: 0, failed: false })

/** The value a term stands for, `now`, or a variable; each `_` is a variable of its own. */
export const lowerTerm = (term: Term, lowering: Lowering): CoreTerm => {
  switch (term.kind) {
    case 'variable':
      return { kind: 'variable', name: lowerVariable(term.name, lowering) }
    case 'now':
      return { kind: 'now' }
    case 'string':
    case 'integer':
    case 'boolean':
    case 'object':
      return { kind: 'value', value: lowerConstant(term, lowering) ?? NOTHING }
  }
}

// Stands in for a faulty literal so that the rest of the rule is looked at; the rule itself is dropped.
const NOTHING: Value = { type: 'String', id: '' }

export const lowerVariable = (name: string, lowering: Lowering): string => {
  if (name !== '_') return name
  lowering.anonymous++
  return `_#${lowering.anonymous}`
}

/** null when the literal is faulty, which is reported. */
export const lowerConstant = (term: Exclude<Term, { kind: 'variable' | 'now' }>, lowering: Lowering): Value | null => {
  const value = term.kind === 'object' ? objectValue(term.type.text, term.id) : literalValue(term)
  if ('fault' in value) {
    lowering.report.error('bad-object-literal', term.span, value.fault, { hint: value.hint })
    lowering.failed = true
    return null
  }
  if (term.kind === 'object') lowering.useType(term.type)
  return value
}

interface Fault {
  readonly fault: string
  readonly hint: string | null
}

const TYPE_OF: Readonly<Record<Literal['kind'], string>> = { string: 'String', integer: 'Integer', boolean: 'Boolean' }
const NOUN_OF: Readonly<Record<Literal['kind'], string>> = { string: 'a string', integer: 'an integer', boolean: 'a boolean' }

const literalValue = (literal: Literal): Value => ({ type: TYPE_OF[literal.kind], id: String(literal.value) })

const objectValue = (type: string, id: Literal): Value | Fault => {
  if (ABSTRACT_TYPES.has(type)) return { fault: `\`${type}\` is abstract, no value has it as its type`, hint: 'name a concrete type' }
  const value = literalValue(id)
  if (value.type === type) return value
  const builtIn = (['string', 'integer', 'boolean'] as const).find((kind) => TYPE_OF[kind] === type)
  if (builtIn !== undefined) {
    const hint = builtIn === 'string' ? `\`String{${quoted(value.id)}}\`` : builtIn === 'integer' ? '`Integer{3}`' : '`Boolean{true}`'
    return { fault: `\`${type}\` needs ${NOUN_OF[builtIn]}, found ${NOUN_OF[id.kind]}`, hint }
  }
  if (id.kind !== 'string')
    return { fault: `\`${type}\` needs a string as id, found ${NOUN_OF[id.kind]}`, hint: `\`${type}{${quoted(value.id)}}\`` }
  if (value.id === '') return { fault: 'an id cannot be empty', hint: null }
  if (value.id === '*') return { fault: 'the id `*` is reserved for wildcards', hint: null }
  return { type, id: value.id }
}

/** A core term as it is written in a policy, for messages. */
export const termText = (term: CoreTerm): string =>
  term.kind === 'variable' ? term.name : term.kind === 'now' ? '@current_unix_time' : valueText(term.value)

export const valueText = ({ type, id }: Value): string =>
  type === 'String' ? quoted(id) : type === 'Integer' || type === 'Boolean' ? id : `${type}{${quoted(id)}}`

/** Whether the inner range lies in the outer one. */
export const contains = (outer: Span, inner: Span): boolean =>
  outer.file === inner.file && outer.start <= inner.start && inner.end <= outer.end
