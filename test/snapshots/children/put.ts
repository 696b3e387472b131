/** Puts a large object in a folder; killed by the test meanwhile. */
import { folderObjectStore } from '../../../snapshots/node/folder-store.ts'

const [, , directory = '', key = ''] = process.argv
console.log('writing')
await folderObjectStore(directory).put(key, new Uint8Array(64 * 1024 * 1024))
console.log('done')
