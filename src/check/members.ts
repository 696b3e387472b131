/** Roles, permissions and relations: read from the declarations of a block and gathered without contradiction. */
import type { Block, Declaration, Name, Term } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import { didYouMean, quoted, type Report } from './report.ts'

export type MemberKind = 'role' | 'permission' | 'relation'

export interface Member {
  readonly kind: MemberKind
  readonly name: string
  /** Of a relation: the related type. */
  readonly type: Name | null
  readonly span: Span
  /** Where the member is written. */
  readonly block: Block
}

/** Members by name. Working state of this stage; later stages only read. */
export interface Members {
  readonly names: Map<string, Member>
  /** Names that already have an error of their own: rules that use them say nothing more. */
  readonly broken: Set<string>
  /** False when a faulty declaration may have hidden names: then an unknown name is no mistake of its own. */
  complete: boolean
}

export const createMembers = (): Members => ({ names: new Map(), broken: new Set(), complete: true })

const KINDS: Readonly<Record<string, MemberKind>> = { roles: 'role', permissions: 'permission', relations: 'relation' }
const KEYS = Object.keys(KINDS)

/** Adds what the declarations of one block say. */
export const readDeclarations = (block: Block, members: Members, report: Report): void => {
  const first = new Map<string, Declaration>()
  for (const item of block.items) {
    if (item.kind !== 'declaration') continue
    const kind = Object.hasOwn(KINDS, item.key.text) ? KINDS[item.key.text] : undefined
    if (kind === undefined) {
      members.complete = false
      report.error(
        'unknown-declaration',
        item.key.span,
        `\`${item.key.text}\` is no declaration, expected \`roles\`, \`permissions\` or \`relations\``,
        {
          // Too far from the key for a suggestion, but what other languages call them.
          hint: item.key.text === 'actions' ? 'did you mean `permissions`' : didYouMean(item.key.text, () => KEYS),
        },
      )
      continue
    }
    if (block.block === 'global' && kind === 'relation') {
      report.error('bad-global-block', item.key.span, 'the global block has no relations', {
        hint: 'move the entry to an actor or resource block',
      })
      continue
    }
    const earlier = first.get(item.key.text)
    if (earlier === undefined) first.set(item.key.text, item)
    else {
      report.error('duplicate-declaration', item.key.span, `\`${item.key.text}\` is declared twice in one block`, {
        labels: [{ span: earlier.key.span, message: 'first declared here' }],
        hint: 'merge the lists',
      })
    }
    for (const member of readDeclaration(item, kind, { block, members, report })) addMember(member, members, report)
  }
}

interface Reading {
  readonly block: Block
  readonly members: Members
  readonly report: Report
}

const readDeclaration = (declaration: Declaration, kind: MemberKind, { block, members, report }: Reading): Member[] => {
  const { key, value } = declaration
  if ((kind === 'relation') !== (value.kind === 'map')) {
    members.complete = false
    const names = value.kind === 'map' ? value.fields.map(({ name }) => name.text) : value.items.map(nameOf)
    report.error(
      'wrong-declaration-shape',
      value.span,
      kind === 'relation'
        ? '`relations` takes a map of names to types, found a list'
        : `\`${key.text}\` takes a list of strings, found a map`,
      { hint: correctedLine(key.text, kind, names) },
    )
    return []
  }
  if (value.kind === 'map') return value.fields.map(({ name, type }) => ({ kind, name: name.text, type, span: name.span, block }))
  return value.items.flatMap((item) => {
    if (item.kind === 'string' && item.value !== '') return [{ kind, name: item.value, type: null, span: item.span, block }]
    if (item.kind === 'string') report.error('wrong-declaration-shape', item.span, `a ${kind} needs a name, found an empty string`)
    else {
      members.complete = false
      report.error('wrong-declaration-shape', item.span, `\`${key.text}\` takes strings`, { hint: `write \`${quoted(nameOf(item))}\`` })
    }
    return []
  })
}

const correctedLine = (key: string, kind: MemberKind, names: readonly string[]): string => {
  const name = names[0] ?? 'name'
  return kind === 'relation' ? `\`relations = { ${name}: SomeType };\`` : `\`${key} = [${names.map(quoted).join(', ')}];\``
}

const nameOf = (term: Term): string => {
  switch (term.kind) {
    case 'string':
    case 'integer':
      return term.value
    case 'boolean':
      return String(term.value)
    case 'variable':
      return term.name
    case 'object':
      return term.type.text
    case 'now':
      return 'name'
  }
}

/** Same kind and, for a relation, same type: repeating it is harmless. */
export const agree = (a: Member, b: Member): boolean => a.kind === b.kind && a.type?.text === b.type?.text

/** What a member is, for messages. */
export const described = (member: Member): string =>
  member.kind === 'relation' ? `a relation to \`${member.type?.text ?? ''}\`` : `a ${member.kind}`

const addMember = (member: Member, members: Members, report: Report): void => {
  const earlier = members.names.get(member.name)
  if (earlier === undefined) {
    members.names.set(member.name, member)
    return
  }
  if (agree(earlier, member)) return
  members.broken.add(member.name)
  const sameBlock = earlier.block === member.block
  report.error(
    sameBlock ? 'name-used-twice' : 'conflicting-blocks',
    member.span,
    sameBlock
      ? `\`${member.name}\` is ${described(earlier)} and ${described(member)}`
      : `\`${member.name}\` is ${described(member)} here and ${described(earlier)} in another block of the same type`,
    { labels: [{ span: earlier.span, message: `${described(earlier)} here` }], hint: 'rename one' },
  )
}
