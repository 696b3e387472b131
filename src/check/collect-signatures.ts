/** The fact signatures of a policy (polar.md 9.6). */
import { limits } from '../base/limits.ts'
import type { Value } from '../base/value.ts'
import type { FactSignature, SignaturePosition } from './core.ts'
import type { Entry } from './entries.ts'
import { type CallArgument, type Scope, typesOf } from './scopes.ts'
import type { TypeSet } from './type-set.ts'

/** Predicates whose second argument is checked by name. */
export const NAMED_PREDICATES: ReadonlySet<string> = new Set(['has_role', 'has_permission', 'has_relation'])

/** What the default allow makes insertable. */
export const DEFAULT_ALLOW_SIGNATURES: readonly FactSignature[] = [3, 2].map((length) => ({
  predicate: 'has_permission',
  positions: Array.from({ length }, () => ({ types: null, name: null })),
}))

/** Heads, blocks and declares, then body calls; each once. What can match no fact is left out. */
export const collectSignatures = (entries: readonly Entry[], scopes: readonly Scope[]): FactSignature[] => {
  const collected = new Map<string, FactSignature>()
  const identities = new Map<TypeSet, number>()
  const add = (predicate: string, positions: readonly { readonly types: TypeSet; readonly literal: Value | null }[]): void => {
    if (positions.length === 0 || positions.length > limits.factArguments) return
    if (positions.some(({ types }) => types?.length === 0)) return
    const isNamed = NAMED_PREDICATES.has(predicate)
    const named = positions.map(
      ({ types, literal }, index): SignaturePosition => ({
        types,
        name: isNamed && index === 1 && literal?.type === 'String' ? literal.id : null,
      }),
    )
    const key = JSON.stringify([predicate, named.map(({ types, name }) => [identify(types, identities), name])])
    if (!collected.has(key)) collected.set(key, { predicate, positions: named })
  }
  for (const { predicate, positions } of entries) add(predicate, positions)
  const addScope = (scope: Scope): void => {
    for (const { predicate, args } of scope.calls) add(predicate, args.map(positionOf))
    for (const inner of scope.negations) inner.forEach(addScope)
  }
  scopes.forEach(addScope)
  return [...collected.values()]
}

const positionOf = (arg: CallArgument): { readonly types: TypeSet; readonly literal: Value | null } =>
  arg.kind === 'value' ? { types: [arg.value.type], literal: arg.value } : { types: typesOf(arg.node), literal: null }

// Arrays are shared, so most equal sets are the same array; small ones are told apart by content.
const identify = (types: TypeSet, identities: Map<TypeSet, number>): number | string => {
  if (types !== null && types.length <= 8) return types.join('\n')
  const found = identities.get(types) ?? identities.size
  identities.set(types, found)
  return found
}
