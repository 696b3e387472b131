/** A replica's stored state in one database: facts, policies, position. */
import { assert } from '../base/assert.ts'
import { hash128, hex, StateHash } from '../base/hash.ts'
import { compareBytewise } from '../base/text.ts'
import { canonicalId, type Fact, type FactPattern, type Value } from '../base/value.ts'
import { entityTable, typeTable } from '../sql/naming.ts'
import { type Database, SqlError, type Statement } from './database.ts'
import { Dictionary } from './dictionary.ts'
import { FactTables } from './fact-tables.ts'
import type { Encoded, FactTable, Signature, Store, StoredPolicy } from './facts.ts'
import { countFacts, deleteFacts, eachFact, selectFacts, tableSearches } from './facts-query.ts'
import { type HeldBounds, roomy } from './held.ts'
import { Meta } from './meta.ts'
import { addPolicy, policyVersions, readPolicy } from './policies.ts'
import { RememberedWrites } from './remembered-writes.ts'
import { checkSchema, openSchema } from './schema.ts'

type Search = { readonly predicate: string | null; readonly args: FactPattern['args'] }

/** The store in this database: created in an empty one, opened in a replica's image. Throws SchemaError for any other content. */
export const createStore = (database: Database, held?: HeldBounds): Store => {
  openSchema(database)
  return new ReplicaStore(database, held)
}

/** The store in an image, which is never empty. Throws SchemaError, and whatever a damaged image leads to. */
export const openImage = (database: Database, held?: HeldBounds): Store => {
  checkSchema(database)
  return new ReplicaStore(database, held)
}

class ReplicaStore implements Store {
  readonly database: Database
  readonly rememberedNumbers: number
  readonly #dictionary: Dictionary
  readonly #tables: FactTables
  readonly #meta: Meta
  readonly #writes: RememberedWrites
  readonly #begin: Statement
  readonly #commit: Statement
  #writing = false
  #cleared = false

  constructor(database: Database, held: HeldBounds = roomy) {
    this.database = database
    this.rememberedNumbers = held.rememberedNumbers
    this.#dictionary = new Dictionary(database, held)
    this.#tables = new FactTables(database)
    this.#meta = new Meta(database)
    this.#writes = new RememberedWrites(database)
    this.#begin = database.prepare('begin')
    this.#commit = database.prepare('commit')
  }

  get planEpoch(): number {
    return this.#tables.epoch
  }

  changes(tables?: readonly string[]): number {
    return tables === undefined ? this.#tables.changes : this.#tables.changesOf(tables)
  }

  tables(): readonly FactTable[] {
    return Array.from(this.#tables.all(), (table) => table.describe()).toSorted((a, b) => compareBytewise(a.table, b.table))
  }

  typeId(type: string): number | undefined {
    return this.#dictionary.typeId(type)
  }

  encode(value: Value): Encoded | undefined {
    return this.#dictionary.encode(value)
  }

  warm(values: number): boolean {
    return this.#dictionary.warm(values)
  }

  decode(type: string, encoded: Encoded): string {
    return this.#dictionary.decode(type, encoded)
  }

  facts(pattern: Search, exactLength: boolean, limit: number): Fact[] {
    return selectFacts(this.database, this.#searches(pattern, exactLength), this.#dictionary, limit)
  }

  count(pattern: Search, exactLength = true, limit = Number.MAX_SAFE_INTEGER): number {
    return countFacts(this.database, this.#searches(pattern, exactLength), limit)
  }

  totals(): { readonly total: number; readonly predicates: Readonly<Record<string, number>> } {
    const predicates = new Map<string, number>()
    let total = 0
    for (const { signature, rows } of this.#tables.all()) {
      if (rows > 0) predicates.set(signature.predicate, (predicates.get(signature.predicate) ?? 0) + rows)
      total += rows
    }
    return { total, predicates: Object.fromEntries([...predicates].toSorted(([a], [b]) => compareBytewise(a, b))) }
  }

  activePolicy(): StoredPolicy | null {
    return this.#meta.activePolicy === null ? null : this.policy(this.#meta.activePolicy)
  }

  policy(version: number): StoredPolicy | null {
    return readPolicy(this.database, version)
  }

  policyVersions(): readonly number[] {
    return policyVersions(this.database)
  }

  revision(): number {
    return this.#meta.revision
  }

  logId(): string | null {
    return this.#meta.logId
  }

  stateHash(): string {
    return this.#meta.stateHash()
  }

  recomputeStateHash(): string {
    const hash = new StateHash()
    for (const search of this.#searches({ predicate: null, args: [] }, false))
      eachFact(this.database, search, this.#dictionary, (fact) => hash.add(factHash(fact)))
    const active = this.activePolicy()
    if (active !== null) hash.add(policyHash(active.source))
    return hash.toHex()
  }

  policyHash(): string | null {
    const active = this.activePolicy()
    return active === null ? null : hex(policyHash(active.source))
  }

  remembersWrite(writeId: string): boolean {
    return this.#writes.remembers(writeId)
  }

  transaction<T>(work: () => T): T {
    assert(!this.#writing, 'a transaction inside a transaction')
    this.#begin.run()
    this.#writing = true
    let result: T
    try {
      result = work()
      this.#tables.flush()
      this.#meta.flush()
      this.#commit.run()
    } catch (error) {
      this.#rollback()
      throw error
    } finally {
      this.#writing = false
    }
    if (this.#cleared) this.#vacuum()
    return result
  }

  insert(fact: Fact): boolean {
    this.#assertWriting()
    const { predicate, args } = fact
    const table = this.#tables.find(predicate, args) ?? this.#tables.open(signatureOf(fact))
    const row: Encoded[] = []
    for (const arg of args) row.push(this.#dictionary.intern(arg))
    if (!this.#tables.insert(table, row)) return false
    this.#meta.add(factHash(fact))
    return true
  }

  remove(pattern: FactPattern): number {
    this.#assertWriting()
    const fact = groundFact(pattern)
    if (fact !== null) return this.#removeFact(fact) ? 1 : 0
    let removed = 0
    for (const search of this.#searches(pattern, true)) {
      const rows = deleteFacts(this.database, search, this.#dictionary, (found) => this.#meta.subtract(factHash(found)))
      this.#tables.removed(search.table, rows)
      removed += rows
    }
    return removed
  }

  intern(values: readonly Value[]): void {
    this.#assertWriting()
    for (const value of values) this.#dictionary.intern(value)
  }

  savePolicy(source: string, filename: string | null, createdAtMs: number): number {
    this.#assertWriting()
    const active = this.activePolicy()
    if (active !== null) this.#meta.subtract(policyHash(active.source))
    const version = addPolicy(this.database, { source, filename, createdAtMs })
    this.#meta.setActivePolicy(version)
    this.#meta.add(policyHash(source))
    return version
  }

  clear(): void {
    this.#assertWriting()
    this.#tables.dropAll()
    this.database.exec(`delete from ${entityTable}; delete from ${typeTable}`)
    this.#dictionary.reload(true)
    this.#meta.clear()
    this.#cleared = true
  }

  rememberWrite(writeId: string, revision: number): boolean {
    this.#assertWriting()
    return this.#writes.remember(writeId, revision)
  }

  setPosition(logId: string, revision: number): void {
    this.#assertWriting()
    this.#meta.setPosition(logId, revision)
  }

  ensureIndex(signature: Signature, columns: readonly number[]): void {
    this.#assertWriting()
    this.#tables.ensureIndex(signature, columns)
  }

  #searches(pattern: Search, exactLength: boolean): ReturnType<typeof tableSearches> {
    return tableSearches(this.#tables.all(), { ...pattern, exactLength }, this.#dictionary)
  }

  /** By its key, without a search. */
  #removeFact(fact: Fact): boolean {
    const table = this.#tables.find(fact.predicate, fact.args)
    if (table === null) return false
    const row: Encoded[] = []
    for (const arg of fact.args) {
      const encoded = this.#dictionary.encode(arg)
      if (encoded === undefined) return false
      row.push(encoded)
    }
    if (!this.#tables.remove(table, row)) return false
    this.#meta.subtract(factHash(fact))
    return true
  }

  #assertWriting(): void {
    assert(this.#writing, 'a write outside a transaction')
  }

  #rollback(): void {
    // After some failures, such as no memory, SQLite has already rolled back.
    if (this.database.inTransaction()) this.database.exec('rollback')
    this.#dictionary.reload(this.#cleared)
    this.#cleared = false
    this.#tables.reload()
    this.#meta.reload()
    this.#writes.reload()
  }

  /** Gives back the pages of a cleared database: they would be carried, with what was cleared still in them, by every snapshot. */
  #vacuum(): void {
    this.#cleared = false
    try {
      this.database.exec('vacuum')
    } catch (error) {
      // The clear itself is committed; without the memory for this the pages are used again by what comes next.
      if (!(error instanceof SqlError)) throw error
    }
  }
}

const signatureOf = ({ predicate, args }: Fact): Signature => ({ predicate, types: args.map((arg) => arg.type) })

/** The one fact that a pattern without holes matches, in canonical form; null when there are holes, or ids that no value has. */
const groundFact = ({ predicate, args }: FactPattern): Fact | null => {
  const values: Value[] = []
  for (const { type, id } of args) {
    const canonical = type === null || id === null ? undefined : canonicalId(type, id)
    if (type === null || canonical === undefined) return null
    values.push({ type, id: canonical })
  }
  return { predicate, args: values }
}

/** An odd number of parts. */
const factHash = ({ predicate, args }: Fact): Uint8Array =>
  hash128([predicate, ...args.map((arg) => arg.type), ...args.map((arg) => arg.id)])

/** An even number of parts, so that no fact has the same. */
const policyHash = (source: string): Uint8Array => hash128(['policy', source])
