/** A log after kill -9 whose `-wal` file was damaged: refused, or no durable record is lost. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { known } from '../../src/base/assert.ts'
import { LogError } from '../../src/log/log.ts'
import { everything } from '../log/log-conformance.ts'
import { makeDirectory, removeDirectory, testDirectory } from '../support/directory.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const HEADER_BYTES = 32
const FRAME_BYTES = 24 + 4096
const maxRecordBytes = 4 * 1024 * 1024

/** What a killed process left behind. */
interface Killed {
  readonly main: Buffer
  readonly wal: Buffer
  /** Frames at the end of each commit that the `-wal` file holds. */
  readonly commits: readonly number[]
  readonly records: number
}

const sizes = (count: number, sizeBytes: (index: number) => number): readonly number[] =>
  Array.from({ length: count }, (_, index) => sizeBytes(index))

/** Appends records of these sizes, one commit each. */
const killedAfter = async (recordBytes: readonly number[]): Promise<Killed> => {
  const directory = makeDirectory()
  const log = openEmbeddedLog({ directory, maxRecordBytes })
  for (const [index, size] of recordBytes.entries()) {
    await log.append('e', logRecord(facts(insert('note', `Text:${'x'.repeat(size)}`)), { writeId: `w${index}` }))
  }
  const main = readFileSync(join(directory, 'log.sqlite'))
  const wal = readFileSync(join(directory, 'log.sqlite-wal'))
  await log.close()
  removeDirectory(directory)
  return { main, wal, commits: commitsOf(wal), records: recordBytes.length }
}

/** Frames with the salts of the header: what is behind them belongs to an earlier use of the file. */
const commitsOf = (wal: Buffer): readonly number[] => {
  const commits: number[] = []
  for (let frame = 0; HEADER_BYTES + (frame + 1) * FRAME_BYTES <= wal.length; frame++) {
    const start = HEADER_BYTES + frame * FRAME_BYTES
    if (wal.compare(wal, 16, 24, start + 8, start + 16) !== 0) break
    if (wal.readUInt32BE(start + 4) !== 0) commits.push(frame + 1)
  }
  return commits
}

/** Opens a copy with another `-wal` file: the records that are found, or the message of the refusal. The refusal leaves both files as they are. */
const reopen = async ({ main }: Pick<Killed, 'main'>, wal: Buffer): Promise<number | string> => {
  const directory = makeDirectory()
  writeFileSync(join(directory, 'log.sqlite'), main)
  writeFileSync(join(directory, 'log.sqlite-wal'), wal)
  try {
    const log = openEmbeddedLog({ directory, maxRecordBytes })
    const found = await everything(log, 'e', 1000)
    expect(found.map(({ record }) => record.writeId)).toEqual(found.map((_, index) => `w${index}`))
    await log.append('e', logRecord(facts(insert('note', 'Text:more'))))
    await log.close()
    return found.length
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
    expect(readdirSync(directory)).toEqual(['log.sqlite', 'log.sqlite-wal'])
    expect(readFileSync(join(directory, 'log.sqlite')).equals(main)).toBe(true)
    expect(readFileSync(join(directory, 'log.sqlite-wal')).equals(wal)).toBe(true)
    expect(error.message).toContain('restore it and its `-wal` file from a backup, or move them aside to start with an empty log')
    return error.message
  } finally {
    removeDirectory(directory)
  }
}

const changed = (wal: Buffer, position: number, mask = 0xff): Buffer => {
  const copy = Buffer.from(wal)
  copy[position] = known(copy[position], 'a byte') ^ mask
  return copy
}

const inFrame = (frame: number, offset: number): number => HEADER_BYTES + (frame - 1) * FRAME_BYTES + offset

/** One record a commit, of one and of several frames; and the same where the file was used before, so that old frames follow. */
let small: Killed
let large: Killed
let reused: Killed
beforeAll(async () => {
  small = await killedAfter(sizes(30, () => 40))
  large = await killedAfter(sizes(12, (index) => (index % 3) * 6000))
  reused = await killedAfter(sizes(75, (index) => (index < 60 ? 70_000 : 40)))
})

test('an undamaged one is accepted', async () => {
  for (const killed of [small, large, reused]) expect(await reopen(killed, killed.wal)).toBe(killed.records)
  expect(small.commits.length).toBe(small.records)
  expect(large.commits.length).toBeLessThan(known(large.commits.at(-1), 'a commit'))
  expect(HEADER_BYTES + known(reused.commits.at(-1), 'a commit') * FRAME_BYTES).toBeLessThan(reused.wal.length / 2)
  expect(reused.commits.length).toBeGreaterThan(3)
})

describe('a changed byte', () => {
  const checkChanged = async (killed: Killed, position: number, mask?: number): Promise<void> => {
    const found = await reopen(killed, changed(killed.wal, position, mask))
    const lastStart = inFrame(known(killed.commits.at(-2), 'a commit') + 1, 0)
    const end = inFrame(known(killed.commits.at(-1), 'a commit') + 1, 0)
    const expected =
      position < HEADER_BYTES
        ? expect.stringContaining('the header of its `-wal` file does not match its checksum')
        : position < lastStart
          ? expect.stringMatching(/frame \d+ of its `-wal` file does not match its checksum, and durable records follow it/)
          : // Nothing tells it from a transaction that was never finished.
            killed.records - (position < end ? 1 : 0)
    expect({ position, found }).toEqual({ position, found: expected })
  }

  test.each([['small'], ['large'], ['reused']] as const)('anywhere in the file: %s', async (name) => {
    const killed = { small, large, reused }[name]
    const end = inFrame(known(killed.commits.at(-1), 'a commit') + 1, 0)
    await fc.assert(
      fc.asyncProperty(fc.nat(end + FRAME_BYTES), fc.constantFrom(0xff, 0x81), async (position, mask) =>
        checkChanged(killed, Math.min(position, killed.wal.length - 1), mask),
      ),
      { numRuns: 60 },
    )
  })

  test('in every byte of the headers', async () => {
    const frame = known(large.commits.at(-2), 'a commit')
    for (let position = 0; position < HEADER_BYTES; position++) await checkChanged(small, position)
    for (let offset = 0; offset < 24; offset++) {
      // The last frame of the last commit but one, and one before a commit's last.
      await checkChanged(large, inFrame(frame, offset))
      await checkChanged(large, inFrame(frame - 1, offset))
    }
  })
})

test('a damaged run of bytes is refused when commits follow it', async () => {
  for (const killed of [small, large]) {
    const [from, , , to] = killed.commits.slice(-6)
    const wal = Buffer.from(killed.wal).fill(0, inFrame(known(from, 'a commit'), 100), inFrame(known(to, 'a commit'), 100))
    expect(await reopen(killed, wal)).toMatch(/durable records follow it/)
  }
})

describe('an unfinished last transaction is accepted', () => {
  test('cut off anywhere', async () => {
    const start = inFrame(known(large.commits.at(-2), 'a commit') + 1, 0)
    for (let length = start; length < large.wal.length; length += 500) {
      expect(await reopen(large, large.wal.subarray(0, length))).toBe(large.records - 1)
    }
  })

  test('with any of its blocks not written', async () => {
    const start = inFrame(known(large.commits.at(-2), 'a commit') + 1, 0)
    expect(large.wal.length - start).toBeGreaterThan(2 * FRAME_BYTES)
    for (let from = start; from < large.wal.length; from += 512) {
      const lost = await reopen(large, Buffer.from(large.wal).fill(0, from, Math.min(from + 512, large.wal.length)))
      // A block may hold nothing but zeros.
      expect([large.records - 1, large.records]).toContain(lost)
    }
    expect(await reopen(large, Buffer.from(large.wal).fill(0, start, start + 1024))).toBe(large.records - 1)
  })

  test('behind the remains of a longer one', async () => {
    // The last transaction of `large` was never finished; a shorter one was written over its start after the restart.
    const directory = testDirectory()
    const path = join(directory, 'log.sqlite-wal')
    writeFileSync(join(directory, 'log.sqlite'), large.main)
    writeFileSync(path, changed(large.wal, inFrame(known(large.commits.at(-2), 'a commit') + 1, 1000)))
    const log = openEmbeddedLog({ directory, maxRecordBytes })
    onTestFinished(() => log.close())
    await log.append('e', logRecord(facts(insert('note', 'Text:short')), { writeId: `w${large.records - 1}` }))
    const copy = testDirectory()
    cpSync(directory, copy, { recursive: true })
    const wal = readFileSync(join(copy, 'log.sqlite-wal'))
    expect(wal.length).toBe(large.wal.length)
    expect(wal.equals(large.wal)).toBe(false)
    expect(await reopen(large, wal)).toBe(large.records)
  })

  test('behind the remains of one that was rolled back', async () => {
    const directory = testDirectory()
    const log = openEmbeddedLog({ directory, maxRecordBytes })
    onTestFinished(() => log.close())
    const append = async (writeId: string, sizeBytes: number) =>
      log.append('e', logRecord(facts(insert('note', `Text:${'x'.repeat(sizeBytes)}`)), { writeId }))
    await append('w0', 40)
    log.limitFile(3_500_000)
    await expect(append('refused', 3_900_000)).rejects.toMatchObject({ code: 'unavailable' })
    log.limitFile(1e9)
    await append('w1', 40)
    const main = readFileSync(join(directory, 'log.sqlite'))
    const wal = readFileSync(join(directory, 'log.sqlite-wal'))
    // Too large for the cache of SQLite, so most of it went to the file.
    expect(wal.length).toBeGreaterThan(100 * FRAME_BYTES)
    expect(await reopen({ main }, wal)).toBe(2)
  })

  test('that never got further than the header', async () => {
    // The main file has the records up to the last checkpoint, none here.
    for (const length of [0, 10, HEADER_BYTES]) expect(await reopen(large, large.wal.subarray(0, length))).toBe(0)
  })
})

test('a log in use is `unavailable`, whatever its `-wal` file looks like meanwhile', async () => {
  const directory = testDirectory()
  const log = openEmbeddedLog({ directory, maxRecordBytes })
  onTestFinished(() => log.close())
  for (let index = 0; index < 10; index++) await log.append('e', logRecord(facts(insert('note', 'Text:x')), { writeId: `w${index}` }))
  const path = join(directory, 'log.sqlite-wal')
  writeFileSync(path, changed(readFileSync(path), 5000), { flag: 'r+' })
  expect(() => openEmbeddedLog({ directory, maxRecordBytes })).toThrow(
    expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('is in use by another process') }),
  )
  expect(readdirSync(directory)).toEqual(['log.sqlite', 'log.sqlite-wal'])
})
