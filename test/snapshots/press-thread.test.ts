/** The thread of images makes and refuses what the calling thread does, and its end is told. */
import { afterAll, expect, test } from 'vitest'
import { type ImagePress, pressHere } from '../../snapshots/image-press.ts'
import { joinBytes } from '../../snapshots/join-bytes.ts'
import type { ExpectedImage } from '../../snapshots/load-snapshot.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { PressThread } from '../../snapshots/node/press-thread.ts'
import { compileModules } from '../../snapshots/node/stores.ts'
import { at } from '../../src/base/assert.ts'
import { apply } from '../../src/log/apply.ts'
import { temporaryDirectory } from '../runtime/support/process.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { pool, testPlatform } from './support.ts'

const platform = testPlatform()
const modules = await compileModules()
const thread = new PressThread(modules)
const presses: readonly [string, ImagePress][] = [
  ['here', pressHere({ pool, platform })],
  ['in a thread', thread],
]
afterAll(() => thread.close())

const store = pool.create()
afterAll(() => pool.release(store))
apply(store, [
  { revision: 0, record: logRecord({ kind: 'genesis' }, { writeId: 'g' }) },
  {
    revision: 1,
    record: logRecord(facts(...Array.from({ length: 2000 }, (_, number) => insert('p', `User:u${number}`))), { writeId: 'w' }),
  },
])
const raw = (): Uint8Array => store.database.serialize()
const stateHash = store.stateHash()

/** An object of the image in a store, and what it has to be. */
const stored = async (press: ImagePress) => {
  const rawBytes = raw().length
  const { bytes, sha256, chunks } = await press.pack(raw())
  const objects = memoryObjectStore()
  const image: ExpectedImage = {
    key: 'e/object',
    revision: 1,
    storedBytes: bytes.length,
    rawBytes,
    sha256,
    chunks,
    stateHash,
    logId: 'log',
  }
  await objects.put(image.key, bytes)
  return { objects, image, bytes }
}

test('both make the same of an image', async () => {
  const [here, there] = await Promise.all(presses.map(async ([, press]) => press.pack(raw())))
  expect(there?.chunks).toEqual(here?.chunks)
  const unpacked = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const parts: Uint8Array[] = []
    const source = async function* () {
      yield bytes
    }
    for await (const part of platform.gunzip(source())) parts.push(part)
    return joinBytes(parts)
  }
  for (const packed of [here, there]) expect(await unpacked(packed?.bytes ?? new Uint8Array())).toEqual(raw())
})

for (const [where, press] of presses) {
  test(`${where}: an image is proven, its facts added up when they are few enough`, async () => {
    const { objects, image } = await stored(press)
    expect(await press.prove(objects, image, 2000)).toMatchObject({ recomputed: { stateHash, policyHash: null } })
    expect(await press.prove(objects, image, 1999)).toMatchObject({ recomputed: null })
  })

  test(`${where}: what is no such image is refused, with the reason`, async () => {
    const { objects, image, bytes } = await stored(press)
    const faults: readonly [Partial<ExpectedImage>, object][] = [
      [{ key: 'e/missing' }, { code: 'missing', key: 'e/missing' }],
      [{ storedBytes: image.storedBytes + 1 }, { code: 'damaged' }],
      [{ sha256: '0'.repeat(64) }, { code: 'damaged', message: expect.stringContaining('SHA-256') }],
      [{ rawBytes: image.rawBytes - 4096 }, { code: 'damaged' }],
      [{ rawBytes: image.rawBytes + 4096 }, { code: 'damaged' }],
      [{ chunks: ['0'.repeat(64)] }, { code: 'damaged', message: expect.stringContaining('chunk 0') }],
      [{ stateHash: '0'.repeat(32) }, { code: 'damaged', message: expect.stringContaining('state hash') }],
      [{ revision: 2 }, { code: 'damaged' }],
      [{ logId: 'another' }, { code: 'foreign', revision: 1, operation: 'load snapshot' }],
    ]
    for (const [fault, expected] of faults) {
      await expect(press.prove(objects, { ...image, ...fault }, -1)).rejects.toMatchObject({ name: 'LoadError', ...expected })
    }
    const cut = bytes.slice(0, -20)
    await objects.put(image.key, cut)
    await expect(press.prove(objects, { ...image, storedBytes: cut.length }, -1)).rejects.toMatchObject({ code: 'damaged' })
    const changed = bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte))
    await objects.put(image.key, changed)
    await expect(press.prove(objects, image, -1)).rejects.toMatchObject({ code: 'damaged' })
  })
}

test('the thread reads a folder by itself, what it packed before and what it did not, and finds what is damaged there', async () => {
  const folder = folderObjectStore(await temporaryDirectory())
  const { image, bytes } = await stored(thread)
  const there = { ...folder, get: () => expect.unreachable('the caller reads nothing') }
  const other = new PressThread(modules)
  for (const press of [thread, other]) {
    await folder.put(image.key, bytes)
    expect(await press.prove(there, image, 2000)).toMatchObject({ recomputed: { stateHash } })
    const faults = [bytes.slice(0, -20), bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte))]
    for (const fault of faults) {
      await folder.put(image.key, fault)
      await expect(press.prove(there, image, -1)).rejects.toMatchObject({ name: 'LoadError', code: 'damaged', key: image.key })
    }
    await folder.delete(image.key)
    await expect(press.prove(there, image, -1)).rejects.toMatchObject({ name: 'LoadError', code: 'missing' })
  }
  await other.close()
})

test('jobs that come at once are all done', async () => {
  const press = new PressThread(modules)
  const packed = await Promise.all([1, 2, 3].map(() => press.pack(raw())))
  expect(packed.map(({ sha256 }) => sha256)).toEqual(packed.map(() => at(packed, 0).sha256))
  await press.close()
})

test('closing waits for the job that the thread has', async () => {
  for (let round = 0; round < 5; round++) {
    const press = new PressThread(modules)
    await press.begin()
    const packing = press.pack(raw())
    // The job is with the thread in the next turn.
    await Promise.resolve()
    await press.close()
    expect((await packing).chunks).toHaveLength(1)
  }
})

test('closing ends a thread that does not answer, and with it the job that it has', async () => {
  const silent = new PressThread(modules, new URL('./children/silent-press.ts', import.meta.url))
  const cut = silent.pack(raw()).then(String, String)
  // The job is with the thread in the next turn.
  await Promise.resolve()
  await silent.close()
  expect(await cut).toContain('the thread of images ended')
})

test('what is asked of a closed one has another thread', async () => {
  const press = new PressThread(modules)
  await press.begin()
  await press.close()
  expect((await press.pack(raw())).chunks).toHaveLength(1)
  await press.close()
})

test('a thread that crashes fails its job, and the next job has another one', async () => {
  const crashing = new PressThread(modules, new URL('./children/crashing-press.ts', import.meta.url))
  await expect(crashing.pack(new Uint8Array([0]))).rejects.toThrow('the thread of images')
  await expect(crashing.pack(new Uint8Array([1]))).rejects.toThrow('the thread of images ended with code 3')
  await expect(crashing.pack(new Uint8Array([2]))).rejects.toThrow('an image was to be packed')
})
