/** Puts an object that there is no room for, and tells how that failed. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { folderObjectStore } from '../../../snapshots/node/folder-store.ts'
import { StoreError } from '../../../snapshots/object-store.ts'

const [, , directory = ''] = process.argv
const store = folderObjectStore(directory)
await store.put('a', new TextEncoder().encode('old'))
try {
  await store.put('a', new Uint8Array(8 * 1024 * 1024).fill(1))
  console.log('it fits')
} catch (error) {
  if (!(error instanceof StoreError)) throw error
  console.log(error.code)
  console.log(error.message)
}
console.log(`drafts ${readdirSync(join(directory, '.incoming')).length}`)
const object = await store.get('a')
console.log(object === null || object === 'unchanged' ? 'gone' : `${object.sizeBytes} bytes`)
await store.put('a', new TextEncoder().encode('newer'))
console.log('passed')
