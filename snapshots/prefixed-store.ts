/** A part of an object store as a store of its own: its keys are those below a prefix. */
import type { ObjectStore } from './object-store.ts'

/** `prefix` is without slashes at its ends; an empty one is the store itself. */
export const prefixed = (store: ObjectStore, prefix: string): ObjectStore => {
  if (prefix === '') return store
  const start = `${prefix}/`
  return {
    name: `${store.name}/${prefix}`,
    get: (key, options) => store.get(start + key, options),
    put: (key, bytes, condition) => store.put(start + key, bytes, condition),
    delete: (key) => store.delete(start + key),
    async list(below) {
      const found = await store.list(start + below)
      return found.map((object) => ({ ...object, key: object.key.slice(start.length) }))
    },
  }
}
