/** The one row that says where a replica stands: position in the log, state hash, active policy. Written back once per transaction. */
import { assert, at } from '../base/assert.ts'
import { StateHash } from '../base/hash.ts'
import type { Database, Statement } from './database.ts'
import { allOnce } from './once.ts'

export class Meta {
  readonly #database: Database
  readonly #write: Statement
  #revision = -1
  #logId: string | null = null
  #activePolicy: number | null = null
  #hash = new StateHash()
  #changed = false

  constructor(database: Database) {
    this.#database = database
    this.#write = database.prepare('update meta set revision = ?, log_id = ?, state_hash = ?, active_policy = ?')
    this.reload()
  }

  get revision(): number {
    return this.#revision
  }

  get logId(): string | null {
    return this.#logId
  }

  /** Version of the active policy. */
  get activePolicy(): number | null {
    return this.#activePolicy
  }

  stateHash(): string {
    return this.#hash.toHex()
  }

  setPosition(logId: string, revision: number): void {
    this.#logId = logId
    this.#revision = revision
    this.#changed = true
  }

  setActivePolicy(version: number): void {
    this.#activePolicy = version
    this.#changed = true
  }

  add(hash: Uint8Array): void {
    this.#hash.add(hash)
    this.#changed = true
  }

  subtract(hash: Uint8Array): void {
    this.#hash.subtract(hash)
    this.#changed = true
  }

  /** No facts, no policy; the position stays. */
  clear(): void {
    this.#hash = new StateHash()
    this.#activePolicy = null
    this.#changed = true
  }

  flush(): void {
    if (!this.#changed) return
    this.#write.run(this.#revision, this.#logId, this.#hash.toHex(), this.#activePolicy)
    this.#changed = false
  }

  /** Takes everything from the database again, after a rollback. */
  reload(): void {
    const row = at(allOnce(this.#database, 'select revision, log_id, state_hash, active_policy from meta'), 0)
    const [revision, logId, stateHash, activePolicy] = row
    assert(typeof revision === 'number' && typeof stateHash === 'string', 'a replica knows its position')
    assert(logId === null || typeof logId === 'string', 'a log id is text')
    assert(activePolicy === null || typeof activePolicy === 'number', 'a policy version is a number')
    this.#revision = revision
    this.#logId = logId
    this.#activePolicy = activePolicy
    this.#hash = StateHash.fromHex(stateHash)
    this.#changed = false
  }
}
