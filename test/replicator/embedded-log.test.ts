/** The embedded log: conformance, damage, the lock, a full disk, group commit. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type EmbeddedLog, openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { limits } from '../../src/base/limits.ts'
import { encodeRecord } from '../../src/log/codec.ts'
import { LogError } from '../../src/log/log.ts'
import { everything, type LogHarness, logConformance, logDurabilityConformance, refusal } from '../log/log-conformance.ts'
import { makeDirectory, removeDirectory, testDirectory } from '../support/directory.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { startCell, stateOf, until } from './cell.ts'
import { reader } from './inner-conformance.ts'

const maxRecordBytes = 700 * 1024

const embedded = async (): Promise<LogHarness> => {
  const directories = [makeDirectory()]
  const opened: EmbeddedLog[] = []
  return {
    maxRecordBytes,
    async reopen(killed = false) {
      // Without an end: what the file system holds at this moment, under another name.
      if (killed) {
        const copy = makeDirectory()
        cpSync(directories.at(-1) ?? '', copy, { recursive: true })
        directories.push(copy)
      } else await opened.at(-1)?.close()
      const log = openEmbeddedLog({ directory: directories.at(-1) ?? '', maxRecordBytes })
      opened.push(log)
      return log
    },
    async end() {
      for (const log of opened) await log.close()
      directories.forEach(removeDirectory)
    },
  }
}

logConformance('embedded', embedded)
logDurabilityConformance('embedded', embedded)

const open = (directory: string): EmbeddedLog => {
  const log = openEmbeddedLog({ directory, maxRecordBytes })
  onTestFinished(() => log.close())
  return log
}

const note = (writeId: string, sizeBytes = 10): ReturnType<typeof logRecord> =>
  logRecord(facts(insert('note', `Text:${'x'.repeat(sizeBytes)}`)), { writeId })

/** A closed log of 100 records. */
const filled = async (): Promise<string> => {
  const directory = testDirectory()
  const log = open(directory)
  await Promise.all(Array.from({ length: 100 }, async (_, index) => log.append('e', note(`w${index}`, 300))))
  await log.close()
  return directory
}

const openError = (directory: string): LogError => {
  try {
    open(directory)
  } catch (error) {
    if (error instanceof LogError) return error
    throw error
  }
  throw new Error('the log opened')
}

const checkRefused = (directory: string, message: RegExp): void => {
  const before = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).size])
  const error = openError(directory)
  expect(error.code).toBe('corrupted')
  expect(error.message).toMatch(message)
  expect(error.message).toContain(join(directory, 'log.sqlite'))
  expect(error.message).toContain('restore it and its `-wal` file from a backup, or move them aside to start with an empty log')
  // Refusing leaves the evidence; at most an empty file of SQLite's is new.
  expect(readdirSync(directory).map((name) => [name, statSync(join(directory, name)).size])).toEqual(expect.arrayContaining(before))
}

const edit = (directory: string, sql: string): void => {
  const database = new DatabaseSync(join(directory, 'log.sqlite'))
  database.exec(sql)
  database.close()
}

describe('a damaged file is refused', () => {
  test('that is empty', async () => {
    const directory = await filled()
    truncateSync(join(directory, 'log.sqlite'), 0)
    checkRefused(directory, /it is empty/)
  })

  test('that is cut off', async () => {
    for (const share of [0.9, 0.5, 0.1]) {
      const directory = await filled()
      const path = join(directory, 'log.sqlite')
      truncateSync(path, Math.floor(statSync(path).size * share))
      checkRefused(directory, /is damaged/)
    }
  })

  test('that is something else', () => {
    const directory = testDirectory()
    writeFileSync(join(directory, 'log.sqlite'), 'no database '.repeat(1000))
    checkRefused(directory, /file is not a database/)
  })

  test('that belongs to another program', () => {
    const directory = testDirectory()
    edit(directory, 'CREATE TABLE t (a)')
    checkRefused(directory, /it is no log of Arctos/)
  })

  test('that lost its main file', async () => {
    const directory = testDirectory()
    writeFileSync(join(directory, 'log.sqlite-wal'), 'x')
    checkRefused(directory, /the file is missing beside its `-wal` file/)
  })

  test('with a byte changed in a page', async () => {
    const directory = await filled()
    const path = join(directory, 'log.sqlite')
    const bytes = readFileSync(path)
    const place = bytes.indexOf('"note"', Math.floor(bytes.length / 2))
    expect(place).toBeGreaterThan(0)
    bytes[place + 1] = 'm'.charCodeAt(0)
    writeFileSync(path, bytes)
    checkRefused(directory, /revision \d+ of environment `e`: the record does not match its checksum/)
  })

  test('with the structure of a page destroyed', async () => {
    const directory = await filled()
    const path = join(directory, 'log.sqlite')
    const bytes = readFileSync(path)
    bytes.fill(0xff, bytes.length - 4096, bytes.length - 4096 + 40)
    writeFileSync(path, bytes)
    checkRefused(directory, /is damaged/)
  })

  test.each([
    ["UPDATE record SET bytes = x'00' WHERE revision = 3", /revision 3 of environment `e`: the bytes do not start like a record/],
    [
      'UPDATE record SET bytes = substr(bytes, 1, 100) WHERE revision = 3',
      /revision 3 of environment `e`: the record is cut off after 100 of \d+ bytes/,
    ],
    ['DELETE FROM record WHERE revision = 3', /environment `e` has nothing between revisions 2 and 4/],
    ['DELETE FROM record WHERE revision = 0', /environment `e` has nothing between revisions -1 and 1/],
    ['DELETE FROM log', /it has 0 log ids/],
  ])('after %s', async (sql, message) => {
    const directory = await filled()
    edit(directory, sql)
    checkRefused(directory, message)
  })
})

/** As a later version would write it: intact, of another format. */
const newerFormat = (): Uint8Array => {
  const bytes = encodeRecord(note('newer'))
  bytes[4] = 2
  const sum = createHash('sha256').update(bytes.subarray(0, 9)).update(bytes.subarray(25)).digest()
  bytes.set(sum.subarray(0, 16), 9)
  return bytes
}

test('a record of a newer version stops its environment alone, and everything in front of it counts', async () => {
  const directory = testDirectory()
  const first = await startCell({ log: openEmbeddedLog({ directory, maxRecordBytes }) })
  for (const env of ['e', 'f']) {
    await first.replicator.createEnvironment(env)
    for (const writeId of ['a', 'b']) await first.replicator.append(env, facts(insert('note', `Text:${writeId}`)), writeId)
  }
  await first.replicator.close()
  const database = new DatabaseSync(join(directory, 'log.sqlite'))
  const of = database.prepare("SELECT id FROM environment WHERE name = 'e'").get()
  database.prepare('INSERT INTO record (environment, revision, bytes) VALUES (?, 3, ?)').run(Number(of?.['id']), newerFormat())
  database.close()

  const cell = await startCell({ log: openEmbeddedLog({ directory, maxRecordBytes }) })
  await until(() => (cell.replicator.measure().stopped === 1 ? true : null))
  expect(cell.logged('environment-stopped')).toMatchObject([{ fields: { environment: 'e', revision: 2, code: 'unreadable' } }])
  expect(await refusal(cell.log.read('e', 2, 10))).toBe('unreadable')
  expect(await stateOf(cell.replicator, 'e')).toMatchObject({ revision: 2, facts: ['note(Text:a)', 'note(Text:b)'] })
  const read = reader()
  cell.replicator.tail('e', -1, read)
  expect(await read.failure()).toMatchObject({ code: 'unreadable' })
  expect(read.records).toHaveLength(3)
  await cell.replicator.append('f', facts(insert('note', 'Text:c')), 'c')
  expect(await stateOf(cell.replicator, 'f')).toMatchObject({ revision: 3 })
})

test('a file of a newer version is refused without calling it damaged', async () => {
  const directory = await filled()
  edit(directory, 'PRAGMA user_version = 3')
  expect(openError(directory)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('has format 3, known is 2') })
})

test('a file from before trimming is taken as it is', async () => {
  const directory = await filled()
  edit(directory, 'ALTER TABLE environment DROP COLUMN first; PRAGMA user_version = 1')
  const log = open(directory)
  expect(await log.bounds('e')).toEqual({ first: 0, last: 99 })
  await log.trim('e', 9)
  await log.close()
  expect(await open(directory).bounds('e')).toEqual({ first: 10, last: 99 })
})

test('a log is trimmed in steps, and appends go on between them', async () => {
  const log = open(testDirectory())
  const count = limits.trimRecords * 3
  for (let start = 0; start < count; start += 1000)
    await Promise.all(Array.from({ length: 1000 }, async (_, index) => log.append('e', note(`w${start + index}`))))
  let trimmed = false
  const trimming = log.trim('e', count - 2).then(() => {
    trimmed = true
  })
  await log.append('e', note('meanwhile'))
  expect(trimmed).toBe(false)
  await trimming
  expect(await log.bounds('e')).toEqual({ first: count - 1, last: count })
})

test('only one holds a data directory at a time', async () => {
  const directory = testDirectory()
  const first = open(directory)
  expect(openError(directory)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('is in use by another process') })
  await first.append('e', note('a'))
  await first.close()
  expect(await everything(open(directory), 'e')).toHaveLength(1)
})

test('nothing but the log is left in the directory', async () => {
  const directory = join(testDirectory(), 'made', 'on demand')
  const log = open(directory)
  await log.append('e', note('a'))
  await log.close()
  expect(readdirSync(directory)).toEqual(['log.sqlite'])
})

describe('a full disk', () => {
  test('refuses writes, leaves reads, and goes on when there is space', async () => {
    const directory = testDirectory()
    const log = open(directory)
    await log.append('e', note('before'))
    log.limitFile(64 * 1024)
    let refused: LogError | undefined
    const kept = ['before']
    for (let index = 0; index < 100 && refused === undefined; index++) {
      try {
        await log.append('e', note(`w${index}`, 4000))
        kept.push(`w${index}`)
      } catch (error) {
        if (!(error instanceof LogError)) throw error
        refused = error
      }
    }
    expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('is full: writes resume when there is space') })
    expect(kept.length).toBeGreaterThan(5)
    // A group fails as one.
    expect(await Promise.all([refusal(log.append('e', note('x', 4000))), refusal(log.append('new', note('y', 4000)))])).toEqual([
      'unavailable',
      'unavailable',
    ])
    expect((await everything(log, 'e')).map(({ record }) => record.writeId)).toEqual(kept)
    expect(await log.environments()).toEqual(['e'])

    log.limitFile(1024 * 1024)
    await log.append('new', note('after', 4000))
    await log.append('e', note('after', 4000))
    await log.close()
    const again = open(directory)
    expect((await everything(again, 'e')).map(({ record }) => record.writeId)).toEqual([...kept, 'after'])
    expect(await everything(again, 'new')).toHaveLength(1)
  })
})

describe('concurrent appends', () => {
  test('of one turn share a commit', async () => {
    const directory = testDirectory()
    const log = open(directory)
    await log.append('e', note('first'))
    const wal = join(directory, 'log.sqlite-wal')
    expect(existsSync(wal)).toBe(true)
    const walBytes = async (work: () => Promise<unknown>): Promise<number> => {
      const before = statSync(wal).size
      await work()
      return statSync(wal).size - before
    }
    const frame = 4096 + 24
    const together = await walBytes(async () =>
      Promise.all(Array.from({ length: 10 }, async (_, index) => log.append('e', note(`t${index}`)))),
    )
    const apart = await walBytes(async () => {
      for (let index = 0; index < 10; index++) await log.append('e', note(`a${index}`))
    })
    expect(together).toBeLessThanOrEqual(2 * frame)
    expect(apart).toBeGreaterThanOrEqual(10 * frame)
  })

  test('beyond the bound are refused, and those within it are kept', async () => {
    const log = open(testDirectory())
    const outcomes = await Promise.allSettled(
      Array.from({ length: limits.appendQueueRecords + 10 }, async (_, index) => log.append('e', note(`w${index}`))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(limits.appendQueueRecords)
    for (const outcome of outcomes.slice(limits.appendQueueRecords)) expect(outcome).toMatchObject({ reason: { code: 'overloaded' } })
    expect(await log.bounds('e')).toEqual({ first: 0, last: limits.appendQueueRecords - 1 })
  })

  test('with too many bytes are refused', async () => {
    const log = open(testDirectory())
    const large = logRecord({ kind: 'policy', source: 'x'.repeat(maxRecordBytes - 1000), filename: null })
    const outcomes = await Promise.allSettled(Array.from({ length: 120 }, async () => log.append('e', large)))
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(kept).toBe(Math.floor(limits.appendQueueBytes / (maxRecordBytes - 1000 + 80)))
  })
})
