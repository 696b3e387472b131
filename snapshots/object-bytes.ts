/** A whole object in memory, within a bound. */
import { joinBytes } from './join-bytes.ts'
import { type StoredObject, StoreError } from './object-store.ts'

/** Rejects with StoreError: `too-large` over the bound, and whatever the transfer breaks off with. */
export const objectBytes = async (key: string, object: StoredObject, maxBytes: number): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of object.chunks) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw new StoreError('too-large', `\`${key}\` has more than ${maxBytes} bytes`)
    parts.push(new Uint8Array(chunk))
  }
  return joinBytes(parts)
}
