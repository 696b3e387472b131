/** Atoms, conditions and places of an explanation as text. */
import type { Value } from '../base/value.ts'
import type { Atom } from '../ir/instance.ts'
import type { Term } from '../ir/terms.ts'
import { lineOf, locate } from '../polar/locate.ts'
import type { SourceFile, Span } from '../polar/source.ts'
import type { Answer, Goal } from './explain-solver.ts'
import type { State } from './explain-terms.ts'
import type { AtomArgument, RuleSource, ShownAtom } from './explanation.ts'

/** UTF-16 units of a line of the policy that are shown. */
const MAX_LINE = 200

/** Null for what no file has: the implicit rules. */
export const sourceOf = (files: readonly SourceFile[], span: Span): RuleSource | null => {
  const source = files[span.file]
  if (source === undefined) return null
  const { file, line, column } = locate(files, span)
  const text = lineOf(source, span).text.trim()
  return { file, line, column, text: cut(text, MAX_LINE) }
}

export const shownAtom = ({ predicate, classes, pattern }: Goal): ShownAtom => ({
  predicate,
  args: pattern.map((element, index): AtomArgument => {
    if (element.kind === 'value') return element.value
    const item = classes[index]
    return { type: item?.kind === 'typed' ? item.type : null, id: null }
  }),
})

export const shownAnswer = ({ predicate, pattern }: Answer): ShownAtom => ({
  predicate,
  args: pattern.map((element): AtomArgument => (element.kind === 'value' ? element.value : { type: null, id: null })),
})

/** `has_role(User:alice, "owner", Repository:anvil)`; `_` is any value. */
export const atomText = ({ predicate, args }: ShownAtom): string => `${predicate}(${args.map(argumentText).join(', ')})`

const argumentText = ({ type, id, variable: name }: AtomArgument): string => {
  if (type === null) return '_'
  return id === null ? `${type}:${name === undefined ? '_' : `<${name}>`}` : valueText({ type, id })
}

const valueText = ({ type, id }: Value): string => {
  if (type === 'String') return JSON.stringify(id)
  return type === 'Integer' || type === 'Boolean' ? id : `${type}:${/[\s"(),]/.test(id) ? JSON.stringify(id) : id}`
}

/** UTF-16 units of a condition, and elements of a list or conditions of a negation, that are shown. */
const MAX_TEXT = 1000
const MAX_LISTED = 10

/** A condition with the values that its variables have. */
export const conditionText = (atom: Atom, state: State): string => cut(fullText(atom, state), MAX_TEXT)

const fullText = (atom: Atom, state: State): string => {
  const text = (term: Term): string => {
    const found = state.find(term)
    return found.kind === 'constant' ? valueText(found.value) : plainName(found.id)
  }
  switch (atom.kind) {
    case 'call':
      return `${atom.predicate}(${atom.args.map(text).join(', ')})`
    case 'in':
      return `${text(atom.term)} in [${listed(atom.values, valueText).join(', ')}]`
    case 'equal':
      return `${text(atom.left)} = ${text(atom.right)}`
    case 'unequal':
      return `${text(atom.left)} != ${text(atom.right)}`
    case 'order':
      return `${text(atom.left)} ${atom.operator} ${text(atom.right)}`
    case 'not':
      return notText(atom.bodies, state)
  }
}

const notText = (bodies: readonly (readonly Atom[])[], state: State): string => {
  const texts = new Set(listed(bodies, (body) => listed(body, (atom) => conditionText(atom, state)).join(' and ')))
  return texts.size === 1 && bodies[0]?.length === 1 ? `not ${[...texts].join()}` : `not (${[...texts].join(' or ')})`
}

const listed = <T>(items: readonly T[], text: (item: T) => string): string[] => [
  ...items.slice(0, MAX_LISTED).map(text),
  ...(items.length > MAX_LISTED ? ['…'] : []),
]

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text)

/** Generated names carry a number after `#`. */
export const plainName = (name: string): string => name.replace(/^.*:/, '').replace(/#.*$/, '') || '_'
