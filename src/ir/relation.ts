/** Adorned relations: specialised predicates with a mode per argument, their output patterns, and ordered rules that compute them. */
import type { Value } from '../base/value.ts'
import type { OrderOperator } from '../check/core.ts'
import type { Span } from '../polar/source.ts'
import type { FactShape } from './fact-source.ts'
import type { Instance } from './instance.ts'
import { type FactArgument, nodeKey, type PositionClass, type Term } from './terms.ts'

/** `fixed`: the class is a constant, so no value is passed; `in`: the caller gives a value; `out`: values are asked for. */
export type Mode = 'fixed' | 'in' | 'out'

/** A wildcard of an answer: positions of one group are the same unknown value. `own`: the rules restrict its type themselves. */
export interface Wildcard {
  readonly group: number
  readonly own: boolean
}

/** Per `out` position: null for a concrete value, or the wildcard. */
export type Pattern = readonly (Wildcard | null)[]

export type Step =
  /** A row of a fact table; unbound variables among `args` become bound. */
  | { readonly kind: 'fact'; readonly shape: FactShape; readonly args: readonly FactArgument[] }
  /** A row of a variant: `inputs` are bound; `outputs` stand for its concrete output columns. */
  | {
      readonly kind: 'call'
      readonly relation: Relation
      readonly pattern: string
      readonly inputs: readonly Term[]
      readonly outputs: readonly Term[]
    }
  | { readonly kind: 'in'; readonly term: Term; readonly values: readonly Value[] }
  | { readonly kind: 'equal' | 'unequal'; readonly left: Term; readonly right: Term }
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly left: Term; readonly right: Term }
  | { readonly kind: 'not'; readonly bodies: readonly (readonly Step[])[] }

/** One rule of a variant. Steps are in order of evaluation; every variable of a filter is bound by the steps before it. */
export interface PlannedRule {
  /** Terms at the `in` positions: a variable is bound by the caller's value, anything else is compared with it. */
  readonly inputs: readonly Term[]
  /** Terms at the concrete `out` positions. */
  readonly outputs: readonly Term[]
  readonly steps: readonly Step[]
  /** Estimated rows per call, and relative cost. */
  readonly rows: number
  readonly cost: number
}

export interface Variant {
  readonly pattern: Pattern
  rules: PlannedRule[]
}

/** Why a question cannot be answered (polar.md 11.2). */
export interface Refusal {
  readonly code: 'cannot-be-enumerated' | 'linked-wildcards'
  readonly variable: string
  /** Of the condition, and of the rule's head. */
  readonly span: Span
  readonly rule: Span
}

/** Filled while planning; read-only afterwards. */
export class Relation {
  readonly predicate: string
  readonly classes: readonly PositionClass[]
  readonly modes: readonly Mode[]
  readonly variants = new Map<string, Variant>()
  refusal: Refusal | null = null
  rows = 1
  cost = 1
  /** Whether it was asked for while it was being planned. */
  recursive = false
  /** Whether it is the rest of a long rule of its predicate, rather than the predicate itself. */
  isRest = false
  readonly dependents = new Set<Relation>()
  /** Rules of the predicate that are not followed here, as whoever calls it gets to the same in another way. */
  readonly leftOut: ReadonlySet<Instance>

  constructor(predicate: string, classes: readonly PositionClass[], modes: readonly Mode[], leftOut: ReadonlySet<Instance> = new Set()) {
    this.predicate = predicate
    this.classes = classes
    this.modes = modes
    this.leftOut = leftOut
  }
}

export const relationKey = (predicate: string, classes: readonly PositionClass[], modes: readonly Mode[]): string =>
  `${nodeKey(predicate, classes)}${modes.map((mode) => mode[0]).join('')}`

export const patternKey = (pattern: Pattern): string =>
  pattern.map((item) => (item ? `${item.group}${item.own ? '!' : ''}` : 'c')).join(',')
