/** Shorthand rules of blocks → the long-hand rules they stand for. */
import type { Block, Head, Parameter, Rule, Shorthand, ShorthandTerm } from '../polar/ast.ts'
import type { BlockTable } from './block-table.ts'
import { text, typed } from './build.ts'
import { translate } from './expand-body.ts'
import { type Expansion, findMember, predicateOf, quotedName, reportUnknownWord } from './expansion.ts'
import type { Report } from './report.ts'

/** null when something is wrong with the rule; then it is reported. */
export const expandShorthand = (shorthand: Shorthand, block: Block, blocks: BlockTable, report: Report): Rule | null => {
  const type = block.type?.text ?? null
  const members = type === null ? blocks.global : blocks.types.get(type)?.members
  if (members === undefined) return null
  const { head: term } = shorthand
  const headWord = term.kind === 'word' && (term.text === 'role' || term.text === 'permission') ? term.text : null
  const expansion: Expansion = { blocks, report, type, members, headWord, fresh: 0 }
  const head = expandHead(term, expansion)
  const body = translate(shorthand.body, expansion)
  return head === null || body === null ? null : { kind: 'rule', flags: shorthand.flags, head, body, span: shorthand.span }
}

const expandHead = (term: ShorthandTerm, expansion: Expansion): Head | null => {
  const { span } = term
  if (expansion.headWord !== null) return headOf(expansion.headWord, typed(expansion.headWord, 'String', span), term, expansion)
  if (term.kind === 'word') {
    reportUnknownWord(term, ['role', 'permission'], expansion)
    return null
  }
  const member = findMember(term, expansion)
  if (member === null) return null
  if (member.kind === 'relation') {
    expansion.report.error('relation-as-head', span, `${quotedName(term)} is a relation, shorthand cannot grant it`, {
      labels: [{ span: member.span, message: 'declared here' }],
      hint: 'write a rule `has_relation(…) if …`',
    })
    return null
  }
  return headOf(member.kind, { kind: 'term', term: text(term.text, span), span }, term, expansion)
}

const headOf = (kind: 'role' | 'permission', name: Parameter, { span }: ShorthandTerm, { type }: Expansion): Head => ({
  predicate: { text: predicateOf(kind), span },
  params: [typed('actor', 'Actor', span), name, ...(type === null ? [] : [typed('resource', type, span)])],
  span,
})
