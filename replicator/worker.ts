/** The replicator's thread of the all-in-one: owns the embedded log and publishes, so that neither an fsync nor a snapshot ever holds up an answer. */
import { parentPort, workerData } from 'node:worker_threads'
import { compileModules } from '../snapshots/node/stores.ts'
import { known } from '../src/base/assert.ts'
import { parseBodyText } from '../src/log/body.ts'
import { encodedText } from '../src/log/encoded.ts'
import type { InnerReplicator, InnerSnapshot } from '../src/log/inner.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { WriteLogLine } from '../src/ops/log-line.ts'
import { settings } from '../src/ops/settings.ts'
import type { ReplicatorSettings } from './hosting.ts'
import { type FromWorker, type SentRecord, type SentSnapshot, sentError, type ToWorker, type WorkerOptions } from './messages.ts'
import { openReplicator } from './open-replicator.ts'
import { type Proof, prove } from './proof.ts'
import type { Replicator } from './replicator.ts'
import { threadClockMs } from './thread-clock.ts'

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
  port.postMessage(messages, messages.flatMap(handedOver))
}

const handedOver = (message: FromWorker): readonly ArrayBuffer[] => {
  const buffer = message.kind === 'snapshot' ? message.snapshot?.bytes.buffer : undefined
  return buffer instanceof ArrayBuffer ? [buffer] : []
}

/** `through`: what was sent. */
interface SentTail extends Proof {
  readonly env: string
  end: () => void
  /** Settles the pushes that the other side has not taken yet, oldest first. */
  readonly takers: (() => void)[]
}
const tails = new Map<number, SentTail>()

const start = async (): Promise<void> => {
  try {
    // Handed over by `startThread`, which is typed.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const options = workerData as WorkerOptions
    const replicator = await open(options)
    // Sent by `WorkerClient`, which is typed.
    port.on('message', (message: ToWorker) => void receive(replicator, message))
    const sole = options.place === undefined || options.place.kind === 'embedded'
    send({ kind: 'ready', logId: replicator.status().logId, sole })
    every(MEASURE_MS, () => send({ kind: 'measured', measurements: replicator.measure() }))
    if (!sole) every(SEEN_MS, () => void tellSeen(replicator))
  } catch (error) {
    send({ kind: 'refused', error: sentError(error) })
  }
}

const open = async ({
  engine = '0.0.0',
  place = { kind: 'embedded' },
  store = null,
  modules,
  settings: own,
  ...options
}: WorkerOptions) => {
  const log: WriteLogLine = (level, event, fields = {}) => send({ kind: 'logged', level, event, fields })
  return openReplicator({
    ...options,
    place,
    store,
    engine,
    log,
    modules: modules ?? (await compileModules()),
    settings: { ...defaults, ...own },
  })
}

const defaults: ReplicatorSettings = {
  appliedWaitMs: settings.appliedWaitMs.default,
  deltaIntervalMs: settings.deltaIntervalMs.default,
  heartbeatMs: settings.heartbeatMs.default,
  retainedSnapshots: settings.retainedSnapshots.default,
  snapshotIntervalMs: settings.snapshotIntervalMs.default,
  snapshotRecords: settings.snapshotRecords.default,
  trim: settings.trim.default,
}

/** The other side exports it. */
const MEASURE_MS = 1000

/** How old what the other side knows of the head may get. */
const SEEN_MS = 100

const every = (intervalMs: number, work: () => void): void => {
  work()
  setInterval(work, intervalMs).unref()
}

const tellSeen = async (replicator: Replicator): Promise<void> => {
  // A replicator that is closed tells nothing: the ages grow.
  if (replicator.status().state !== 'running') return
  // The ages first: the heads that are read afterwards are at least what the ages speak of.
  const atMs = threadClockMs()
  const asOf = new Map(Array.from(tails.values(), ({ env }) => [env, replicator.stalenessMs(env)]))
  const lasts = new Map((await replicator.environments()).map(({ env, last }) => [env, last]))
  const ages = Array.from(tails.values()).flatMap((tail) => {
    const ageMs = asOf.get(tail.env) ?? null
    prove(tail, lasts.get(tail.env) ?? null, ageMs === null ? null : atMs - ageMs)
    return tail.freshAsOfMs === null ? [] : [[tail.env, Math.max(0, atMs - tail.freshAsOfMs)] as const]
  })
  send({ kind: 'seen', atMs, ages })
}

const receive = async (replicator: InnerReplicator, message: ToWorker): Promise<void> => {
  // Everything else is of a tail, or the end.
  if ('id' in message) return answer(replicator, message)
  switch (message.kind) {
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

type Question = Extract<ToWorker, { readonly id: number }>

const answer = async (replicator: InnerReplicator, question: Question): Promise<void> => {
  try {
    send(await answerTo(replicator, question))
  } catch (error) {
    send({ kind: 'failed', id: question.id, error: sentError(error) })
  }
}

const answerTo = async (replicator: InnerReplicator, question: Question): Promise<FromWorker> => {
  const { kind, id } = question
  switch (kind) {
    case 'append':
      return { kind: 'appended', id, ...(await replicator.append(question.env, parseBodyText(question.body), question.writeId)) }
    case 'create': {
      const { env, ephemeral, partition } = question
      await replicator.createEnvironment(env, { ephemeral, ...(partition !== null && { partition }) })
      return { kind: 'done', id }
    }
    case 'delete':
      await replicator.deleteEnvironment(question.env)
      return { kind: 'done', id }
    case 'snapshot':
      return { kind, id, snapshot: await sentSnapshot(await replicator.snapshot(question.env)) }
    case 'publish':
      return { kind: 'published', id, ...(await replicator.publish(question.env)) }
    case 'restore':
      return { kind: 'appended', id, ...(await replicator.restore(question.env, question.revision)) }
    case 'environments':
      return { kind, id, environments: await replicator.environments() }
  }
}

const sentSnapshot = async (snapshot: InnerSnapshot | null): Promise<SentSnapshot | null> => {
  if (snapshot === null) return null
  const { chunks, ...rest } = snapshot
  const bytes = new Uint8Array(snapshot.rawBytes)
  let filled = 0
  for await (const chunk of chunks) {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  return { ...rest, bytes }
}

const openTail = (replicator: InnerReplicator, { tail, env, after }: Extract<ToWorker, { kind: 'tail' }>): void => {
  const takers: (() => void)[] = []
  const sent: SentTail = { env, end: () => {}, takers, through: after, target: null, freshAsOfMs: null }
  const failed = (error: unknown): void => {
    tails.delete(tail)
    send({ kind: 'tail-failed', tail, error: sentError(error) })
  }
  try {
    const end = replicator.tail(env, after, {
      async push(records, through) {
        sent.through = through
        send({ kind: 'records', tail, records: records.map(sentRecord), through })
        await new Promise<void>((resolve) => {
          takers.push(resolve)
        })
      },
      failed,
    })
    tails.set(tail, Object.assign(sent, { end }))
  } catch (error) {
    failed(error)
  }
}

const sentRecord = ({ revision, record }: RevisedRecord): SentRecord => {
  const { buffer, byteOffset, length } = encodedText(record)
  return { revision, text: Buffer.from(buffer, byteOffset, length).toString() }
}

await start()
