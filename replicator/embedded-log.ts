/** The embedded log: one SQLite file in the data directory, durable by fsync, with group commit. */
import type { DatabaseSync } from 'node:sqlite'
import { assert, known } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { RecordError } from '../src/log/codec.ts'
import { decodedRecord, encodedRecord } from '../src/log/encoded.ts'
import { Listeners } from '../src/log/listeners.ts'
import { type Log, type LogBounds, LogError, type LogListener, type RevisedRecord } from '../src/log/log.ts'
import { outOfRange, tooLarge } from '../src/log/log-errors.ts'
import type { LogRecord } from '../src/log/record.ts'
import { blob, type EnvironmentRow, integer, openLogFile } from './log-file.ts'
import { nativeSha256 } from './native-hash.ts'
import { appendFailure, corrupted, readFailure } from './sqlite-failure.ts'

export interface EmbeddedLogOptions {
  /** Created when missing; one process at a time. */
  readonly directory: string
  /** Encoded bytes. */
  readonly maxRecordBytes: number
  /** Refuses appends that would make the file larger, as a full disk does. */
  readonly maxFileBytes?: number
}

export interface EmbeddedLog extends Log {
  /** Changes `maxFileBytes`. */
  limitFile(maxFileBytes: number): void
}

/** Opens or creates the log of a data directory. Throws LogError `corrupted` when any byte of it is damaged, `unavailable` when another process holds it. */
export const openEmbeddedLog = (options: EmbeddedLogOptions): EmbeddedLog => new SqliteLog(options)

interface Waiting {
  readonly env: string
  readonly record: LogRecord
  readonly bytes: Uint8Array
  readonly resolve: (revision: number) => void
  readonly reject: (reason: unknown) => void
}

class SqliteLog implements EmbeddedLog {
  readonly logId: string
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #maxRecordBytes: number
  readonly #environments: Map<string, EnvironmentRow>
  readonly #listeners = new Listeners()
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  #queue: Waiting[] = []
  #queuedBytes = 0
  #scheduled = false
  #open = true
  /** Set when the file is in a state that only opening it again can clear. */
  #broken: LogError | null = null
  #drained: (() => void) | null = null

  constructor({ directory, maxRecordBytes, maxFileBytes }: EmbeddedLogOptions) {
    const { path, database, logId, environments } = openLogFile(directory)
    this.logId = logId
    this.#path = path
    this.#database = database
    this.#maxRecordBytes = maxRecordBytes
    this.#environments = new Map(environments)
    if (maxFileBytes !== undefined) this.limitFile(maxFileBytes)
  }

  limitFile(maxFileBytes: number): void {
    const pageBytes = integer(known(this.#database.prepare('PRAGMA page_size').get(), 'a page size')['page_size'])
    this.#database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxFileBytes / pageBytes))}`)
  }

  async append(env: string, record: LogRecord): Promise<number> {
    this.#usable()
    assert(env.length > 0 && env.length <= limits.environmentName && env.isWellFormed(), 'the name of an environment is short text')
    const bytes = encodedRecord(record, nativeSha256)
    if (bytes.length > this.#maxRecordBytes) throw tooLarge(bytes.length, this.#maxRecordBytes)
    if (this.#queue.length >= limits.appendQueueRecords || this.#queuedBytes + bytes.length > limits.appendQueueBytes) {
      throw new LogError('overloaded', `${this.#queue.length} records wait for the log`)
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ env, record, bytes, resolve, reject })
      this.#queuedBytes += bytes.length
      this.#schedule()
    })
  }

  async read(env: string, after: number, limit: number): Promise<readonly RevisedRecord[]> {
    this.#usable()
    const environment = this.#environments.get(env)
    const bounds = boundsOf(environment)
    if (after < bounds.first - 1 || after > bounds.last) throw outOfRange(env, after, bounds)
    return environment === undefined ? [] : this.#select(environment, env, after, limit)
  }

  async bounds(env: string): Promise<LogBounds> {
    this.#usable()
    return boundsOf(this.#environments.get(env))
  }

  async environments(): Promise<readonly string[]> {
    this.#usable()
    return [...this.#environments.keys()]
  }

  subscribe(listener: LogListener): () => void {
    return this.#listeners.add(listener)
  }

  /** No one else appends. */
  stalenessMs(): number {
    return 0
  }

  partitionOf(env: string): string {
    return env
  }

  /** In steps, so that appends never wait long. */
  async trim(partition: string, through: number): Promise<void> {
    for (;;) {
      this.#usable()
      const row = this.#environments.get(partition)
      if (row === undefined || row.first > Math.min(through, row.last)) return
      this.#forget(partition, row, Math.min(through, row.last, row.first + limits.trimRecords - 1))
      await new Promise<void>((resolve) => {
        setImmediate(resolve)
      })
    }
  }

  /** Waits for every accepted append. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    if (this.#scheduled) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    this.#database.close()
  }

  #usable(): void {
    if (!this.#open) throw new LogError('unavailable', 'the log is closed')
    if (this.#broken !== null) throw this.#broken
  }

  #select(environment: EnvironmentRow, env: string, after: number, limit: number): RevisedRecord[] {
    const found: RevisedRecord[] = []
    let sizeBytes = 0
    try {
      const statement = this.#database.prepare(
        'SELECT revision, bytes FROM record WHERE environment = ? AND revision > ? ORDER BY revision LIMIT ?',
      )
      for (const row of statement.iterate(environment.id, after, limit)) {
        const bytes = blob(row['bytes'])
        found.push({ revision: integer(row['revision']), record: decodedRecord(bytes, nativeSha256) })
        sizeBytes += bytes.length
        if (sizeBytes >= limits.readChunkBytes) break
      }
    } catch (error) {
      // What is in front of it can be used; the next read tells.
      if (found.length > 0) return found
      throw error instanceof RecordError ? this.#unreadable(error, env, after) : readFailure(error, this.#path)
    }
    return found
  }

  /** Intact, and of a version to come; or damaged after all. */
  #unreadable(cause: RecordError, env: string, after: number): LogError {
    const where = `a record of environment \`${env}\` after revision ${after}`
    if (cause.code !== 'format' && cause.code !== 'shape') return corrupted(this.#path, `${where}: ${cause.message}`, cause)
    const hint = 'start the version of Arctos that wrote it, or a newer one'
    return new LogError('unreadable', `${where} in the log file \`${this.#path}\` cannot be read: ${cause.message}; ${hint}`, { cause })
  }

  // After the current turn, so that everything which arrived in it shares one fsync.
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#commit(this.#takeGroup())
      if (this.#queue.length > 0) this.#schedule()
      else this.#drained?.()
    })
  }

  #takeGroup(): readonly Waiting[] {
    let records = 0
    let sizeBytes = 0
    for (const { bytes } of this.#queue) {
      if (records > 0 && (records === limits.commitRecords || sizeBytes + bytes.length > limits.commitBytes)) break
      records++
      sizeBytes += bytes.length
    }
    const group = this.#queue.slice(0, records)
    this.#queue = this.#queue.slice(records)
    this.#queuedBytes -= sizeBytes
    return group
  }

  #commit(group: readonly Waiting[]): void {
    const staged = new Map<string, EnvironmentRow>()
    let committing = false
    let revisions: readonly number[]
    try {
      if (this.#broken !== null) throw this.#broken
      this.#database.exec('BEGIN IMMEDIATE')
      revisions = group.map(({ env, bytes }) => this.#insert(staged, env, bytes))
      committing = true
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#rollback(error)
      const reason = appendFailure(error, this.#path, committing)
      for (const { reject } of group) reject(reason)
      return
    }
    for (const [env, row] of staged) this.#environments.set(env, row)
    this.#publish(staged, group, revisions)
    for (const [index, { resolve }] of group.entries()) resolve(known(revisions[index], 'a revision per record'))
  }

  #publish(staged: ReadonlyMap<string, EnvironmentRow>, group: readonly Waiting[], revisions: readonly number[]): void {
    const published = new Map<string, RevisedRecord[]>()
    for (const [index, { env, record }] of group.entries()) {
      const records = published.get(env) ?? []
      published.set(env, records)
      records.push({ revision: known(revisions[index], 'a revision per record'), record })
    }
    for (const [env, records] of published) this.#listeners.published(env, records, known(staged.get(env), 'a row per environment').last)
  }

  #forget(env: string, row: EnvironmentRow, through: number): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      this.#statement('DELETE FROM record WHERE environment = ? AND revision <= ?').run(row.id, through)
      this.#statement('UPDATE environment SET first = ? WHERE id = ?').run(through + 1, row.id)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#rollback(error)
      throw readFailure(error, this.#path)
    }
    this.#environments.set(env, { ...row, first: through + 1 })
  }

  #insert(staged: Map<string, EnvironmentRow>, env: string, bytes: Uint8Array): number {
    const row = staged.get(env) ?? this.#environments.get(env) ?? this.#insertEnvironment(env)
    const revision = row.last + 1
    this.#statement('INSERT INTO record (environment, revision, bytes) VALUES (?, ?, ?)').run(row.id, revision, bytes)
    staged.set(env, { ...row, last: revision })
    return revision
  }

  #insertEnvironment(env: string): EnvironmentRow {
    const { lastInsertRowid } = this.#statement('INSERT INTO environment (name) VALUES (?)').run(env)
    return { id: Number(lastInsertRowid), first: 0, last: -1 }
  }

  #rollback(cause: unknown): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch (error) {
      this.#broken = new LogError('unavailable', `the log file \`${this.#path}\` could not be rolled back: restart to recover it`, {
        cause: new AggregateError([cause, error]),
      })
    }
  }

  #statement(sql: string): ReturnType<DatabaseSync['prepare']> {
    const prepared = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, prepared)
    return prepared
  }
}

const boundsOf = (row: EnvironmentRow | undefined): LogBounds =>
  row === undefined ? { first: 0, last: -1 } : { first: row.first, last: row.last }
