/** What every log promises. */
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { at } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { apply } from '../../src/log/apply.ts'
import { encodeRecord } from '../../src/log/codec.ts'
import { type Log, LogError, type LogErrorCode, type RevisedRecord } from '../../src/log/log.ts'
import type { LogRecord, RecordBody } from '../../src/log/record.ts'
import { modelStore } from '../support/model-store.ts'
import { facts, insert, logRecord, remove } from '../support/record.ts'

/** One log, opened again and again. */
export interface LogHarness {
  /** The log with all that was appended before, after a clean end or, when `killed`, without one. */
  reopen(killed?: boolean): Promise<Log>
  readonly maxRecordBytes: number
  /** Closes what is open, removes what was made. */
  end(): Promise<void>
}

export const refusal = async (work: Promise<unknown>): Promise<LogErrorCode> => {
  try {
    await work
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
  throw new Error('nothing was refused')
}

export const everything = async (log: Log, env: string, limit = 7): Promise<readonly RevisedRecord[]> => {
  const found: RevisedRecord[] = []
  for (;;) {
    const records = await log.read(env, found.at(-1)?.revision ?? -1, limit)
    if (records.length === 0) return found
    found.push(...records)
  }
}

const note = (writeId: string): LogRecord => logRecord(facts(insert('note', `Text:${writeId}`)), { writeId })
const writeIds = (records: readonly RevisedRecord[]): readonly string[] => records.map(({ record }) => record.writeId)

/** A record with exactly that many encoded bytes. */
const recordOf = (sizeBytes: number): LogRecord => {
  const policy = (length: number): LogRecord => logRecord({ kind: 'policy', source: 'x'.repeat(length), filename: null })
  return policy(sizeBytes - encodeRecord(policy(0)).length)
}

export const logConformance = (name: string, open: () => Promise<LogHarness>): void => {
  describe(`log: ${name}`, () => {
    let harness: LogHarness
    let log: Log
    beforeEach(async () => {
      harness = await open()
      log = await harness.reopen()
    })
    afterEach(async () => {
      await harness.end()
    })

    test('an environment without records', async () => {
      expect(await log.environments()).toEqual([])
      expect(await log.read('none', -1, 10)).toEqual([])
      const { first, last } = await log.bounds('none')
      expect(last).toBe(first - 1)
      expect(log.logId).toMatch(/^[0-9a-zA-Z]+$/)
    })

    test('records come back as they were, in order, from any revision', async () => {
      const records = [
        logRecord({ kind: 'genesis' }, { logId: log.logId }),
        logRecord(facts(insert('p', 'T:\0', 'T:\ufeff😀', 'Integer:7'), remove('p', '*', 'T:*'), insert('q', 'T:é'))),
        logRecord({ kind: 'policy', source: 'actor User {}\n', filename: null }),
        logRecord({ kind: 'policy', source: '', filename: 'a.polar' }),
        logRecord({ kind: 'clear' }),
        logRecord(facts()),
      ]
      const revisions: number[] = []
      for (const record of records) revisions.push(await log.append('e', record))
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
      expect(new Set(revisions).size).toBe(records.length)
      const expected = records.map((record, index) => ({ revision: at(revisions, index), record }))
      expect(await everything(log, 'e')).toEqual(expected)
      for (const [index, revision] of revisions.entries()) expect(await log.read('e', revision, 100)).toEqual(expected.slice(index + 1))
      expect(await log.read('e', at(revisions, 0), 2)).toEqual(expected.slice(1, 3))
      expect(await log.bounds('e')).toEqual({ first: at(revisions, 0), last: at(revisions, 5) })
    })

    test('concurrent appends get one total order, that of the calls', async () => {
      const ids = Array.from({ length: 100 }, (_, index) => `w${index}`)
      const resolved: string[] = []
      const revisions = await Promise.all(
        ids.map(async (id) => {
          const revision = await log.append('e', note(id))
          resolved.push(id)
          return revision
        }),
      )
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
      expect(new Set(revisions).size).toBe(ids.length)
      expect(writeIds(await everything(log, 'e'))).toEqual(ids)
      expect(resolved).toEqual(ids)
    })

    test('environments have revisions of their own', async () => {
      await Promise.all(
        [1, 2, 3].flatMap((step) => ['a', 'b', 'environment with \u{1f600}'].map(async (env) => log.append(env, note(`${env}${step}`)))),
      )
      await log.append('b', note('b4'))
      expect((await log.environments()).toSorted()).toEqual(['a', 'b', 'environment with \u{1f600}'])
      expect(writeIds(await everything(log, 'a'))).toEqual(['a1', 'a2', 'a3'])
      expect(writeIds(await everything(log, 'b'))).toEqual(['b1', 'b2', 'b3', 'b4'])
    })

    test('a repeated write id is kept: telling repetitions apart is for apply', async () => {
      const first = await log.append('e', note('same'))
      expect(await log.append('e', note('same'))).toBeGreaterThan(first)
      expect(writeIds(await everything(log, 'e'))).toEqual(['same', 'same'])
    })

    test('positions outside of the log are refused', async () => {
      const first = await log.append('e', note('a'))
      const last = await log.append('e', note('b'))
      expect(await refusal(log.read('e', first - 2, 10))).toBe('out-of-range')
      expect(await refusal(log.read('e', last + 1, 10))).toBe('out-of-range')
      expect(await log.read('e', last, 10)).toEqual([])
      expect(writeIds(await log.read('e', first - 1, 10))).toEqual(['a', 'b'])
    })

    test('a record at the limit is kept, one byte more is refused and leaves nothing', async () => {
      const largest = recordOf(harness.maxRecordBytes)
      const revision = await log.append('e', largest)
      expect(await refusal(log.append('e', recordOf(harness.maxRecordBytes + 1)))).toBe('too-large')
      expect(await everything(log, 'e')).toEqual([{ revision, record: largest }])
      await log.append('e', note('after'))
      expect(writeIds(await everything(log, 'e'))).toEqual(['write', 'after'])
    })

    test('a read ends after some bytes, but never before the first record', async () => {
      const size = Math.min(harness.maxRecordBytes, Math.floor(limits.readChunkBytes / 2))
      const records = Array.from({ length: 6 }, () => recordOf(size))
      for (const record of records) await log.append('e', record)
      const some = await log.read('e', -1, 100)
      expect(some.length).toBeGreaterThan(0)
      expect(some.length * size).toBeLessThanOrEqual(limits.readChunkBytes + size)
      expect((await everything(log, 'e')).length).toBe(6)
    })

    test('what was appended under one write id twice takes effect once', async () => {
      const own = (body: RecordBody, writeId: string): LogRecord => logRecord(body, { writeId, logId: log.logId })
      const insertion = own(facts(insert('note', 'Text:a')), 'insertion')
      const removal = own(facts(remove('note', 'Text:*')), 'removal')
      // The first answer was lost, and others wrote before the repetition.
      for (const record of [own({ kind: 'genesis' }, 'genesis'), insertion, removal, insertion]) await log.append('e', record)
      const store = modelStore()
      expect(apply(store, await everything(log, 'e'))).toMatchObject({ applied: 2, skipped: 2 })
      expect(store.facts({ predicate: null, args: [] }, false, 10)).toEqual([])
    })

    test('publishes every record in order, before its append is answered, and the head', async () => {
      await log.append('e', note('before'))
      const heard: RevisedRecord[] = []
      const heads: number[] = []
      const end = log.subscribe({
        published: (env, records, head) => {
          if (env !== 'e') return
          heard.push(...records)
          heads.push(head)
        },
        failed: (_env, error) => {
          throw error
        },
      })
      const { last: from } = await log.bounds('e')
      const revisions = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const revision = await log.append('e', note(`w${index}`))
          expect(heard.some((record) => record.revision === revision)).toBe(true)
          return revision
        }),
      )
      expect(await log.read('e', from, 100)).toEqual(heard.filter(({ revision }) => revision > from))
      expect(heard.map(({ revision }) => revision)).toEqual(revisions)
      expect(heads).toEqual(heads.toSorted((a, b) => a - b))
      expect(heads.at(-1)).toBe(revisions.at(-1))
      expect(log.stalenessMs('e')).toBeGreaterThanOrEqual(0)
      end()
      await log.append('e', note('after'))
      expect(heard).toHaveLength(40)
    })

    test('forgets what it is told to, and nothing else', async () => {
      const revisions: number[] = []
      for (const id of ['a', 'b', 'c', 'd', 'f']) revisions.push(await log.append('e', note(id)))
      const [second, third, last] = [at(revisions, 1), at(revisions, 2), at(revisions, 4)]
      await log.trim(log.partitionOf('e'), second)
      expect(await log.bounds('e')).toEqual({ first: second + 1, last })
      expect(writeIds(await log.read('e', second, 10))).toEqual(['c', 'd', 'f'])
      expect(writeIds(await log.read('e', third, 10))).toEqual(['d', 'f'])
      expect(await refusal(log.read('e', second - 1, 10))).toBe('out-of-range')
      expect(await refusal(log.read('e', -1, 10))).toBe('out-of-range')
      // Again, and less far: nothing comes back.
      await log.trim(log.partitionOf('e'), at(revisions, 0))
      expect((await log.bounds('e')).first).toBe(second + 1)
      const next = await log.append('e', note('g'))
      expect(next).toBeGreaterThan(last)
      expect(writeIds(await log.read('e', second, 10))).toEqual(['c', 'd', 'f', 'g'])
    })

    test('forgets everything, and goes on behind it', async () => {
      for (const id of ['a', 'b']) await log.append('e', note(id))
      const { last } = await log.bounds('e')
      await log.trim(log.partitionOf('e'), last)
      expect(await log.bounds('e')).toEqual({ first: last + 1, last })
      expect(await log.read('e', last, 10)).toEqual([])
      const next = await log.append('e', note('c'))
      expect(next).toBeGreaterThan(last)
      expect(writeIds(await log.read('e', last, 10))).toEqual(['c'])
    })

    test('a closed log refuses, after it finished what it had accepted', async () => {
      const appended = Promise.all(['a', 'b', 'c'].map(async (id) => log.append('e', note(id))))
      await log.close()
      expect(await appended).toHaveLength(3)
      expect(await refusal(log.append('e', note('d')))).toBe('unavailable')
      expect(await refusal(log.read('e', -1, 10))).toBe('unavailable')
      expect(await refusal(log.trim('e', 0))).toBe('unavailable')
      await log.close()
    })
  })
}

/** What every log promises that outlives its process. */
export const logDurabilityConformance = (name: string, open: () => Promise<LogHarness>): void => {
  describe(`durable log: ${name}`, () => {
    test.each([
      ['a clean end', false],
      ['no end at all', true],
    ])('what was acknowledged is there after %s', async (_name, killed) => {
      const harness = await open()
      onTestFinished(() => harness.end())
      const log = await harness.reopen()
      const ids = Array.from({ length: 30 }, (_, index) => `w${index}`)
      const expected = await Promise.all(ids.map(async (id) => ({ revision: await log.append('e', note(id)), record: note(id) })))
      await log.append('f', note('other'))
      const again = await harness.reopen(killed)
      expect(again.logId).toBe(log.logId)
      expect((await again.environments()).toSorted()).toEqual(['e', 'f'])
      expect(await everything(again, 'e')).toEqual(expected)
      const next = await again.append('e', note('next'))
      expect(next).toBeGreaterThan(at(expected, 29).revision)
      expect(await again.bounds('e')).toEqual({ first: at(expected, 0).revision, last: next })
    })

    test.each([
      ['a clean end', false],
      ['no end at all', true],
    ])('what was forgotten stays so, and positions are never used again, after %s', async (_name, killed) => {
      const harness = await open()
      onTestFinished(() => harness.end())
      const log = await harness.reopen()
      for (const id of ['a', 'b', 'c']) for (const env of ['e', 'f']) await log.append(env, note(id))
      const { last } = await log.bounds('e')
      await log.trim(log.partitionOf('e'), last)
      const again = await harness.reopen(killed)
      expect((await again.bounds('e')).first).toBe(last + 1)
      expect(await refusal(again.read('e', last - 1, 10))).toBe('out-of-range')
      const next = await again.append('e', note('d'))
      expect(next).toBeGreaterThan(last)
      expect(writeIds(await again.read('e', next - 1, 10))).toEqual(['d'])
    })
  })
}
