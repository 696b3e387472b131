/** The inner interface without a thread, over the log in memory and over the embedded one. */

import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { limits } from '../../src/base/limits.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'
import { innerConformance } from './inner-conformance.ts'

innerConformance('in memory', async () => {
  const replicator = await inMemoryReplicator()
  return { replicator, maxRecordBytes: limits.developmentRecordBytes, end: () => replicator.close() }
})

innerConformance('in this thread', async () => {
  const directory = makeDirectory()
  const log = openEmbeddedLog({ directory, maxRecordBytes: limits.recordBytes })
  const replicator = await inMemoryReplicator({ log, maxRecordBytes: limits.recordBytes })
  const end = async (): Promise<void> => {
    await replicator.close()
    removeDirectory(directory)
  }
  return { replicator, maxRecordBytes: limits.recordBytes, end }
})
