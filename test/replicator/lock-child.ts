/** A process that has a data directory, and does nothing with it until it is killed. */
import { writeSync } from 'node:fs'
import { startReplicatorWorker } from '../../replicator/worker-client.ts'
import { limits } from '../../src/base/limits.ts'

const replicator = await startReplicatorWorker({ directory: process.argv[2] ?? '', maxRecordBytes: limits.recordBytes })
await replicator.createEnvironment('a')
writeSync(1, 'ready\n')
