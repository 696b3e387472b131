/** The process that the kill test kills: appends without end, and says which records were acknowledged. */
import { writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { startReplicatorWorker } from '../../replicator/worker-client.ts'
import { limits } from '../../src/base/limits.ts'
import { facts, insert } from '../support/record.ts'

const [directory = '', round = ''] = process.argv.slice(2)
// Synchronous: what was said is in the pipe, whatever happens next.
const say = (line: string): void => {
  writeSync(1, `${line}\n`)
}

const replicator = await startReplicatorWorker({ directory, maxRecordBytes: limits.recordBytes })
await replicator.createEnvironment('a')
await replicator.createEnvironment('b')
say('ready')
const appender = async (name: number): Promise<void> => {
  const env = name % 2 === 0 ? 'a' : 'b'
  for (let index = 0; ; index++) {
    const writeId = `${round}-${name}-${index}`
    // Of all sizes, so that commits end in the middle of a page and records span pages.
    const body = facts(...Array.from({ length: 1 + ((index * 7) % 20) }, (_, fact) => insert('note', `Text:${writeId}-${fact}`)))
    const { revision } = await replicator.append(env, body, writeId)
    say(`${env} ${revision} ${writeId}`)
    // Slow enough for the listener to kill it where it means to.
    await wait(1)
  }
}
await Promise.all([0, 1, 2, 3, 4, 5].map(appender))
