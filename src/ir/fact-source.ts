/** Where facts of a predicate can come from: stored tables, context facts, or (before any data) the policy's signatures. */
import type { CheckedPolicy, FactSignature } from '../check/core.ts'
import { predicateKey } from './terms.ts'

/** Where the rows stand when a question runs. */
export type FactOrigin =
  | { readonly kind: 'table'; readonly table: string }
  /** Context facts of the request with this signature; `slot` names the parameter. */
  | { readonly kind: 'context'; readonly slot: string }
  /** The ids a question gives for one of its variables. */
  | { readonly kind: 'ids'; readonly variable: string }
  /** Not known yet: only accepted by the policy. */
  | { readonly kind: 'accepted' }

/** One possible source of facts. */
export interface FactShape {
  readonly predicate: string
  /** Types that each argument may have; null: any type, of an existing value. */
  readonly types: readonly (readonly string[] | null)[]
  /** The one String an argument can be, or null. */
  readonly names: readonly (string | null)[]
  readonly origin: FactOrigin
  readonly rows: number
  /** Estimated distinct values per argument. */
  readonly distinct: readonly number[]
  /** Per argument: the estimated share of all known values of its type that stand there; without it, all do. */
  readonly coverage?: readonly number[]
  /** Column orders that can be searched by prefix. */
  readonly orders: readonly (readonly number[])[]
}

export interface FactSource {
  shapes(predicate: string, length: number): readonly FactShape[]
}

/** Indexes shapes by predicate. */
export const factSource = (shapes: readonly FactShape[]): FactSource => {
  const byPredicate = new Map<string, FactShape[]>()
  for (const shape of shapes) {
    const key = predicateKey(shape.predicate, shape.types.length)
    const list = byPredicate.get(key)
    if (list) list.push(shape)
    else byPredicate.set(key, [shape])
  }
  return { shapes: (predicate, length) => byPredicate.get(predicateKey(predicate, length)) ?? [] }
}

/** Every fact that the policy could ever accept: refusals must not depend on data (polar.md 11.2), so they are judged on this source. */
export const acceptedFacts = (policy: CheckedPolicy): FactSource => factSource(policy.signatures.map(signatureShape))

const signatureShape = (signature: FactSignature): FactShape => ({
  predicate: signature.predicate,
  types: signature.positions.map((position) => position.types),
  names: signature.positions.map((position) => position.name),
  origin: { kind: 'accepted' },
  rows: 1000,
  distinct: signature.positions.map(() => 100),
  orders: [signature.positions.map((_, index) => index), signature.positions.map((_, index) => signature.positions.length - 1 - index)],
})
