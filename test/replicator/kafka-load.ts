/** Appends that go on while brokers are lost, and what must have become of them. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { at, known } from '../../src/base/assert.ts'
import { LogError, type PartitionedLog, type RevisedRecord } from '../../src/log/log.ts'
import type { LogRecord } from '../../src/log/record.ts'
import { everything } from '../log/log-conformance.ts'
import type { Heard } from '../support/published.ts'
import { facts, insert, logRecord } from '../support/record.ts'

export const note = (writeId: string): LogRecord => logRecord(facts(insert('note', `Text:${writeId}`)), { writeId })

export const writeIds = (records: readonly RevisedRecord[]): readonly string[] => records.map(({ record }) => record.writeId)

/** Null when it is not known to be in the log. */
const tried = async (log: PartitionedLog, env: string, writeId: string): Promise<number | null> => {
  try {
    return await log.append(env, note(writeId))
  } catch (error) {
    if (error instanceof LogError && ['unavailable', 'unknown-outcome'].includes(error.code)) return null
    throw error
  }
}

const AGAIN_MS = 20
const TRIES = 2000

/** Again under its write id as long as it is not known to be in the log. */
export const appended = async (log: PartitionedLog, env: string, writeId: string): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const revision = await tried(log, env, writeId)
    if (revision !== null) return revision
    await pause(AGAIN_MS)
  }
  throw new Error(`\`${writeId}\` was not taken`)
}

interface Acknowledged {
  readonly writeId: string
  readonly revision: number
}

interface Appender {
  readonly env: string
  readonly acknowledged: readonly Acknowledged[]
}

export interface Load {
  readonly appenders: readonly Appender[]
  /** Resolves when each has appended so many more. */
  more(count: number): Promise<void>
  end(): Promise<void>
}

/** One record after the other, by several at once in each environment; they are given by name, with their partitions. */
export const startLoad = async (log: PartitionedLog, placed: Readonly<Record<string, number>>): Promise<Load> => {
  for (const [env, partition] of Object.entries(placed)) log.assign(env, partition)
  for (const env of Object.keys(placed)) await log.bounds(env)
  let open = true
  onTestFinished(() => {
    open = false
  })
  const start = (env: string, name: string) => {
    const acknowledged: Acknowledged[] = []
    const run = async (): Promise<void> => {
      while (open) {
        const writeId = `${name}-${acknowledged.length}`
        const revision = await tried(log, env, writeId)
        if (revision !== null) acknowledged.push({ writeId, revision })
        // Not at once: the brokers need the processors to find one another again.
        await pause(revision === null ? AGAIN_MS : 5)
      }
    }
    return { env, acknowledged, ended: run() }
  }
  const appenders = Object.keys(placed).flatMap((env) => ['x', 'y', 'z'].map((name) => start(env, `${env}${name}`)))
  return {
    appenders,
    async more(count) {
      const goals = appenders.map(({ acknowledged }) => acknowledged.length + count)
      const enough = (): boolean => appenders.every(({ acknowledged }, index) => acknowledged.length >= at(goals, index))
      await expect.poll(enough, { timeout: 50_000 }).toBe(true)
    },
    async end() {
      open = false
      for (const { ended } of appenders) await ended
    },
  }
}

/** Everything acknowledged is in its place, in the order in which it was appended, and was heard in the order of the log. */
export const checkKept = async ({ appenders }: Load, log: PartitionedLog, heard: Heard): Promise<void> => {
  for (const env of new Set(appenders.map((appender) => appender.env))) {
    const records = await everything(log, env, 1000)
    const byRevision = new Map(records.map(({ revision, record }) => [revision, record.writeId]))
    for (const { acknowledged } of appenders.filter((each) => each.env === env)) {
      for (const { writeId, revision } of acknowledged) expect([revision, byRevision.get(revision)]).toEqual([revision, writeId])
      // What was appended twice came in its place the first time.
      const own = new Set(acknowledged.map(({ writeId }) => writeId))
      const firsts = [...new Set(writeIds(records))].filter((writeId) => own.has(writeId))
      expect(firsts).toEqual(acknowledged.map(({ writeId }) => writeId))
    }
    await heard.until(() => heard.head(env) >= known(records.at(-1), 'a record').revision)
    expect(heard.records(env)).toEqual(records)
    expect(heard.failure(env)).toBeNull()
  }
}
