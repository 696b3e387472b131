/** The speed of cells: real processes on loopback, with a Kafka broker and an S3 server that have to share the machine with them. */
import type { Serving } from './cell.ts'
import { Cluster } from './cluster.ts'
import type { Figure } from './figure.ts'
import { type GithubShape, githubFacts } from './github.ts'
import { Reference } from './reference.ts'
import { imageFigures } from './replication-image.ts'
import { ingest } from './replication-ingest.ts'
import { publishFigures, readFigures } from './replication-reads.ts'
import { allInOneFigures, cellFigures, runtimeFigures } from './replication-start.ts'
import { writeFigures } from './replication-writes.ts'

export interface ReplicationOptions {
  readonly size: string
  readonly shape: GithubShape
  readonly report: (figures: readonly Figure[]) => void
}

export const replicationFigures = async ({ size, shape, report }: ReplicationOptions): Promise<void> => {
  const cluster = await Cluster.start()
  try {
    const replicator = await cluster.replicator('one')
    const runtime = await cluster.runtime('one')
    const cell = { size, replicator, runtime }
    say('ingest')
    report(await ingest(cell, shape))
    const reference = new Reference(githubFacts(shape))
    say('writes')
    report(await writeFigures(size, [runtime]))
    say('reads')
    report(await readFigures(cell, reference))
    report(await publishFigures(cell, reference))
    say('three cells')
    report(await threeCells(cluster, size, runtime))
    say('starts')
    report(await runtimeFigures(cluster, cell, reference))
    report(await cellFigures(cluster, size, reference))
    report(await allInOneFigures(cluster, { size, shape, reference }))
  } finally {
    await cluster.stop()
  }
  report(await imageFigures(size, shape))
}

/** The others begin with what the first one shared. */
const threeCells = async (cluster: Cluster, size: string, first: Serving): Promise<Figure[]> => {
  const started = []
  for (const name of ['two', 'three']) started.push(await cluster.replicator(name), await cluster.runtime(name))
  const others = started.filter((process) => 'port' in process)
  try {
    return await writeFigures(size, [first, ...others])
  } finally {
    await Promise.all(started.map((process) => process.stop()))
  }
}

const say = (part: string): void => void process.stderr.write(`replication: ${part}\n`)
