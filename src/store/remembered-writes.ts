/** The write ids that were applied last, in the order of the log, so that a repeated append is skipped. */
import { assert, at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import type { Database, Statement } from './database.ts'
import { allOnce } from './once.ts'

export class RememberedWrites {
  readonly #database: Database
  readonly #insert: Statement
  readonly #forget: Statement
  readonly #find: Statement
  #next = 1

  constructor(database: Database) {
    this.#database = database
    this.#insert = database.prepare('insert or ignore into remembered_write (sequence, id, revision) values (?, ?, ?)')
    this.#forget = database.prepare('delete from remembered_write where sequence <= ?')
    this.#find = database.prepare('select 1 from remembered_write where id = ?')
    this.reload()
  }

  remembers(id: string): boolean {
    return this.#find.get(id) !== undefined
  }

  /** True when the id is among them; remembers it otherwise, in the place of the oldest. */
  remember(id: string, revision: number): boolean {
    if (this.#insert.run(this.#next, id, revision) === 0) return true
    this.#forget.run(this.#next - limits.writeIds)
    this.#next++
    return false
  }

  /** Takes the position from the database again, after a rollback. */
  reload(): void {
    const [last] = at(allOnce(this.#database, 'select coalesce(max(sequence), 0) from remembered_write'), 0)
    assert(typeof last === 'number', 'a sequence is a number')
    this.#next = last + 1
  }
}
