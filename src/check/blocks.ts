/** Actor, resource and global blocks of all files, merged by type, with inherited members. */
import type { Block, Item, Name } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import { type BlockTable, type TypeBlock, withArticle } from './block-table.ts'
import { resolveInheritance } from './inheritance.ts'
import { createMembers, readDeclarations } from './members.ts'
import { didYouMean, type Report } from './report.ts'
import { ABSTRACT_TYPES, BUILT_IN_TYPES, createTypeTable } from './type-table.ts'

export const collectBlocks = (items: readonly Item[], report: Report): BlockTable => {
  const types = new Map<string, WorkingType>()
  const global = createMembers()
  let globalBlock: Block | null = null
  for (const item of items) {
    if (item.kind !== 'block') continue
    if (item.type !== null) addBlock(item, item.type, types, report)
    else {
      if (globalBlock === null) globalBlock = item
      else {
        report.error('bad-global-block', headSpan(item), 'a policy has one global block', {
          labels: [{ span: headSpan(globalBlock), message: 'the first one is here' }],
          hint: 'move its entries to the first one',
        })
      }
      readDeclarations(item, global, report)
    }
  }
  checkRelationTypes(types, report)
  return { types, global, table: createTypeTable(resolveInheritance(types, report)) }
}

/** Types that a relation or `extends` names and no block declares: each has its error. */
export const undeclaredTypes = ({ types }: BlockTable): string[] =>
  [...types.values()]
    .flatMap((type) => [...type.extends, ...[...type.members.names.values()].flatMap((member) => member.type ?? [])])
    .flatMap(({ text }) => (types.has(text) || isReserved(text) ? [] : [text]))

/** Whether the checks know this block: false for one whose type name is refused. */
export const isUsable = (block: Block): boolean => block.type === null || !isReserved(block.type.text)

interface WorkingType extends TypeBlock {
  readonly extends: Name[]
}

const isReserved = (name: string): boolean => ABSTRACT_TYPES.has(name) || BUILT_IN_TYPES.has(name)

const addBlock = (block: Block, name: Name, types: Map<string, WorkingType>, report: Report): void => {
  if (isReserved(name.text)) {
    report.error('reserved-type-name', name.span, `the type \`${name.text}\` is built in`, { hint: 'choose another name' })
    return
  }
  const kind = block.block === 'actor' ? 'actor' : 'resource'
  const earlier = types.get(name.text)
  const type = earlier ?? { name: name.text, kind, span: name.span, extends: [], members: createMembers() }
  types.set(name.text, type)
  if (type.kind !== kind) {
    report.error(
      'conflicting-blocks',
      name.span,
      `\`${name.text}\` is declared both as ${withArticle(type.kind)} and as ${withArticle(kind)}`,
      {
        labels: [{ span: type.span, message: `${withArticle(type.kind)} here` }],
      },
    )
  }
  for (const supertype of block.supertypes) type.extends.push(supertype)
  readDeclarations(block, type.members, report)
}

// The word before the brace; a global block has no name to point at.
const headSpan = ({ span }: Block): Span => ({ ...span, end: Math.min(span.end, span.start + 'global'.length) })

const checkRelationTypes = (types: ReadonlyMap<string, TypeBlock>, report: Report): void => {
  for (const { members } of types.values()) {
    for (const { name, type } of members.names.values()) {
      if (type === null || types.has(type.text) || ABSTRACT_TYPES.has(type.text)) continue
      members.broken.add(name)
      const builtIn = BUILT_IN_TYPES.has(type.text)
      report.error(
        'unknown-relation-type',
        type.span,
        builtIn
          ? `\`${type.text}\` is a value type, a relation leads to an actor or resource type`
          : `the type \`${type.text}\` of the relation \`${name}\` is not declared`,
        { hint: builtIn ? null : didYouMean(type.text, () => [...types.keys(), ...ABSTRACT_TYPES]) },
      )
    }
  }
}
