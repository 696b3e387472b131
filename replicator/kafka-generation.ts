/** Which log a topic holds: the log id of its genesis, the first record of the environment `control` in the first partition. */
import { decodeRecord, encodeRecord } from '../src/log/codec.ts'
import { controlEnvironment } from '../src/log/control.ts'
import { LogError } from '../src/log/log.ts'
import type { LogRecord } from '../src/log/record.ts'
import type { Pauses } from './kafka-deadline.ts'
import type { Found, PartitionLink, Watermarks } from './kafka-link.ts'
import { decodeFailure } from './kafka-record.ts'

export interface GenerationOptions {
  /** To the first partition. */
  readonly link: PartitionLink
  readonly topic: string
  /** From snapshots; null when there are none. */
  readonly known: string | null
  readonly newId: () => string
  readonly nowMs: () => number
  readonly pauses: Pauses
}

const APPEND_MS = 4000
/** How long a topic is not believed to be empty whose log is known: a leader that has just started tells only what its replicas confirm anew. */
const EMPTY_MS = 5000
const LOOK_MS = 200
const FETCH_BYTES = 1024 * 1024

/** The topic's log id, which is `known` unless that is null. An empty topic gets a genesis when no log is known; of several the first one wins.
 * Throws LogError `diverged` when the topic holds another log, `corrupted` when it holds none. */
export const openGeneration = async (options: GenerationOptions): Promise<string> => {
  const { link, topic, known, pauses } = options
  const watermarks = await (known === null ? link.watermarks() : notEmpty(link, pauses))
  const found = await firstLogId(link, watermarks, topic)
  if (found !== null) {
    if (known === null || known === found) return found
    throw diverged(topic, `holds log \`${found}\`, this replicator follows log \`${known}\``)
  }
  if (watermarks.low > 0) {
    if (known !== null) return known
    throw diverged(topic, 'was trimmed and its first partition is empty, so that its log cannot be told without a snapshot')
  }
  if (known !== null) throw diverged(topic, `is empty, this replicator follows log \`${known}\``)
  return beginLog(options)
}

/** Empty ones after a while. */
const notEmpty = async (link: PartitionLink, pauses: Pauses): Promise<Watermarks> => {
  const until = performance.now() + EMPTY_MS
  for (;;) {
    const watermarks = await link.watermarks()
    if (watermarks.high > 0 || performance.now() > until) return watermarks
    await pauses.pass(LOOK_MS)
  }
}

const beginLog = async ({ link, topic, newId, nowMs }: GenerationOptions): Promise<string> => {
  const logId = newId().replaceAll('-', '')
  const genesis: LogRecord = { format: 1, logId, writeId: newId(), appendedAtMs: nowMs(), body: { kind: 'genesis' } }
  const message = { key: Buffer.from(controlEnvironment), value: Buffer.from(encodeRecord(genesis)) }
  await link.append([message], APPEND_MS, nowMs())
  const first = await firstLogId(link, await link.watermarks(), topic)
  if (first === null) throw new LogError('corrupted', `topic \`${topic}\` lost its first record right after that was acknowledged`)
  return first
}

/** Of the first retained record that tells; null when there is none. */
const firstLogId = async (link: PartitionLink, { low, high }: Watermarks, topic: string): Promise<string | null> => {
  for (let from = low; from < high; ) {
    const { messages } = await link.fetch(from, 0, FETCH_BYTES)
    const last = messages.at(-1)
    if (last === undefined) throw new Error('the leader of the first partition does not tell what is durable')
    for (const message of messages) {
      const logId = logIdOf(message, topic)
      if (logId !== null) return logId
    }
    from = last.offset + 1
  }
  return null
}

const logIdOf = ({ offset, key, value }: Found, topic: string): string | null => {
  const where = `offset ${offset} of the first partition of topic \`${topic}\``
  if (key === null || value === null) {
    if (offset > 0) return null
    throw new LogError('corrupted', `${where} is no record of Arctos: choose another topic prefix`)
  }
  let record: LogRecord
  try {
    record = decodeRecord(value)
  } catch (error) {
    throw decodeFailure(where, error)
  }
  const isGenesis = record.body.kind === 'genesis'
  if (offset === 0 && !(isGenesis && Buffer.from(key).toString() === controlEnvironment)) {
    throw new LogError('corrupted', `${where} is no genesis of environment \`${controlEnvironment}\`: choose another topic prefix`)
  }
  // A later genesis came second: its log never began. Records behind it tell.
  return offset > 0 && isGenesis ? null : record.logId
}

const diverged = (topic: string, what: string): LogError =>
  new LogError(
    'diverged',
    `topic \`${topic}\` ${what}; bring back the topic that belongs to this data directory and object store, or start anew with empty ones`,
  )
