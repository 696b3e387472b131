/** The inner interface over HTTP: the conformance of every way to a replicator, over a Unix socket and over TCP. */
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { serve } from './http-harness.ts'
import { innerConformance } from './inner-conformance.ts'

const maxRecordBytes = 100_000

const conform = (name: string, over: 'socket' | 'tcp'): void => {
  innerConformance(name, async () => {
    const served = await serve({ over, replicator: await inMemoryReplicator({ maxRecordBytes }), secret: 's3cret' })
    return {
      replicator: served.client(),
      maxRecordBytes,
      ownConnections: true,
      end: served.end,
    }
  })
}

conform('HTTP over a Unix socket', 'socket')
conform('HTTP over TCP', 'tcp')
