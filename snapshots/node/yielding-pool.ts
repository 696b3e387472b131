/** Lets the pool of threads that compresses give way to whatever answers on the same machine: a snapshot can wait, a read cannot. */
import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** A tenth of the share of a thread that has not given way: on a machine that is full, a snapshot still comes to its end. */
export const NICENESS = 10
/** As the library that runs the pool names them. */
const POOL_THREAD = 'libuv-worker'
/** Of Linux; elsewhere the threads stay what they are. */
const THREADS = '/proc/self/task'

let hasYielded = false

/** The threads are there as soon as one of them was asked for something. */
export const yieldPool = (): void => {
  if (hasYielded || process.platform !== 'linux') return
  hasYielded = true
  for (const thread of readdirSync(THREADS)) {
    try {
      if (readFileSync(`${THREADS}/${thread}/comm`, 'utf8').startsWith(POOL_THREAD)) setPriority(Number(thread), NICENESS)
    } catch {
      // It has ended meanwhile, or the system does not allow it: then it competes, as it would without this.
    }
  }
}
