/** What the halves of a shorthand rule share while it is expanded. */
import type { ShorthandTerm } from '../polar/ast.ts'
import type { BlockTable } from './block-table.ts'
import type { Member, Members } from './members.ts'
import { didYouMeanQuoted, quoted, type Report } from './report.ts'

/** The rule being expanded. Its variables are `actor` and `resource`, and `role` or `permission` when the head is that word. */
export interface Expansion {
  readonly blocks: BlockTable
  readonly report: Report
  /** null in the global block. */
  readonly type: string | null
  readonly members: Members
  readonly headWord: 'role' | 'permission' | null
  /** Fresh variables so far. */
  fresh: number
}

export const predicateOf = (kind: 'role' | 'permission'): string => (kind === 'role' ? 'has_role' : 'has_permission')

/** A name of the own block, or null when there is none or its declaration is faulty. */
export const findMember = (term: ShorthandTerm, { type, members, report }: Expansion): Member | null => {
  const member = members.names.get(term.text)
  if (member !== undefined) return members.broken.has(term.text) ? null : member
  if (!members.complete) return null
  const details = { hint: didYouMeanQuoted(term.text, () => members.names.keys()) }
  if (type === null) report.error('undeclared-global-name', term.span, `${quotedName(term)} is not declared in the global block`, details)
  else report.error('undeclared-name', term.span, `${quotedName(term)} is not declared in \`${type}\``, details)
  return null
}

export const quotedName = (term: ShorthandTerm): string => `\`${quoted(term.text)}\``

export const reportUnknownWord = (term: ShorthandTerm, allowed: readonly string[], { report }: Expansion): void => {
  const words = allowed.map((word) => `\`${word}\``).join(' or ')
  report.error('unknown-word', term.span, `\`${term.text}\` has no meaning here, expected a string or ${words}`, {
    hint: `quote it: ${quotedName(term)}`,
  })
}
