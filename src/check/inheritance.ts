/** What `extends` means: supertypes resolved, cycles refused, members inherited. */
import { limits } from '../base/limits.ts'
import type { Name } from '../polar/ast.ts'
import { type TypeBlock, withArticle } from './block-table.ts'
import { agree, described } from './members.ts'
import { didYouMean, type Report } from './report.ts'
import { ABSTRACT_TYPES, BUILT_IN_TYPES, type DeclaredType } from './type-table.ts'

type Types = ReadonlyMap<string, TypeBlock>

/** A supertype with the place that names it. */
interface Edge {
  readonly name: Name
  readonly type: TypeBlock
}

/** Gives every type its inherited members, and says which types satisfy it. */
export const resolveInheritance = (types: Types, report: Report): DeclaredType[] => {
  const edges = new Map<string, Edge[]>()
  for (const type of types.values()) edges.set(type.name, validEdges(type, types, report))
  const subtypes = new Map<string, string[]>()
  const supertypes = new Map<string, ReadonlySet<string>>()
  let names = 0
  let full = false
  for (const type of supertypesFirst(types, edges, report)) {
    const above = new Set<string>()
    for (const edge of edges.get(type.name) ?? []) {
      const inherited = supertypes.get(edge.type.name) ?? new Set()
      names += inherited.size + edge.type.members.names.size
      if (names > limits.inheritedNames) {
        if (!full) reportFull(edge, report)
        full = true
        break
      }
      above.add(edge.type.name)
      for (const higher of inherited) above.add(higher)
      inheritMembers(type, edge, report)
    }
    supertypes.set(type.name, above)
    subtypes.set(type.name, [type.name])
    for (const higher of above) subtypes.get(higher)?.push(type.name)
  }
  return [...types.values()].map(({ name, kind }) => ({ name, kind, subtypes: subtypes.get(name) ?? [name] }))
}

const reportFull = (edge: Edge, report: Report): void => {
  report.error('policy-too-complex', edge.name.span, `the policy inherits more than ${limits.inheritedNames} names`, {
    hint: 'make the chain of `extends` shorter',
  })
}

const validEdges = (type: TypeBlock, types: Types, report: Report): Edge[] => {
  const edges = new Map<TypeBlock, Edge>()
  for (const name of type.extends) {
    const supertype = types.get(name.text)
    if (supertype !== undefined && supertype.kind === type.kind) {
      if (!edges.has(supertype)) edges.set(supertype, { name, type: supertype })
      continue
    }
    // What it would have inherited is unknown now.
    type.members.complete = false
    if (supertype !== undefined) {
      const message = `\`${type.name}\` is ${withArticle(type.kind)} and cannot extend \`${name.text}\`, which is ${withArticle(supertype.kind)}`
      report.error('bad-extends', name.span, message, { labels: [{ span: supertype.span, message: 'declared here' }] })
    } else if (ABSTRACT_TYPES.has(name.text) || BUILT_IN_TYPES.has(name.text)) {
      report.error('bad-extends', name.span, `\`${type.name}\` cannot extend the built-in type \`${name.text}\``, {
        hint: ABSTRACT_TYPES.has(name.text) ? `\`${type.kind} ${type.name}\` alone makes it one` : null,
      })
    } else {
      report.error('bad-extends', name.span, `\`${type.name}\` extends \`${name.text}\`, which is not declared`, {
        hint: didYouMean(name.text, () =>
          [...types.values()].filter((other) => other !== type && other.kind === type.kind).map((other) => other.name),
        ),
      })
    }
  }
  return [...edges.values()]
}

/** Types in an order where supertypes come first; an edge that closes a cycle is reported and taken out. */
const supertypesFirst = (types: Types, edges: Map<string, Edge[]>, report: Report): TypeBlock[] => {
  const done = new Set<TypeBlock>()
  const depths = new Map<TypeBlock, number>()
  // A stack of our own: chains of `extends` may be longer than the call stack.
  const stack: { readonly type: TypeBlock; next: number }[] = []
  const open = (type: TypeBlock): void => {
    depths.set(type, stack.length)
    stack.push({ type, next: 0 })
  }
  for (const start of types.values()) {
    if (!done.has(start)) open(start)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const supers = edges.get(top.type.name) ?? []
      const edge = supers[top.next]
      if (edge === undefined) {
        done.add(top.type)
        depths.delete(top.type)
        stack.pop()
        continue
      }
      const depth = depths.get(edge.type)
      if (depth !== undefined) {
        reportCycle(
          stack.slice(depth, depth + CHAIN_NAMES).map(({ type }) => type.name),
          stack.length - depth,
          edge,
          report,
        )
        top.type.members.complete = false
        supers.splice(top.next, 1)
      } else {
        top.next++
        if (!done.has(edge.type)) open(edge.type)
      }
    }
  }
  return [...done]
}

/** Longest chain of names that a message spells out. */
const CHAIN_NAMES = 50

const reportCycle = (names: readonly string[], length: number, edge: Edge, report: Report): void => {
  const chain = [...names, ...(length > names.length ? ['…'] : []), edge.type.name].join(' → ')
  report.error('bad-extends', edge.name.span, `types extend each other in a cycle: \`${chain}\``, { hint: 'take one `extends` out' })
}

const inheritMembers = (type: TypeBlock, edge: Edge, report: Report): void => {
  const { members } = type
  const inherited = edge.type.members
  if (!inherited.complete) members.complete = false
  for (const name of inherited.broken) members.broken.add(name)
  for (const member of inherited.names.values()) {
    const own = members.names.get(member.name)
    if (own === undefined) members.names.set(member.name, member)
    else if (!agree(own, member) && !members.broken.has(member.name)) {
      members.broken.add(member.name)
      report.error(
        'bad-extends',
        edge.name.span,
        `\`${member.name}\` is ${described(own)} in \`${type.name}\` and ${described(member)} in \`${edge.type.name}\``,
        {
          labels: [
            { span: own.span, message: `${described(own)} here` },
            { span: member.span, message: `${described(member)} here` },
          ],
          hint: 'rename one',
        },
      )
    }
  }
}
