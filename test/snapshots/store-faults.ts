/** An object store that fails on demand: before a call takes effect, after it, or in the middle of a transfer. */
import { type ObjectStore, type PutCondition, StoreError } from '../../snapshots/object-store.ts'

export interface StoreStep {
  readonly operation: 'get' | 'put' | 'list' | 'delete'
  readonly key: string
}

/** `lost`: it took effect and nobody is told so; `torn`: a transfer breaks off. */
export type StoreFault = 'failed' | 'lost' | 'torn' | null

export const faultyStore = (store: ObjectStore, faultOf: (step: StoreStep) => StoreFault | Promise<StoreFault>): ObjectStore => {
  const run = async <T>(step: StoreStep, work: () => Promise<T>): Promise<T> => {
    const fault = await faultOf(step)
    if (fault === 'failed' || (fault === 'torn' && step.operation !== 'get')) throw planned(step, fault)
    const result = await work()
    if (fault === 'lost') throw planned(step, fault)
    return fault === 'torn' ? torn(step, result) : result
  }
  return {
    name: store.name,
    get: (key, options) => run({ operation: 'get', key }, () => store.get(key, options)),
    put: (key, bytes, condition) => run({ operation: 'put', key }, () => store.put(key, bytes, condition)),
    list: (prefix) => run({ operation: 'list', key: prefix }, () => store.list(prefix)),
    delete: (key) => run({ operation: 'delete', key }, () => store.delete(key)),
  }
}

/** As some servers: of writers that looked before any of them wrote, all win, and the last one's object stays. */
export const store2Winners = (store: ObjectStore, isRace: () => boolean): ObjectStore => ({
  ...store,
  async put(key: string, bytes: Uint8Array, condition?: PutCondition) {
    if (condition === undefined || !isRace()) return store.put(key, bytes, condition)
    const there = await store.get(key)
    const version = there === null || there === 'unchanged' ? null : there.version
    const holds = condition.kind === 'absent' ? version === null : version === condition.version
    // Whoever else was let in writes before this one does.
    for (let turn = 0; turn < 3; turn++) await Promise.resolve()
    if (!holds) throw new StoreError('precondition', 'the condition does not hold')
    return store.put(key, bytes)
  },
})

const planned = ({ operation, key }: StoreStep, fault: string): StoreError =>
  new StoreError('unavailable', `${operation} of \`${key}\`: ${fault}, as planned`)

const torn = <T>(step: StoreStep, result: T): T => {
  if (typeof result !== 'object' || result === null || !('chunks' in result)) throw planned(step, 'torn')
  const { chunks } = result as { readonly chunks: AsyncIterable<Uint8Array> }
  return {
    ...result,
    chunks: (async function* () {
      for await (const chunk of chunks) {
        yield chunk.slice(0, chunk.length / 2)
        throw planned(step, 'torn')
      }
      throw planned(step, 'torn')
    })(),
  }
}
