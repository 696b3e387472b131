/** An object store in memory: for tests and simulations, and the model of the others. */
import { byKey, checkKey } from './key-rules.ts'
import type { ListedObject, ObjectStore, PutCondition, StoredObject } from './object-store.ts'
import { type StoreCall, storeFailure } from './store-failure.ts'

interface MemoryObject {
  readonly bytes: Uint8Array
  readonly version: string
  readonly modifiedAtMs: number
}

const CHUNK_BYTES = 64 * 1024

export const memoryObjectStore = (name = 'memory', nowMs: () => number = Date.now): ObjectStore => {
  const objects = new Map<string, MemoryObject>()
  let versions = 0
  const callOf = (operation: StoreCall['operation'], key: string): StoreCall => ({ store: name, operation, key })

  return {
    name,
    async get(key, options = {}) {
      checkKey(callOf('get', key))
      const object = objects.get(key)
      if (object === undefined) return null
      return object.version === options.unless ? 'unchanged' : stored(object)
    },
    async put(key, bytes, condition) {
      const call = callOf('put', key)
      checkKey(call)
      if (condition !== undefined && !holds(condition, objects.get(key)))
        throw storeFailure('precondition', call, 'the condition does not hold')
      versions++
      const version = String(versions)
      objects.set(key, { bytes: bytes.slice(), version, modifiedAtMs: nowMs() })
      return version
    },
    async list(prefix) {
      const found: ListedObject[] = []
      for (const [key, { bytes, modifiedAtMs }] of objects)
        if (key.startsWith(prefix)) found.push({ key, sizeBytes: bytes.length, modifiedAtMs })
      return found.sort(byKey)
    },
    async delete(key) {
      checkKey(callOf('delete', key))
      objects.delete(key)
    },
  }
}

const holds = (condition: PutCondition, object: MemoryObject | undefined): boolean =>
  condition.kind === 'absent' ? object === undefined : object?.version === condition.version

const stored = ({ bytes, version }: MemoryObject): StoredObject => ({
  version,
  sizeBytes: bytes.length,
  chunks: (async function* () {
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield bytes.slice(start, start + CHUNK_BYTES)
  })(),
})
