/** What a data set is to the bench: policy and facts, and every answer computed without the engine. */
import type { Fact, Value } from '../../src/base/value.ts'

/** Answers over the facts of a set, by maps and sets: what the engine must agree with before it is timed. Ids of one type, in no order. */
export interface Answers {
  readonly resourceType: string
  /** Three, the one asked most first. */
  readonly actions: readonly string[]
  users(): string[]
  resources(): string[]
  allowed(user: string, action: string, resource: string): boolean
  list(user: string, action: string): string[]
  subjects(action: string, resource: string): string[]
  /** Resources that whoever may use this one is likely to be refused. */
  neighbours(resource: string): readonly string[]
  /** What the resource is in, as one fact says. */
  parentOf(resource: string): string
}

export interface DataSet {
  readonly policy: string
  readonly filename: string
  /** The same ones each time. */
  facts(): Iterable<Fact>
  answers(): Answers
  /** The fact of each resource that is looked up by its key. */
  readonly parent: { readonly relation: string; readonly type: string }
  readonly lists: {
    readonly action: string
    /** Who may use most, and who about a tenth of it. */
    readonly auditor: Value
    readonly inspector: Value
    /** An action that everyone is given on some resources. */
    readonly open: string | null
    /** A resource that all of a large tenant reach. */
    readonly crowded: string | null
  }
}
