/** What every way to a replicator promises a runtime. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { at, Bug, known } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import type { EnvironmentStatus, InnerReplicator, InnerSnapshot, TailReader } from '../../src/log/inner.ts'
import { LogError, type RevisedRecord } from '../../src/log/log.ts'
import type { RecordBody } from '../../src/log/record.ts'
import { refusal } from '../log/log-conformance.ts'
import { facts, insert } from '../support/record.ts'

export interface InnerHarness {
  readonly replicator: InnerReplicator
  readonly maxRecordBytes: number
  /** Appends travel on connections of their own: those of one turn keep neither their order nor their company. */
  readonly ownConnections?: true
  end(): Promise<void>
}

export interface Reader extends TailReader {
  readonly records: readonly RevisedRecord[]
  readonly pushes: readonly number[]
  readonly failures: readonly unknown[]
  /** Resolves when that many records have come. */
  count(records: number): Promise<void>
  failure(): Promise<unknown>
}

/** Keeps what is pushed; `taken` says when a push is done with. */
export const reader = (taken: () => Promise<void> | undefined = () => undefined): Reader => {
  const records: RevisedRecord[] = []
  const pushes: number[] = []
  const failures: unknown[] = []
  return {
    records,
    pushes,
    failures,
    push(found) {
      records.push(...found)
      pushes.push(found.length)
      return taken()
    },
    failed(error) {
      failures.push(error)
    },
    count: async (expected) => vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(expected), { timeout: 20_000, interval: 1 }),
    failure: async () => vi.waitFor(() => at(failures, 0), { timeout: 20_000, interval: 1 }),
  }
}

export const note = (id: string): RecordBody => facts(insert('note', `Text:${id}`))

const imageOf = async ({ chunks }: InnerSnapshot): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

/** All but `control`. */
export const ownEnvironments = async (replicator: InnerReplicator): Promise<readonly EnvironmentStatus[]> =>
  (await replicator.environments()).filter(({ env }) => env !== controlEnvironment)

const writeIds = (records: readonly RevisedRecord[]): readonly string[] => records.map(({ record }) => record.writeId)
const ids = (count: number, prefix = 'w'): readonly string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

const byNumber = (a: string, b: string): number => Number(a.slice(1)) - Number(b.slice(1))

export const innerConformance = (name: string, open: () => Promise<InnerHarness>): void => {
  describe(`inner interface: ${name}`, () => {
    let harness: InnerHarness
    let replicator: InnerReplicator
    beforeEach(async () => {
      harness = await open()
      replicator = harness.replicator
      await replicator.createEnvironment('e')
    })
    afterEach(async () => {
      await harness.end()
    })

    const appendAll = async (env: string, all: readonly string[]): Promise<readonly number[]> =>
      Promise.all(all.map(async (id) => (await replicator.append(env, note(id), id)).revision))

    test('an environment begins with its genesis and is made once', async () => {
      await Promise.all([replicator.createEnvironment('f'), replicator.createEnvironment('f'), replicator.createEnvironment('e')])
      expect(await ownEnvironments(replicator)).toEqual([
        { env: 'e', ephemeral: false, first: 0, last: 0 },
        { env: 'f', ephemeral: false, first: 0, last: 0 },
      ])
      const read = reader()
      replicator.tail('f', -1, read)
      await read.count(1)
      expect(read.records).toMatchObject([{ revision: 0, record: { logId: replicator.status().logId, body: { kind: 'genesis' } } }])
    })

    test('records arrive whole', async () => {
      const read = reader()
      replicator.tail('e', 0, read)
      const body = facts(insert('p', 'T:\0', 'T:\ufeff😀', 'T:"\\\n'))
      const { revision } = await replicator.append('e', body, 'w')
      expect(read.records).toEqual([
        { revision, record: { format: 1, logId: replicator.status().logId, writeId: 'w', appendedAtMs: expect.any(Number), body } },
      ])
    })

    test('a record is pushed before its append is answered', async () => {
      const read = reader()
      replicator.tail('e', -1, read)
      // The promise begins where the reader has caught up: until then records come at the pace of its reading.
      await read.count(1)
      await replicator.append('e', note('settled'), 'settled')
      await read.count(2)
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
      await Promise.all(
        ids(200).map(async (id) => {
          const { revision } = await replicator.append('e', note(id), id)
          // On connections of their own, what is sent first may arrive last: whoever writes waits for its own replica.
          if (harness.ownConnections === undefined) expect(read.records.at(-1)?.revision).toBeGreaterThanOrEqual(revision)
        }),
      )
      await read.count(202)
      const found = writeIds(read.records.slice(2))
      expect(harness.ownConnections ? found.toSorted(byNumber) : found).toEqual(ids(200))
    })

    test('appends of one turn arrive in few pushes', async () => {
      const read = reader()
      replicator.tail('e', 0, read)
      await appendAll('e', ids(100))
      expect(read.records).toHaveLength(100)
      if (harness.ownConnections === undefined) expect(read.pushes.length).toBeLessThan(50)
    })

    test('a tail that starts under load misses nothing and repeats nothing', async () => {
      const readers: Reader[] = []
      const load = Promise.all(
        ids(8, 'appender').map(async (appender) => {
          for (const id of ids(60, `${appender}-`)) await replicator.append('e', note(id), id)
        }),
      )
      for (const step of ids(12)) {
        const read = reader()
        readers.push(read)
        const after = readers.length % 3 === 0 ? 0 : -1
        replicator.tail('e', after, read)
        await replicator.append('e', note(step), step)
      }
      await load
      const all = reader()
      replicator.tail('e', 0, all)
      await all.count(8 * 60 + 12)
      expect(all.records.map(({ revision }) => revision)).toEqual(Array.from({ length: 8 * 60 + 12 }, (_, index) => index + 1))
      for (const read of readers) {
        await read.count(8 * 60 + 12)
        expect(writeIds(read.records).slice(-(8 * 60 + 12))).toEqual(writeIds(all.records))
        expect(new Set(writeIds(read.records)).size).toBe(read.records.length)
      }
    })

    test('a tail that starts in the middle of an append gets its record once', async () => {
      for (let turns = 0; turns < 10; turns++) {
        const env = `e${turns}`
        await replicator.createEnvironment(env)
        const appended = appendAll(env, ['a', 'b'])
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        const read = reader()
        replicator.tail(env, -1, read)
        await appended
        await replicator.append(env, note('c'), 'c')
        await read.count(4)
        expect(writeIds(read.records).slice(1)).toEqual(['a', 'b', 'c'])
        expect(read.failures).toEqual([])
      }
    })

    test('a slow reader gets everything, a bounded number of pushes at a time', async () => {
      let untaken = 0
      let most = 0
      const slow = reader(async () => {
        most = Math.max(most, ++untaken)
        await new Promise((resolve) => {
          setTimeout(resolve, 5)
        })
        untaken--
      })
      replicator.tail('e', 0, slow)
      for (const id of ids(300)) await replicator.append('e', note(id), id)
      await slow.count(300)
      expect(writeIds(slow.records)).toEqual(ids(300))
      expect(most).toBeLessThanOrEqual(16)
    })

    test('an ended tail gets nothing more', async () => {
      const read = reader()
      const end = replicator.tail('e', 0, read)
      await replicator.append('e', note('a'), 'a')
      end()
      await replicator.append('e', note('b'), 'b')
      end()
      expect(writeIds(read.records)).toEqual(['a'])
      expect(read.failures).toEqual([])
    })

    test('a position outside of the log fails the tail', async () => {
      for (const after of [-2, 1, 100]) {
        const read = reader()
        replicator.tail('e', after, read)
        expect(await read.failure()).toMatchObject({ name: 'LogError', code: 'out-of-range' })
        expect(read.records).toEqual([])
      }
    })

    test('a reader that throws loses its tail, and only that', async () => {
      const other = reader()
      replicator.tail('e', 0, other)
      const failing = [
        reader(() => {
          throw new Bug('thrown')
        }),
        reader(() => Promise.reject(new Bug('rejected'))),
      ]
      for (const read of failing) replicator.tail('e', 0, read)
      await replicator.append('e', note('a'), 'a')
      expect(await at(failing, 0).failure()).toMatchObject({ message: 'thrown' })
      expect(await at(failing, 1).failure()).toMatchObject({ message: 'rejected' })
      await replicator.append('e', note('b'), 'b')
      expect(failing.map(({ records }) => records.length)).toEqual([1, 1])
      expect(writeIds(other.records)).toEqual(['a', 'b'])
    })

    test('a record that is too large is refused, and nothing is wrong with the log', async () => {
      const large: RecordBody = { kind: 'policy', source: 'x'.repeat(harness.maxRecordBytes), filename: null }
      expect(await refusal(replicator.append('e', large, 'w'))).toBe('too-large')
      expect(replicator.status()).toEqual({ state: 'running', logId: replicator.status().logId, problem: null, pending: 0 })
      expect((await replicator.append('e', note('a'), 'a')).revision).toBe(1)
    })

    test('an environment that was never made is unknown', async () => {
      expect(await refusal(replicator.append('none', note('a'), 'a'))).toBe('unknown-environment')
      expect(await refusal(replicator.snapshot('none'))).toBe('unknown-environment')
      expect(replicator.status().problem).toBeNull()
    })

    test('an ephemeral environment is like any other', async () => {
      await replicator.createEnvironment('test', { ephemeral: true })
      const read = reader()
      replicator.tail('test', -1, read)
      await appendAll('test', ids(20))
      await appendAll('e', ids(3))
      expect(writeIds(read.records.slice(1))).toEqual(ids(20))
      expect(await ownEnvironments(replicator)).toEqual([
        { env: 'e', ephemeral: false, first: 0, last: 3 },
        { env: 'test', ephemeral: true, first: 0, last: 20 },
      ])
    })

    test('a snapshot and the tail behind it are everything, once', async () => {
      await appendAll('e', ids(30))
      const snapshot = known(await replicator.snapshot('e'), 'a durable environment has a snapshot')
      expect(snapshot).toMatchObject({ revision: 30, through: 30, stateHash: expect.stringMatching(/^[0-9a-f]{32}$/) })
      const image = await imageOf(snapshot)
      expect(image).toHaveLength(snapshot.rawBytes)
      expect(new TextDecoder().decode(image.subarray(0, 15))).toBe('SQLite format 3')
      const read = reader()
      replicator.tail('e', snapshot.through, read)
      await appendAll('e', ids(3, 'x'))
      await read.count(3)
      expect(read.records.map(({ revision }) => revision)).toEqual([31, 32, 33])
      await replicator.createEnvironment('test', { ephemeral: true })
      expect(await replicator.snapshot('test')).toBeNull()
    })

    test('publishes on demand', async () => {
      await appendAll('e', ids(3))
      const published = await replicator.publish('e')
      expect(published).toEqual({
        revision: 3,
        coveredThrough: 3,
        key: expect.stringMatching(/^e\/snapshots\/3-[0-9a-f]{64}\.sqlite\.gz$/),
      })
      // Nothing came since: it is the same object.
      expect(await replicator.publish('e')).toEqual(published)
      expect(await refusal(replicator.publish('none'))).toBe('unknown-environment')
    })

    test('restores a revision, for whoever reads', async () => {
      const [first = -1] = await appendAll('e', ids(1))
      const { stateHash } = known(await replicator.snapshot('e'), 'a snapshot')
      await appendAll('e', ids(5, 'x'))
      const read = reader()
      replicator.tail('e', first, read)
      const { revision } = await replicator.restore('e', first)
      await read.count(6)
      expect(read.records.at(-1)).toMatchObject({ revision, record: { body: { kind: 'restore', revision: first } } })
      expect(await replicator.snapshot('e')).toMatchObject({ revision, stateHash })
      expect(await refusal(replicator.restore('e', revision + 1))).toBe('out-of-range')
      expect(await refusal(replicator.restore('none', 0))).toBe('unknown-environment')
      expect(replicator.status().problem).toBeNull()
    })

    test('an environment that is deleted ends its tails, and is never made again', async () => {
      const [gone, kept] = [reader(), reader()]
      await replicator.createEnvironment('f')
      replicator.tail('e', -1, gone)
      replicator.tail('f', -1, kept)
      await gone.count(1)
      await replicator.deleteEnvironment('e')
      expect(await gone.failure()).toMatchObject({ name: 'LogError', code: 'unknown-environment' })
      expect(await refusal(replicator.append('e', note('a'), 'a'))).toBe('unknown-environment')
      expect(await refusal(replicator.createEnvironment('e'))).toBe('unknown-environment')
      expect(await refusal(replicator.deleteEnvironment('e'))).toBe('unknown-environment')
      await replicator.append('f', note('a'), 'a')
      await kept.count(2)
      expect(kept.failures).toEqual([])
      expect((await ownEnvironments(replicator)).map(({ env }) => env)).toEqual(['f'])
      expect(replicator.status().problem).toBeNull()
    })

    test('what it tells is seen to be fresh', async () => {
      replicator.tail('e', -1, reader())
      await vi.waitFor(() => expect(replicator.stalenessMs('e')).toBeLessThan(5000), { timeout: 20_000, interval: 5 })
      expect(replicator.stalenessMs('e')).toBeGreaterThanOrEqual(0)
    })

    test('closing answers what was accepted, and refuses the rest', async () => {
      const read = reader()
      replicator.tail('e', 0, read)
      const appended = appendAll('e', ids(50))
      const closed = replicator.close()
      expect(await refusal(replicator.append('e', note('late'), 'late'))).toBe('unavailable')
      expect(await appended).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
      await closed
      expect(writeIds(read.records)).toEqual(ids(50))
      expect(read.failures).toEqual([])
      expect(replicator.status()).toMatchObject({ state: 'closed', pending: 0 })
      expect(() => replicator.tail('e', 0, reader())).toThrow(LogError)
      await replicator.close()
    })
  })
}
