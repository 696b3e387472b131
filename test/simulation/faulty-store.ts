/** An object store of a simulation: answers late, loses requests and answers, and lets two writers of one race win, as a real server did. */
import { type ObjectStore, type PutCondition, StoreError } from '../../snapshots/object-store.ts'
import type { Random } from '../random/prng.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface StoreFaults {
  /** Share of calls that fail before anything happened, and of writes that happen although they fail. */
  readonly lost: number
  readonly unknown: number
  /** Share of conditional writes whose condition is not looked at. */
  readonly races: number
  /** Longest answer. */
  readonly delayMs: number
}

export interface FaultyStoreOptions {
  readonly store: ObjectStore
  readonly time: VirtualTime
  readonly random: Random
  readonly faults: StoreFaults
  /** Nothing is answered while it is true. */
  readonly down: () => boolean
}

export const faultyStore = ({ store, time, random, faults, down }: FaultyStoreOptions): ObjectStore => {
  const arrive = async (): Promise<void> => {
    await time.sleep(random.below(faults.delayMs) + 1)
    if (down() || random.chance(faults.lost)) throw new StoreError('unavailable', 'the store does not answer')
  }
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    await arrive()
    const result = await work()
    // A crash of the writer in this time leaves the object behind.
    await time.sleep(random.below(faults.delayMs) + 1)
    if (random.chance(faults.unknown)) throw new StoreError('unavailable', 'the answer was lost')
    return result
  }
  const kept = (condition: PutCondition | undefined): PutCondition | undefined => (random.chance(faults.races) ? undefined : condition)

  return {
    name: store.name,
    async get(key, options) {
      await arrive()
      return store.get(key, options)
    },
    put: (key, bytes, condition) => write(() => store.put(key, bytes, kept(condition))),
    async list(prefix) {
      await arrive()
      return store.list(prefix)
    },
    delete: (key) => write(() => store.delete(key)),
  }
}
