/** Backups: taken while a server runs or not, refused when anything is wrong with them, and never half restored. */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeBackup } from '../../replicator/backup.ts'
import { restoreBackup } from '../../replicator/backup-restore.ts'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { ArchiveError, tarEnd, tarHeader, tarPadding } from '../../snapshots/tar.ts'
import { LogError } from '../../src/log/log.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { adminHash, adminKey } from './support/admin.ts'
import { basic } from './support/policies.ts'
import { arctos, get, post, type ServerProcess, startServer, temporaryDirectory } from './support/process.ts'
import { readerOf } from './support/roles.ts'

const ENVIRONMENT = '0123456789'

const role = (user: string) => readerOf(user, 'r1')

const serve = (directory: string): Promise<ServerProcess> => startServer({ directory, settings: { ARCTOS_ADMIN_KEY: adminHash } })

const tell = async (server: ServerProcess, user: string): Promise<void> => {
  expect((await post(server, '/api/facts', role(user))).status).toBe(200)
}

const readersOf = async (server: ServerProcess): Promise<string[]> => {
  const { body } = await get(server, '/api/facts?predicate=has_role')
  return (body as unknown as { args: { id: string }[] }[]).map(({ args }) => args[0]?.id ?? '').toSorted()
}

const stateOf = async (server: ServerProcess): Promise<unknown> => {
  const { revision, state_hash, policy } = (await get(server, '/v1/environment')).body as unknown as Record<string, unknown>
  return { revision, state_hash, policy }
}

/** Paths and contents, without the files that only a running process has. */
const contentOf = async (folder: string): Promise<Readonly<Record<string, string>>> => {
  const content: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true })) {
    if (/lock\.sqlite|replicator\.sock|-shm$/.test(entry)) continue
    if ((await stat(join(folder, entry))).isFile()) content[entry] = (await readFile(join(folder, entry))).toString('base64')
  }
  return content
}

/** A data directory with a log alone, of so many records. */
const logDirectory = async (records: number): Promise<string> => {
  const directory = await temporaryDirectory()
  const log = openEmbeddedLog({ directory, maxRecordBytes: 100_000 })
  await log.append('blue', logRecord({ kind: 'genesis' }, { logId: log.logId }))
  for (let index = 1; index < records; index += 1)
    await log.append('blue', logRecord(facts(insert('p', `User:u${index}`)), { logId: log.logId, writeId: `w${index}` }))
  await log.close()
  return directory
}

const backedUp = async (directory: string): Promise<string> => {
  const target = join(await temporaryDirectory(), 'backup.tar.gz')
  await writeBackup({ directory, target, engine: '1.2.3', nowMs: 5 })
  return target
}

test('a stopped server: backed up, restored elsewhere, and over what is there', { timeout: 180_000 }, async () => {
  const first = await serve(await temporaryDirectory())
  expect((await post(first, '/api/policy', { src: basic })).status).toBe(200)
  await tell(first, 'ann')
  expect((await arctos(['snapshot', ENVIRONMENT], { OSO_URL: first.url, OSO_AUTH: adminKey })).code).toBe(0)
  await tell(first, 'bob')
  const state = await stateOf(first)
  expect(await first.end()).toBe(0)

  const file = join(await temporaryDirectory(), 'backup.tar.gz')
  const backup = await arctos(['backup', file, '--directory', first.directory])
  expect(backup).toMatchObject({ code: 0, err: '' })
  expect(backup.out).toMatch(/^backed up .*: \d+ files, .*\n(?: {2}\S+ through revision \d+\n)+$/)
  expect(await readdir(join(file, '..'))).toEqual(['backup.tar.gz'])

  // Elsewhere; what is written there afterwards goes on from it.
  const elsewhere = join(await temporaryDirectory(), 'data')
  const restored = await arctos(['restore', file], { OSO_DIRECTORY: elsewhere })
  expect(restored).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^restored .* from .*, of \d{4}-/) })
  const second = await serve(elsewhere)
  expect(await stateOf(second)).toEqual(state)
  expect(await readersOf(second)).toEqual(['ann', 'bob'])
  await tell(second, 'eve')
  expect(await readersOf(second)).toEqual(['ann', 'bob', 'eve'])

  // A directory in use is left alone.
  const inUse = await arctos(['restore', file, '--directory', elsewhere])
  expect(inUse).toMatchObject({ code: 1, out: '', err: expect.stringContaining('is in use by another process') })
  expect(await readersOf(second)).toEqual(['ann', 'bob', 'eve'])
  expect(await second.end()).toBe(0)

  // Over it, the later state set aside.
  const over = await arctos(['restore', file, '--directory', elsewhere])
  expect(over.out).toContain(`what was there before is in \`${join(elsewhere, 'replaced-1')}\``)
  const third = await serve(elsewhere)
  expect(await stateOf(third)).toEqual(state)
  expect(await third.end()).toBe(0)
  const aside = await serve(join(elsewhere, 'replaced-1'))
  expect(await readersOf(aside)).toEqual(['ann', 'bob', 'eve'])
})

test('a server that is written to all the time: every write that was answered before is in it', { timeout: 180_000 }, async () => {
  const server = await serve(await temporaryDirectory())
  expect((await post(server, '/api/policy', { src: basic })).status).toBe(200)
  const load = { count: 0, stopped: false }
  const writing = (async () => {
    while (!load.stopped) {
      await tell(server, `u${String(load.count).padStart(6, '0')}`)
      load.count += 1
    }
  })()
  const backups: { file: string; before: number; after: number }[] = []
  const folder = await temporaryDirectory()
  for (const name of ['1', '2', '3']) {
    const before = load.count
    const { code, err } = await arctos(['backup', join(folder, name), '--directory', server.directory])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    backups.push({ file: join(folder, name), before, after: load.count })
    // Objects change between them, too.
    expect((await arctos(['snapshot', ENVIRONMENT], { OSO_URL: server.url, OSO_AUTH: adminKey })).code).toBe(0)
  }
  load.stopped = true
  await writing
  await server.end()
  expect(load.count).toBeGreaterThan(0)
  for (const { file, before, after } of backups) {
    const directory = await temporaryDirectory()
    await restoreBackup({ file, directory })
    const restored = await serve(directory)
    const users = await readersOf(restored)
    expect(users).toEqual(Array.from({ length: users.length }, (_, index) => `u${String(index).padStart(6, '0')}`))
    expect(users.length).toBeGreaterThanOrEqual(before)
    expect(users.length).toBeLessThanOrEqual(after + 1)
    await restored.end()
  }
})

describe('a backup that is not what was written', () => {
  test('is refused wherever it was cut or changed, and nothing is replaced', async () => {
    const file = await backedUp(await logDirectory(20))
    const bytes = await readFile(file)
    const directory = await logDirectory(3)
    const before = await contentOf(directory)
    const place = fc.record({ position: fc.nat(bytes.length - 1), change: fc.integer({ min: 0, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(place, async ({ position, change }) => {
        const broken = Buffer.from(change === 0 ? bytes.subarray(0, position) : bytes)
        if (change > 0) broken[position] = (broken[position] ?? 0) ^ change
        await writeFile(`${file}.broken`, broken)
        // Bytes of gzip's own header say nothing of the content.
        const same = await sameContent(broken, bytes)
        if (same) return
        await expect(restoreBackup({ file: `${file}.broken`, directory })).rejects.toThrow(ArchiveError)
        expect(await contentOf(directory)).toEqual(before)
      }),
      { numRuns: 60 },
    )
  })

  test('nor one of other files', async () => {
    const directory = await temporaryDirectory()
    const file = join(await temporaryDirectory(), 'other.tar.gz')
    const content = Buffer.from('x')
    const entry = (path: string): Buffer[] => [Buffer.from(tarHeader(path, 1)), content, Buffer.alloc(tarPadding(1))]
    const list = { format: 1, createdAtMs: 0, engine: '', logId: null, revisions: {}, files: [] }
    const listed = Buffer.from(JSON.stringify(list))
    const listEntry = [Buffer.from(tarHeader('arctos-backup.json', listed.length)), listed, Buffer.alloc(tarPadding(listed.length))]
    const refused = async (parts: readonly Buffer[], message: RegExp): Promise<void> => {
      await writeFile(file, gzipSync(Buffer.concat([...parts, Buffer.from(tarEnd())])))
      await expect(restoreBackup({ file, directory })).rejects.toThrow(message)
      expect(await contentOf(directory)).toEqual({})
    }
    for (const path of ['../log.sqlite', '/etc/passwd', 'objects/../../x', 'objects/.lock', 'lock.sqlite', 'objects//x', 'replaced-1'])
      await refused([...entry(path), ...listEntry], /does not belong into a data directory/)
    await refused(entry('log.sqlite'), /its list of files is missing/)
    await refused([...entry('log.sqlite'), ...listEntry], /has 1 files, and lists 0/)
    await refused([...listEntry, ...entry('log.sqlite')], /entries follow its list/)
    await writeFile(file, 'no archive')
    await expect(restoreBackup({ file, directory })).rejects.toThrow(/it is no backup, or it is damaged/)
  })

  test('nor one whose content was changed and packed again, or left out', async () => {
    const file = await backedUp(await logDirectory(20))
    const directory = await logDirectory(3)
    const before = await contentOf(directory)
    const text = gunzipSync(await readFile(file))
    const changed = Buffer.from(text)
    const position = changed.indexOf('User')
    changed[position] = (changed[position] ?? 0) ^ 1
    await writeFile(file, gzipSync(changed))
    await expect(restoreBackup({ file, directory })).rejects.toThrow('it is damaged: `log.sqlite` is not what was backed up')
    const list = text.indexOf('arctos-backup.json')
    await writeFile(file, gzipSync(text.subarray(list)))
    await expect(restoreBackup({ file, directory })).rejects.toThrow('it is not complete: `log.sqlite` is missing')
    expect(await contentOf(directory)).toEqual(before)
  })

  test('and a damaged log is not backed up', async () => {
    const source = await logDirectory(20)
    const log = await readFile(join(source, 'log.sqlite'))
    const position = log.lastIndexOf('User')
    log[position] = (log[position] ?? 0) ^ 1
    await writeFile(join(source, 'log.sqlite'), log)
    await expect(backedUp(source)).rejects.toThrow(LogError)
  })
})

describe('a restore', () => {
  test('that was interrupted keeps servers out until it is run again', async () => {
    const directory = await logDirectory(3)
    const file = await backedUp(await logDirectory(5))
    await writeFile(join(directory, 'restoring'), '')
    await rm(join(directory, 'log.sqlite'))
    const refused = await arctos(['serve'], { OSO_DIRECTORY: directory, OSO_PORT: '0' })
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('a restore into the data directory') })
    expect(await readdir(directory)).not.toContain('log.sqlite')
    await restoreBackup({ file, directory })
    expect(await readdir(directory)).not.toContain('restoring')
    const log = openEmbeddedLog({ directory, maxRecordBytes: 100_000 })
    expect(await log.bounds('blue')).toMatchObject({ last: 4 })
    await log.close()
  })

  test('counts what it sets aside', async () => {
    const directory = await logDirectory(3)
    const file = await backedUp(directory)
    const replaced = [await restoreBackup({ file, directory }), await restoreBackup({ file, directory })]
    expect(replaced.map((restored) => restored.replaced)).toEqual([join(directory, 'replaced-1'), join(directory, 'replaced-2')])
    expect((await readdir(directory)).toSorted()).toEqual(['lock.sqlite', 'log.sqlite', 'replaced-1', 'replaced-2'])
  })
})

test('what is no data directory, and files that are not there', async () => {
  const empty = await temporaryDirectory()
  const target = join(empty, 'backup')
  expect(await arctos(['backup', target, '--directory', empty])).toMatchObject({
    code: 1,
    err: expect.stringContaining('is no data directory of a server'),
  })
  expect(await arctos(['backup', join(empty, 'no', 'such', 'folder'), '--directory', empty])).toMatchObject({
    code: 1,
    err: expect.stringContaining('ENOENT'),
  })
  expect(await arctos(['restore', join(empty, 'none'), '--directory', join(empty, 'new')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no such file'),
  })
  expect(await readdir(empty)).toEqual([])
  const both = await arctos(['restore', 'blue', '--to', '3', '--directory', empty], { OSO_AUTH: developmentKey })
  expect(both).toMatchObject({ code: 1, err: expect.stringContaining('give one of them') })
})

const sameContent = async (changed: Buffer, bytes: Buffer): Promise<boolean> => {
  try {
    return gunzipSync(changed).equals(gunzipSync(bytes))
  } catch {
    // It is no gzip any more.
    return false
  }
}
