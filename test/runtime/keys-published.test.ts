/** What is published of API keys: the objects of `control`, unpacked, hold hashes and nothing that opens anything. */
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { hashKey } from '../../runtime/keys.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { known } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { adminKey, createAdminHarness, createEnvironment, createKey } from './support/admin.ts'

const MAX_BYTES = 2 ** 30

/** Every object of all environments by its key, unpacked, a character per byte. */
const publishedTexts = async (objects: ObjectStore): Promise<ReadonlyMap<string, string>> => {
  const texts = new Map<string, string>()
  for (const { key } of await objects.list('')) {
    const object = known(await objects.get(key), 'it was listed')
    if (object === 'unchanged') throw new Error('nothing was said of a version')
    const bytes = await objectBytes(key, object, MAX_BYTES)
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
    texts.set(key, (isPacked ? gunzipSync(bytes) : Buffer.from(bytes)).toString('latin1'))
  }
  return texts
}

test('a key is in no image and no delta, its hash is in both', async () => {
  const objects = memoryObjectStore()
  const replicator = await inMemoryReplicator({ objects, settings: { deltaIntervalMs: 20 } })
  const http = await createAdminHarness(replicator)
  await createEnvironment(http, 'blue')
  const before = await createKey(http, 'blue')
  await replicator.publish(controlEnvironment)
  const after = await createKey(http, 'blue', 'read-only')
  const hashOf = ({ key }: { readonly key: string }): string => hashKey(http.service.platform.sha256, key)
  const holders = async (text: string, folder: string): Promise<readonly string[]> =>
    [...(await publishedTexts(objects))].filter(([key, held]) => key.startsWith(folder) && held.includes(text)).map(([key]) => key)

  // Found where they must be, so that this test can find what must not be there.
  await expect.poll(async () => (await holders(hashOf(after), 'control/deltas/')).length, { timeout: 20_000 }).toBeGreaterThan(0)
  expect((await holders(hashOf(before), 'control/snapshots/')).length).toBeGreaterThan(0)
  await replicator.publish(controlEnvironment)
  for (const made of [before, after]) {
    expect((await holders(hashOf(made), 'control/snapshots/')).length).toBeGreaterThan(0)
    expect((await holders(made.tokenId, 'control/')).length).toBeGreaterThan(0)
    // Nor the part of it that nobody can guess, anywhere.
    const secret = known(made.key.split('_')[3], 'a key has four parts')
    for (const text of [made.key, secret]) expect(await holders(text, '')).toEqual([])
  }
  expect(await holders(adminKey, '')).toEqual([])
  await replicator.close()
})
