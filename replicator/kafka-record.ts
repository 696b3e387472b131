/** A message of the topic as a record of an environment. */
import { createHash } from 'node:crypto'
import { RecordError } from '../src/log/codec.ts'
import { decodedRecord } from '../src/log/encoded.ts'
import { LogError, type RevisedRecord } from '../src/log/log.ts'
import type { Found } from './kafka-link.ts'
import { nativeSha256 } from './native-hash.ts'

/** The name that a message was appended under; null when it is none of ours. */
export const environmentOf = ({ key }: Found): string | null =>
  key === null ? null : Buffer.from(key.buffer, key.byteOffset, key.length).toString()

/** Throws LogError `unreadable` or `corrupted`. Null for a genesis that came second to another: its log never began. */
export const readRecord = (env: string, { offset, value }: Found, logId: string): RevisedRecord | null => {
  const where = `revision ${offset} of environment \`${env}\``
  if (value === null) throw new LogError('corrupted', `${where} has no content`)
  try {
    const record = decodedRecord(value, nativeSha256)
    return record.body.kind === 'genesis' && record.logId !== logId ? null : { revision: offset, record }
  } catch (error) {
    throw decodeFailure(where, error)
  }
}

export const decodeFailure = (where: string, cause: unknown): unknown => {
  if (!(cause instanceof RecordError)) return cause
  // Intact bytes that say nothing known come from a newer version, too.
  const unreadable = cause.code === 'format' || cause.code === 'shape'
  return unreadable
    ? new LogError('unreadable', `${where} cannot be read: ${cause.message}; run a version that knows it`, { cause })
    : new LogError('corrupted', `${where} is damaged: ${cause.message}; restore the environment from a snapshot`, { cause })
}

export const digestOf = (value: Uint8Array | null): string =>
  createHash('sha256')
    .update(value ?? '')
    .digest('hex')
