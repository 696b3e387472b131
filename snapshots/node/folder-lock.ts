/** One writer at a time to a folder, among all processes of the machine: a lock of the operating system, which ends with its process. */
import { DatabaseSync } from 'node:sqlite'
import { wait } from '../deadline.ts'

/** Longest wait for another writer: each holds it for a comparison and a rename. */
const LOCK_MS = 10_000
const POLL_MS = 5
/** Of one process. */
const WAITING = 1024

export class FolderLock {
  readonly #path: string
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Runs `work` alone. Rejects when the lock cannot be had. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING) throw new Error(`${WAITING} writers wait for the lock already`)
    this.#waiting++
    // Those of this process wait in turn instead of asking again and again.
    const turn = this.#last.then(() => this.#locked(work))
    this.#last = turn.catch(() => null)
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const database = await this.#lock()
    try {
      return await work()
    } finally {
      database.close()
    }
  }

  // Opened anew each time: the folder may have been replaced, and a lock of the old file would keep nobody out.
  async #lock(): Promise<DatabaseSync> {
    const deadline = performance.now() + LOCK_MS
    for (;;) {
      const database = new DatabaseSync(this.#path, { timeout: 0 })
      try {
        database.exec('BEGIN EXCLUSIVE')
        return database
      } catch (error) {
        database.close()
        if (!isBusy(error)) throw error
        if (performance.now() > deadline) throw new Error(`another process held the lock for ${LOCK_MS} ms`, { cause: error })
      }
      await wait(POLL_MS * (0.5 + Math.random()))
    }
  }
}

const SQLITE_BUSY = 5

const isBusy = (error: unknown): boolean => error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
