/** Roles, permissions and relations of every block, own and inherited, for people and tools. */
import { compareBytewise } from '../base/text.ts'
import type { BlockTable } from './block-table.ts'
import type { ResourceMetadata } from './core.ts'
import type { MemberKind, Members } from './members.ts'

/** By type name, sorted; `global` is always there. */
export const metadataOf = ({ types, global }: BlockTable): Readonly<Record<string, ResourceMetadata>> => {
  const entries = [...types.values()].map(({ name, members }): [string, ResourceMetadata] => [name, describe(members)])
  return Object.fromEntries([...entries, ['global', describe(global)] as const].toSorted(byName))
}

const describe = ({ names }: Members): ResourceMetadata => {
  const ofKind = (kind: MemberKind): string[] => [...names.values()].filter((member) => member.kind === kind).map(({ name }) => name)
  const relations = [...names.values()].flatMap(({ name, type }): [string, string][] => (type === null ? [] : [[name, type.text]]))
  return {
    roles: ofKind('role').toSorted(compareBytewise),
    permissions: ofKind('permission').toSorted(compareBytewise),
    relations: Object.fromEntries(relations.toSorted(byName)),
  }
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => compareBytewise(a, b)
