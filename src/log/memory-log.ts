/** A log in memory: for tests, and for environments that end with the process. */
import { at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { decodeRecord, encodeRecord } from './codec.ts'
import { type Log, LogError, type RevisedRecord } from './log.ts'
import { outOfRange, tooLarge } from './log-errors.ts'

export interface MemoryLogOptions {
  readonly logId: string
  /** Encoded bytes. */
  readonly maxRecordBytes?: number
}

/** Everything is lost when the last reference goes. Records are kept encoded, so that no reader shares them. */
export const createMemoryLog = ({ logId, maxRecordBytes = limits.developmentRecordBytes }: MemoryLogOptions): Log => {
  const environments = new Map<string, Uint8Array[]>()
  let open = true
  const recordsOf = (env: string): readonly Uint8Array[] => environments.get(env) ?? []
  const usable = (): void => {
    if (!open) throw new LogError('unavailable', 'the log is closed')
  }

  return {
    logId,
    async append(env, record) {
      usable()
      const bytes = encodeRecord(record)
      if (bytes.length > maxRecordBytes) throw tooLarge(bytes.length, maxRecordBytes)
      const records = environments.get(env) ?? []
      environments.set(env, records)
      return records.push(bytes) - 1
    },
    async read(env, after, limit) {
      usable()
      const records = recordsOf(env)
      if (after < -1 || after >= records.length) throw outOfRange(env, after, { first: 0, last: records.length - 1 })
      const found: RevisedRecord[] = []
      let sizeBytes = 0
      for (let revision = after + 1; revision < records.length && found.length < limit && sizeBytes < limits.readChunkBytes; revision++) {
        const bytes = at(records, revision)
        sizeBytes += bytes.length
        found.push({ revision, record: decodeRecord(bytes) })
      }
      return found
    },
    async bounds(env) {
      usable()
      return { first: 0, last: recordsOf(env).length - 1 }
    },
    async environments() {
      usable()
      return [...environments.keys()]
    },
    async close() {
      open = false
    },
  }
}
