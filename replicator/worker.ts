/** The log's thread of the all-in-one: owns the embedded log, so that no fsync ever holds up an answer. */
import { parentPort, workerData } from 'node:worker_threads'
import { known } from '../src/base/assert.ts'
import { parseBodyText, recordText } from '../src/log/body.ts'
import type { InnerReplicator } from '../src/log/inner.ts'
import { openEmbeddedLog } from './embedded-log.ts'
import { inProcessReplicator } from './in-process.ts'
import { type FromWorker, receivedOptions, sentError, type ToWorker } from './messages.ts'

const port = known(parentPort, 'this file runs in a worker')

let outgoing: FromWorker[] = []
const send = (message: FromWorker): void => {
  // After all promises of this turn: the records of a commit and its answers leave together, in order.
  if (outgoing.length === 0) process.nextTick(flush)
  outgoing.push(message)
}
const flush = (): void => {
  const messages = outgoing
  outgoing = []
  port.postMessage(messages)
}

interface SentTail {
  readonly end: () => void
  /** Settles the pushes that the other side has not taken yet, oldest first. */
  readonly takers: (() => void)[]
}
const tails = new Map<number, SentTail>()

const start = async (): Promise<void> => {
  try {
    const options = receivedOptions(workerData)
    const log = openEmbeddedLog(options)
    const replicator = await inProcessReplicator({ log, maxRecordBytes: options.maxRecordBytes, nowMs: Date.now })
    // Sent by `WorkerClient`, which is typed.
    port.on('message', (message: ToWorker) => void receive(replicator, message))
    send({ kind: 'ready', logId: log.logId })
  } catch (error) {
    send({ kind: 'refused', error: sentError(error) })
  }
}

const receive = async (replicator: InnerReplicator, message: ToWorker): Promise<void> => {
  switch (message.kind) {
    case 'append':
      return answer(message.id, async (id) => {
        const { revision } = await replicator.append(message.env, parseBodyText(message.body), message.writeId)
        return { kind: 'appended', id, revision }
      })
    case 'create':
      return answer(message.id, async (id) => {
        await replicator.createEnvironment(message.env, { ephemeral: message.ephemeral })
        return { kind: 'created', id }
      })
    case 'environments':
      return answer(message.id, async (id) => ({ kind: 'environments', id, environments: await replicator.environments() }))
    case 'tail':
      return openTail(replicator, message)
    case 'taken':
      return tails.get(message.tail)?.takers.shift()?.()
    case 'end-tail':
      tails.get(message.tail)?.end()
      tails.delete(message.tail)
      return undefined
    case 'close':
      await replicator.close()
      // What is still to be sent leaves before.
      process.nextTick(() => port.close())
  }
}

const answer = async (id: number, work: (id: number) => Promise<FromWorker>): Promise<void> => {
  try {
    send(await work(id))
  } catch (error) {
    send({ kind: 'failed', id, error: sentError(error) })
  }
}

const openTail = (replicator: InnerReplicator, { tail, env, after }: Extract<ToWorker, { kind: 'tail' }>): void => {
  const takers: (() => void)[] = []
  const failed = (error: unknown): void => {
    tails.delete(tail)
    send({ kind: 'tail-failed', tail, error: sentError(error) })
  }
  try {
    const end = replicator.tail(env, after, {
      async push(records) {
        send({ kind: 'records', tail, records: records.map(({ revision, record }) => ({ revision, text: recordText(record) })) })
        await new Promise<void>((resolve) => {
          takers.push(resolve)
        })
      },
      failed,
    })
    tails.set(tail, { end, takers })
  } catch (error) {
    failed(error)
  }
}

await start()
