/** Holds the lock of a folder until it is killed. */
import { join } from 'node:path'
import { FolderLock } from '../../../snapshots/node/folder-lock.ts'

await new FolderLock(join(process.argv[2] ?? '', '.lock')).alone(async () => {
  console.log('locked')
  await new Promise((resolve) => {
    setTimeout(resolve, 600_000)
  })
})
