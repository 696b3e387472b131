/** Archives of copies: tar files that tar reads, and nothing else is taken. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readArchive, writeArchive } from '../../snapshots/follower-archive.ts'
import { manifestKey } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { ArchiveError } from '../../snapshots/tar.ts'
import { testDirectory } from '../support/directory.ts'
import { Feed, follow, readers, repoPolicy } from './follower-feed.ts'

const published = async (): Promise<Feed> => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish()
  feed.grant('bob')
  await feed.publish()
  return feed
}

const archiveOf = async (objects: ObjectStore, ...environments: string[]): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const part of writeArchive(objects, environments)) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size)
}

test('what was written is read, in chunks of any size', async () => {
  const feed = await published()
  const bytes = await archiveOf(feed.objects, 'control', 'demo')
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5000 }), async (size) => {
      const objects = memoryObjectStore()
      await readArchive(inChunks(bytes, size), objects)
      const { follower } = follow({ objects })
      await follower.refresh()
      expect(readers(follower)).toEqual(['ann', 'bob'])
    }),
    { numRuns: 10 },
  )
})

test('tar lists and unpacks it', async () => {
  const feed = await published()
  const directory = testDirectory()
  writeFileSync(join(directory, 'demo.tar'), await archiveOf(feed.objects, 'demo'))
  const listed = spawnSync('tar', ['-tf', 'demo.tar'], { cwd: directory, encoding: 'utf8' })
  expect(listed.status).toBe(0)
  const keys = (await feed.objects.list('demo/')).map(({ key }) => key)
  expect(listed.stdout.trim().split('\n').toSorted()).toEqual(keys.toSorted())
  expect(listed.stdout.trim().split('\n').at(-1)).toBe(manifestKey('demo'))
})

test('an archive that tar made is read', async () => {
  const feed = await published()
  const directory = testDirectory()
  writeFileSync(join(directory, 'demo.tar'), await archiveOf(feed.objects, 'demo'))
  const again = spawnSync('sh', ['-c', 'mkdir x && tar -xf demo.tar -C x && tar --format=ustar -C x -cf - .'], { cwd: directory })
  expect(again.status).toBe(0)
  const objects = memoryObjectStore()
  await readArchive(inChunks(new Uint8Array(again.stdout), 10_000), objects)
  const { follower } = follow({ objects })
  await follower.refresh()
  expect(readers(follower)).toEqual(['ann', 'bob'])
})

test('cut anywhere, it is refused, and no manifest names what is missing', async () => {
  const bytes = await archiveOf((await published()).objects, 'demo')
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1024 }), async (end) => {
      const objects = memoryObjectStore()
      await expect(readArchive(inChunks(bytes.slice(0, end), 4096), objects)).rejects.toThrow(ArchiveError)
      const { follower } = follow({ objects })
      await follower.refresh()
      if (follower.replica !== null) expect(readers(follower)).toEqual(['ann', 'bob'])
    }),
    { numRuns: 20 },
  )
})

test('a name that is no object of an environment is refused', async () => {
  const bytes = await archiveOf((await published()).objects, 'demo')
  for (const name of [
    '../../etc/passwd',
    '/etc/passwd',
    'demo/../x',
    'demo/snapshots/../../x.sqlite.gz',
    'lease.json',
    'demo/other/x.log.gz',
  ]) {
    await expect(readArchive(inChunks(renamed(bytes, name), 4096), memoryObjectStore())).rejects.toThrow('is no object of an environment')
  }
})

test('what is no archive is refused', async () => {
  for (const bytes of [new TextEncoder().encode('no archive'), new Uint8Array(512).fill(65), new Uint8Array(2048).fill(32)])
    await expect(readArchive(inChunks(bytes, 100), memoryObjectStore())).rejects.toThrow(ArchiveError)
})

/** The first header with another name, its sum right again. */
const renamed = (bytes: Uint8Array, name: string): Uint8Array => {
  const changed = bytes.slice()
  const header = changed.subarray(0, 512)
  header.fill(0, 0, 100).set(new TextEncoder().encode(name))
  header.fill(0, 345, 500)
  header.fill(32, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  return changed
}
