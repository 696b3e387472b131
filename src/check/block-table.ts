/** What the blocks of a policy say, merged by type. */
import type { Name } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import type { Members } from './members.ts'
import type { TypeTable } from './type-table.ts'

/** One type with everything its blocks say. */
export interface TypeBlock {
  readonly name: string
  readonly kind: 'actor' | 'resource'
  /** The name where it is first declared. */
  readonly span: Span
  readonly extends: readonly Name[]
  /** Own and inherited. */
  readonly members: Members
}

export interface BlockTable {
  /** In order of first declaration. */
  readonly types: ReadonlyMap<string, TypeBlock>
  readonly global: Members
  readonly table: TypeTable
}

export const withArticle = (kind: 'actor' | 'resource'): string => (kind === 'actor' ? 'an actor' : 'a resource')
