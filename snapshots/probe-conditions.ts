/** Whether an object store keeps the conditions of conditional writes: some servers ignore or refuse them. */
import { type ObjectStore, StoreError } from './object-store.ts'

/** `refused`: not even a put whose condition holds is done. Rejects with StoreError when the store cannot be written at all. */
export const probeConditions = async (store: ObjectStore): Promise<'kept' | 'ignored' | 'refused'> => {
  const key = `probes/${crypto.randomUUID()}`
  const bytes = new TextEncoder().encode('arctos looks whether conditional writes work here\n')
  await store.put(key, bytes)
  try {
    const version = await versionOf(store, key)
    if (!(await loses(store.put(key, bytes, { kind: 'absent' })))) return 'ignored'
    const replaced = await store.put(key, new TextEncoder().encode('replaced\n'), { kind: 'version', version })
    if (replaced === version) return 'ignored'
    return (await loses(store.put(key, bytes, { kind: 'version', version }))) ? 'kept' : 'ignored'
  } catch (error) {
    // The same key could be written without a condition.
    if (error instanceof StoreError && error.code === 'denied') return 'refused'
    throw error
  } finally {
    await store.delete(key)
  }
}

const loses = async (put: Promise<string>): Promise<boolean> => {
  try {
    await put
    return false
  } catch (error) {
    if (error instanceof StoreError && error.code === 'precondition') return true
    throw error
  }
}

const versionOf = async (store: ObjectStore, key: string): Promise<string> => {
  const object = await store.get(key)
  if (object === null || object === 'unchanged') throw new StoreError('unavailable', `\`${key}\` in ${store.name} was put and is not there`)
  // Read to its end, so that no connection waits for it.
  for await (const chunk of object.chunks) void chunk
  return object.version
}
