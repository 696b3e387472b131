/** Whether a policy accepts a fact, and what to say when it does not. */
import { limits } from '../base/limits.ts'
import type { Fact } from '../base/value.ts'
import { suggest } from '../polar/edit-distance.ts'
import { NAMED_PREDICATES } from './collect-signatures.ts'
import type { CheckedPolicy, FactSignature, SignaturePosition } from './core.ts'
import { predicateKey } from './predicates.ts'
import { quoted } from './report.ts'
import { hasType } from './type-set.ts'

/** True when the fact matches a signature of the policy. Ids are not looked at. */
export const acceptsFact = (policy: CheckedPolicy, fact: Fact): boolean => acceptsBySignatures(indexOf(policy), fact)

/** True when the policy accepts facts of this predicate with arguments of these types, whatever their names. */
export const acceptsTypes = (
  policy: CheckedPolicy,
  { predicate, types }: { readonly predicate: string; readonly types: readonly string[] },
): boolean =>
  (indexOf(policy).byPredicate.get(predicateKey(predicate, types.length)) ?? []).some(({ positions }) =>
    types.every((type, index) => hasType(positions[index]?.types ?? null, type)),
  )

/** `has_role(Member, "keper", Vault)`: predicate and types, with the name where names are checked. */
export const signatureText = ({ predicate, args }: Fact): string => {
  const shown = args.map(({ type, id }, index) => (isName(predicate, index) && type === 'String' ? quoted(id) : type))
  return `${predicate}(${shown.join(', ')})`
}

/** What a refused fact may have meant, as it is written in a policy: `"keeper"`, `has_role`, or null. */
export const suggestSignature = (policy: CheckedPolicy, fact: Fact): string | null => suggestBySignatures(policy.signatures, fact)

/** Signatures of one policy, ready for many facts. */
export interface SignatureIndex {
  readonly byPredicate: ReadonlyMap<string, readonly FactSignature[]>
  /** Per predicate and types: every name, these names, or none. */
  readonly remembered: Map<string, ReadonlySet<string> | 'every'>
}

export const indexSignatures = (signatures: readonly FactSignature[]): SignatureIndex => ({
  byPredicate: Map.groupBy(signatures, ({ predicate, positions }) => predicateKey(predicate, positions.length)),
  remembered: new Map(),
})

export const acceptsBySignatures = (index: SignatureIndex, fact: Fact): boolean => {
  const { predicate, args } = fact
  const signatures = index.byPredicate.get(predicateKey(predicate, args.length))
  if (signatures === undefined) return false
  const key = JSON.stringify([predicate, ...args.map(({ type }) => type)])
  let names = index.remembered.get(key)
  if (names === undefined) {
    names = namesFor(signatures, fact)
    // Callers choose the types, so the memory is bounded.
    if (index.remembered.size >= limits.acceptedSignatures) index.remembered.clear()
    index.remembered.set(key, names)
  }
  return names === 'every' || names.has(args[1]?.id ?? '')
}

const indexes = new WeakMap<CheckedPolicy, SignatureIndex>()

const indexOf = (policy: CheckedPolicy): SignatureIndex => {
  const found = indexes.get(policy) ?? indexSignatures(policy.signatures)
  indexes.set(policy, found)
  return found
}

const namesFor = (signatures: readonly FactSignature[], { args }: Fact): ReadonlySet<string> | 'every' => {
  const names = new Set<string>()
  for (const { positions } of signatures) {
    if (!args.every(({ type }, index) => hasType(positions[index]?.types ?? null, type))) continue
    const name = nameOf(positions)
    if (name === null) return 'every'
    names.add(name)
  }
  return names
}

const nameOf = (positions: readonly SignaturePosition[]): string | null => positions[1]?.name ?? null

const isName = (predicate: string, index: number): boolean => index === 1 && NAMED_PREDICATES.has(predicate)

export const suggestBySignatures = (signatures: readonly FactSignature[], fact: Fact): string | null => {
  const { predicate, args } = fact
  const sameTypes = signatures.filter(
    ({ positions }) => positions.length === args.length && args.every(({ type }, index) => hasType(positions[index]?.types ?? null, type)),
  )
  const names = sameTypes.flatMap((signature) => (signature.predicate === predicate ? (nameOf(signature.positions) ?? []) : []))
  const name = names.length === 0 ? null : suggest(args[1]?.id ?? '', new Set(names))
  if (name !== null) return quoted(name)
  const predicates = new Set(sameTypes.map((signature) => signature.predicate).filter((other) => other !== predicate))
  return suggest(predicate, predicates)
}
