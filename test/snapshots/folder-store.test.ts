/** The object store in a folder. */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { FolderLock } from '../../snapshots/node/folder-lock.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { startChild } from '../support/child.ts'
import { makeDirectory, removeDirectory, testDirectory } from '../support/directory.ts'
import { contentOf, noise, objectStoreConformance, refusal } from './object-store-conformance.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const childFile = (name: string): URL => new URL(`children/${name}.ts`, import.meta.url)

objectStoreConformance(
  'folder',
  async () => {
    const directory = makeDirectory()
    return {
      store: folderObjectStore(directory),
      writer: folderObjectStore(directory),
      async tear(key) {
        const drafts = (): number => readdirSync(join(directory, '.incoming')).length
        const before = drafts()
        // It cannot come further than its draft, and is killed while it writes that, or when it has.
        await new FolderLock(join(directory, '.lock')).alone(async () => {
          const child = startChild(childFile('put'), [directory, key])
          await vi.waitUntil(() => drafts() > before, { timeout: 30_000 })
          await child.end('SIGKILL')
          if (child.lines.join() !== 'writing') throw new Error(`it came further: ${child.lines.join()}`)
        })
      },
      end: async () => removeDirectory(directory),
    }
  },
  { checksum: 'nothing is between the writer and the file system' },
)

test('writers of several processes have one winner of each race', async () => {
  const directory = testDirectory()
  const store = folderObjectStore(directory)
  await store.put('counter', text('0'))
  const children = Array.from({ length: 3 }, () => startChild(childFile('count'), [directory, '40']))
  await Promise.all(children.map(async (child) => child.ended))
  for (const child of children) expect(child.lines).toEqual(['40'])
  expect(new TextDecoder().decode((await contentOf(store, 'counter')) ?? undefined)).toBe('120')
})

test('a lock ends with its process', async () => {
  const directory = testDirectory()
  const child = startChild(childFile('lock'), [directory])
  await child.line((line) => line === 'locked')
  const store = folderObjectStore(directory)
  const put = store.put('a', text('a'))
  await child.end('SIGKILL')
  await put
  expect(await contentOf(store, 'a')).toEqual(text('a'))
})

test('a key is a path that any web server can serve, and never leaves the folder', async () => {
  const directory = testDirectory()
  const root = join(directory, 'objects')
  const store = folderObjectStore(root)
  await store.put('env_1/snapshots/12-0af.sqlite.gz', text('snapshot'))
  expect(readFileSync(join(root, 'env_1', 'snapshots', '12-0af.sqlite.gz'), 'utf8')).toBe('snapshot')
  expect(await refusal(store.put('../escaped', text('x')))).toBe('denied')
  expect(await refusal(store.list('../'))).toBe('denied')
  expect(readdirSync(directory)).toEqual(['objects'])
})

test('files that are no objects are not listed', async () => {
  const root = testDirectory()
  const store = folderObjectStore(root)
  await store.put('a', text('a'))
  mkdirSync(join(root, 'empty'))
  writeFileSync(join(root, '.note'), 'x')
  writeFileSync(join(root, 'no key%'), 'x')
  symlinkSync('/nowhere', join(root, 'link'))
  expect((await store.list('')).map(({ key }) => key)).toEqual(['a'])
})

test('what a killed process left is removed when it is old', async () => {
  const root = testDirectory()
  mkdirSync(join(root, '.incoming'), { recursive: true })
  for (const name of ['old', 'young']) writeFileSync(join(root, '.incoming', name), 'x')
  const longAgo = Date.now() / 1000 - 2 * 60 * 60
  utimesSync(join(root, '.incoming', 'old'), longAgo, longAgo)
  await folderObjectStore(root).put('a', text('a'))
  expect(readdirSync(join(root, '.incoming'))).toEqual(['young'])
})

test('a large object that is replaced before it was read is told so', async () => {
  const store = folderObjectStore(testDirectory())
  await store.put('large', noise(9 * 1024 * 1024))
  const object = await store.get('large')
  if (object === null || object === 'unchanged') throw new Error('it is there')
  await store.put('large', noise(9 * 1024 * 1024))
  const read = async (): Promise<void> => {
    for await (const chunk of object.chunks) expect(chunk.length).toBeGreaterThan(0)
  }
  expect(await refusal(read())).toBe('unavailable')
})

test('a folder that is missing, or no folder, is told so and not made', async () => {
  const directory = testDirectory()
  const missing = folderObjectStore(join(directory, 'none'), { create: false })
  expect(await refusal(missing.get('a'))).toBe('missing')
  expect(await refusal(missing.put('a', text('a')))).toBe('missing')
  expect(await refusal(missing.list('env/'))).toBe('missing')
  expect(await refusal(missing.delete('a'))).toBe('missing')
  expect(existsSync(join(directory, 'none'))).toBe(false)
  writeFileSync(join(directory, 'file'), '')
  expect(() => folderObjectStore(join(directory, 'file'))).toThrow('check of')
  expect(await refusal(folderObjectStore(join(directory, 'file'), { create: false }).put('a', text('a')))).toBe('denied')
})

test('an object where others are below is refused', async () => {
  const root = testDirectory()
  const store = folderObjectStore(root)
  await store.put('a/b', text('x'))
  expect(await refusal(store.put('a', text('x')))).toBe('denied')
  expect(await refusal(store.put('a/b/c', text('x')))).toBe('denied')
  expect(await contentOf(store, 'a/b')).toEqual(text('x'))
  expect(await refusal(store.put('a/b', text('y'), { kind: 'absent' }))).toBe('precondition')
  expect(readdirSync(join(root, '.incoming'))).toEqual([])
})

const fullDisk = async (root: string, shell: string): Promise<string> => {
  const child = fileURLToPath(new URL('children/full-disk.ts', import.meta.url))
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    `${shell} exec "$0" --disable-warning=ExperimentalWarning "$1" "$2"`,
    process.execPath,
    child,
    root,
  ])
  return stdout
}

test('a file that may not grow further leaves nothing half written', async () => {
  const said = await fullDisk(testDirectory(), 'ulimit -f 2048;')
  expect(said).toMatch(/^unavailable\nput of `a` in folder .*: EFBIG.*recovery is automatic.*\ndrafts 0\n3 bytes\npassed\n$/)
})

const ownMounts = spawnSync('unshare', ['-Urm', 'true']).status === 0

test.skipIf(!ownMounts)(
  'a full disk is told with its cause, leaves nothing half written, and passes (skipped where no file system can be mounted)',
  async () => {
    const root = testDirectory()
    const child = fileURLToPath(new URL('children/full-disk.ts', import.meta.url))
    const mounted = 'mount -t tmpfs -o size=2m none "$2" && exec "$0" --disable-warning=ExperimentalWarning "$1" "$2"'
    const { stdout } = await promisify(execFile)('unshare', ['-Urm', 'sh', '-c', mounted, process.execPath, child, root])
    expect(stdout).toMatch(
      /^unavailable\nput of `a` in folder .*: the disk is full; .*recovery is automatic.*\ndrafts 0\n3 bytes\npassed\n$/,
    )
  },
)

test('a damaged file has another version', async () => {
  const root = testDirectory()
  const store = folderObjectStore(root)
  const version = await store.put('a', text('long text'))
  truncateSync(join(root, 'a'), 3)
  expect(statSync(join(root, 'a')).size).toBe(3)
  const object = await store.get('a', { unless: version })
  expect(object).toMatchObject({ sizeBytes: 3 })
})
