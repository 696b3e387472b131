/** Which values satisfy a type name, and what to say about names that no block declares. */
import type { Name } from '../polar/ast.ts'
import { didYouMean, type Report } from './report.ts'
import { compareNames } from './type-set.ts'

export const BUILT_IN_TYPES: ReadonlySet<string> = new Set(['String', 'Integer', 'Boolean'])
export const ABSTRACT_TYPES: ReadonlySet<string> = new Set(['Actor', 'Resource'])

/** A declared type, as far as subtyping goes. */
export interface DeclaredType {
  readonly name: string
  readonly kind: 'actor' | 'resource'
  /** Itself and every type that extends it, in any order. */
  readonly subtypes: readonly string[]
}

export interface TypeTable {
  /** Concrete types whose values satisfy `x: name`, sorted; one shared array per name. Empty only for an abstract type without members. */
  concrete(name: string): readonly string[]
  /** Declared by a block. */
  isDeclared(name: string): boolean
  /** A declared actor type, or `Actor` itself. */
  isActor(name: string): boolean
  /** Declared and abstract names with their concrete types. */
  readonly names: ReadonlyMap<string, readonly string[]>
}

export const createTypeTable = (types: Iterable<DeclaredType>): TypeTable => {
  const names = new Map<string, readonly string[]>()
  const actors: string[] = []
  for (const type of types) {
    names.set(type.name, type.subtypes.toSorted(compareNames))
    if (type.kind === 'actor') actors.push(type.name)
  }
  const resources = [...names.keys()].toSorted(compareNames)
  const actorTypes = new Set([...actors, 'Actor'])
  names.set('Actor', actors.toSorted(compareNames))
  names.set('Resource', resources)
  const alone = new Map<string, readonly string[]>()
  return {
    concrete: (name) => {
      const known = names.get(name) ?? alone.get(name)
      if (known !== undefined) return known
      const itself = [name]
      alone.set(name, itself)
      return itself
    },
    isDeclared: (name) => names.has(name) && !ABSTRACT_TYPES.has(name),
    isActor: (name) => actorTypes.has(name),
    names,
  }
}

/** Looks at a type name wherever one is used. Warns about each undeclared or empty type once, at its first use; not about those that blocks have an error for. */
export type TypeUse = (name: Name) => void

export const createTypeUse = (types: TypeTable, refused: Iterable<string>, report: Report): TypeUse => {
  const seen = new Set(refused)
  return ({ text, span }) => {
    if (seen.has(text)) return
    seen.add(text)
    if (ABSTRACT_TYPES.has(text)) {
      if (types.concrete(text).length > 0) return
      const blocks = text === 'Actor' ? 'an actor' : 'an actor or resource'
      report.warning(
        'abstract-type-without-members',
        span,
        `no type is ${text === 'Actor' ? 'an' : 'a'} \`${text}\`, so nothing can match here`,
        {
          hint: `declare ${blocks}`,
        },
      )
    } else if (!types.isDeclared(text) && !BUILT_IN_TYPES.has(text)) {
      report.warning('undeclared-type', span, `the type \`${text}\` has no block`, { hint: didYouMean(text, () => knownTypes(types)) })
    }
  }
}

export const knownTypes = (types: TypeTable): string[] => [...types.names.keys(), ...BUILT_IN_TYPES]
