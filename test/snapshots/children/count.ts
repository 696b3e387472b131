/** Adds one to a counter in a folder, again and again, each time under the condition that nobody else did. Prints how often it won. */
import { folderObjectStore } from '../../../snapshots/node/folder-store.ts'
import { objectBytes } from '../../../snapshots/object-bytes.ts'
import { StoreError } from '../../../snapshots/object-store.ts'

const [, , directory = '', times = ''] = process.argv
const store = folderObjectStore(directory)
let won = 0
while (won < Number(times)) {
  const object = await store.get('counter')
  if (object === null || object === 'unchanged') throw new Error('the counter is gone')
  const count = Number(new TextDecoder().decode(await objectBytes('counter', object, 100)))
  try {
    await store.put('counter', new TextEncoder().encode(String(count + 1)), { kind: 'version', version: object.version })
    won++
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'precondition') throw error
  }
}
console.log(won)
