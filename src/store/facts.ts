/** What the engine and `apply` need of a replica's stored state. */
import type { Fact, FactPattern, Value } from '../base/value.ts'
import type { Database } from './database.ts'

/** How a value stands in a fact column: the interned id of an entity or string, the number itself of an Integer, 0 or 1 of a Boolean. */
export type Encoded = number | bigint

/** A predicate with concrete argument types: one table. */
export interface Signature {
  readonly predicate: string
  readonly types: readonly string[]
}

/** A table of facts and what the store knows about it. Columns are `c1` … `cn`, in argument order. */
export interface FactTable {
  readonly signature: Signature
  /** SQL identifier, safe unquoted: a pure function of the signature. */
  readonly table: string
  readonly rows: number
  /** Estimated distinct values per column, each at least 1. */
  readonly distinct: readonly number[]
  /** Column orders (0-based) that can be searched by prefix: the primary key first, then every index. */
  readonly orders: readonly (readonly number[])[]
}

export interface StoredPolicy {
  readonly version: number
  readonly filename: string | null
  readonly source: string
  readonly createdAtMs: number
}

/** One environment's facts, policies and position, in one database. Only `apply` calls the writing half, inside `transaction`. */
export interface Store {
  readonly database: Database
  /** How many numbers an engine may remember of subjects (`HeldBounds`). */
  readonly rememberedNumbers: number
  /** Grows whenever a table or index appears or goes, or a row count passes a power of four: plans made before are out of date. */
  readonly planEpoch: number
  /** Grows whenever a fact of one of these tables comes or goes; without tables, of any. Never falls. */
  changes(tables?: readonly string[]): number
  /** Every existing fact table. */
  tables(): readonly FactTable[]
  /** Encoded form of a value in canonical form, or undefined when it is an entity or string never stored. Never writes. */
  encode(value: Value): Encoded | undefined
  /** Number that stands for a type in the dictionary's `type` column, or undefined when no value of it was ever stored; Integer and Boolean have none. */
  typeId(type: string): number | undefined
  /** Takes up to so many values of an image's dictionary into memory, where they are found faster; true when all are there. */
  warm(values: number): boolean
  /** Id text of an encoded value of that type. */
  decode(type: string, encoded: Encoded): string
  /** Facts that match, sorted by predicate, then argument types and ids. `predicate` null: of every predicate.
   * `exactLength` false: the pattern's arguments are a prefix (GET /facts); true: the same number of arguments (deletes). At most `limit` facts. */
  facts(pattern: { readonly predicate: string | null; readonly args: FactPattern['args'] }, exactLength: boolean, limit: number): Fact[]
  /** Number of facts a delete pattern would remove; or of those that `facts` would find without a limit, when `exactLength` is false. Counted no further than `limit`. */
  count(pattern: { readonly predicate: string | null; readonly args: FactPattern['args'] }, exactLength?: boolean, limit?: number): number
  /** Facts in all, and per predicate. */
  totals(): { readonly total: number; readonly predicates: Readonly<Record<string, number>> }
  /** The active policy, or null. */
  activePolicy(): StoredPolicy | null
  policy(version: number): StoredPolicy | null
  policyVersions(): readonly number[]
  /** Last applied revision, -1 before the first; the log generation it belongs to; the state hash as 32 hex digits. */
  revision(): number
  logId(): string | null
  stateHash(): string
  /** The state hash from every stored fact anew: about 4 s per million facts. It differs from `stateHash` when the image is damaged. */
  recomputeStateHash(): string
  /** What the active policy adds to the state hash, as 32 hex digits; null when there is none. */
  policyHash(): string | null
  /** Whether the write id is among the last 65,536. */
  remembersWrite(writeId: string): boolean

  // The writing half.
  transaction<T>(work: () => T): T
  /** True when the fact was not there. Arguments are canonical. */
  insert(fact: Fact): boolean
  /** Number of facts removed. */
  remove(pattern: FactPattern): number
  /** Interns every value so that compiled policies find it. */
  intern(values: readonly Value[]): void
  savePolicy(source: string, filename: string | null, createdAtMs: number): number
  /** Drops facts, tables, indexes, dictionary and the active policy; policy versions and numbering stay. */
  clear(): void
  /** True when the write id is among the last 65,536; remembers it otherwise. */
  rememberWrite(writeId: string, revision: number): boolean
  setPosition(logId: string, revision: number): void
  /** Creates an index when missing. */
  ensureIndex(signature: Signature, columns: readonly number[]): void
}
