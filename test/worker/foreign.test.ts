/** The Worker with objects that are not its environment's, whose sizes and hashes are what the manifest says. */
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { encodeRecords, joinDelta } from '../../snapshots/delta.ts'
import type { DeltaEntry, SnapshotEntry } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { deltaKey, snapshotKey } from '../../snapshots/object-keys.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at, known } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { withTheTest } from '../runtime/support/edge.ts'
import { createHarness } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { anaReads, anaRole, bytesOf, manifestIn, putManifest, startWorkerEdge, until } from './support.ts'

const malloryReads = 'User:mallory read Repo:r1'
const env = developmentEnvironment

type Edge = Awaited<ReturnType<typeof startWorkerEdge>>

test('a snapshot of another environment in the place of one is never served', async () => {
  const { worker, cell, publish, ask } = await startWorkerEdge()
  await cell.facts(anaRole)
  await publish()
  const { key } = at((await manifestIn(worker.bucket)).snapshots, 0)
  await worker.bucket.put(key, await bytesOf(worker.bucket, at((await manifestIn(worker.bucket, controlEnvironment)).snapshots, 0).key))
  const { status, body } = await ask.authorize(anaReads)
  expect([status, body.allowed]).toEqual([200, true])
  expect((await worker.lines()).filter(({ msg, key: of }) => msg === 'load-refused' && of === key)).not.toEqual([])
})

interface Foreign {
  readonly entry: SnapshotEntry
  readonly bytes: Uint8Array
}

const newestOf = async (objects: ObjectStore, of: string): Promise<Foreign> => {
  const entry = at((await manifestIn(objects, of)).snapshots, 0)
  return { entry, bytes: await bytesOf(objects, entry.key) }
}

describe('a snapshot whose hashes and sizes are right', () => {
  const foreign: readonly (readonly [name: string, reason: string, find: (edge: Edge) => Promise<Foreign>])[] = [
    ['another log', 'it belongs to log `another`', snapshotOfAnotherLog],
    ['another environment', 'it belongs to environment `other`, expected', snapshotOfAnotherEnvironment],
  ]

  test.each(foreign)('and that is of %s is refused: an older one answers, and without one it is 503', async (_, reason, find) => {
    const edge = await startWorkerEdge()
    const { worker, cell, publish, ask } = edge
    await cell.facts(anaRole)
    await publish()
    const manifest = await manifestIn(worker.bucket)
    const { entry, bytes } = await find(edge)
    const { revision, through, sha256 } = entry
    // Nothing that the manifest says of it is wrong.
    expect([revision, through]).toEqual([manifest.coveredThrough, manifest.coveredThrough])
    const planted: SnapshotEntry = { ...entry, key: snapshotKey(env, revision, sha256) }
    await worker.bucket.put(planted.key, bytes)
    await putManifest(worker.bucket, { ...manifest, snapshots: manifest.snapshots.with(0, planted) })
    const { status, body } = await ask.authorize(anaReads)
    expect([status, body.allowed, await ask.allowed(malloryReads)]).toEqual([200, true, false])
    const told = expect.objectContaining({
      msg: 'load-refused',
      key: planted.key,
      code: 'foreign',
      reason: expect.stringContaining(reason),
    })
    expect(await worker.lines()).toContainEqual(told)

    const alone = await startWorkerEdge()
    await alone.worker.bucket.put(planted.key, bytes)
    await putManifest(alone.worker.bucket, { ...manifest, snapshots: [planted], deltas: [] })
    expect((await alone.ask.authorize(malloryReads)).status).toBe(503)
    expect(await alone.worker.lines()).toContainEqual(told)
  })
})

/** Of the same log, with as many records, in which `mallory` may read. */
async function publishAnotherEnvironment({ replicator }: Edge): Promise<void> {
  await replicator.createEnvironment('other')
  await replicator.append('other', { kind: 'policy', source: basic, filename: null }, 'policy')
  await replicator.publish('other')
  await replicator.append('other', facts(insert('has_role', 'User:mallory', 'String:reader', 'Repo:r1')), 'facts')
  await replicator.publish('other')
}

async function snapshotOfAnotherEnvironment(edge: Edge): Promise<Foreign> {
  await publishAnotherEnvironment(edge)
  return newestOf(edge.worker.bucket, 'other')
}

/** Of the same environment, in which `mallory` may read. */
async function snapshotOfAnotherLog(): Promise<Foreign> {
  const objects = memoryObjectStore()
  const replicator = await inMemoryReplicator({ logId: 'another', objects, settings: { deltaIntervalMs: 3_600_000 } })
  withTheTest(() => replicator.close())
  const cell = await createHarness({ replicator })
  await cell.policy(basic)
  await cell.facts('has_role(User:mallory, String:reader, Repo:r1)')
  await replicator.publish(env)
  return newestOf(objects, env)
}

describe('a delta whose hash and size are right', () => {
  const foreign: readonly (readonly [name: string, reason: string, plant: (edge: Edge, of: DeltaEntry) => Promise<DeltaEntry>])[] = [
    ['another log', 'belongs to log `another`', plantDeltaOfAnotherLog],
    ['another environment', 'it belongs to environment `other`, expected', plantDeltaOfAnotherEnvironment],
  ]

  test.each(foreign)('and that is of %s is refused: what is loaded goes on answering until it is mended', async (_, reason, plant) => {
    const edge = await startWorkerEdge()
    const { worker, cell, publish, ask, metric } = edge
    expect(await ask.allowed(anaReads)).toBe(false)
    const changes = async () => Promise.all(['advanced', 'swapped'].map((outcome) => metric(`arctos_edge_looks{outcome="${outcome}"}`)))
    const before = await changes()
    // Without requests it does not look: what is published now is replaced before anybody reads it.
    await cell.facts(anaRole)
    await publish()
    const manifest = await manifestIn(worker.bucket)
    const planted = await plant(edge, known(manifest.deltas.at(-1), 'a delta'))
    // Nothing but this delta leads on.
    await putManifest(worker.bucket, { ...manifest, snapshots: manifest.snapshots.slice(1), deltas: manifest.deltas.with(-1, planted) })
    await until(async () => {
      const { status, body } = await ask.authorize(malloryReads)
      expect([status, body.allowed]).toEqual([200, false])
      return (await worker.lines()).some(({ msg, reason: told }) => msg === 'follow-refused' && String(told).includes(reason))
    })
    for (let round = 0; round < 10; round++) expect([await ask.allowed(anaReads), await ask.allowed(malloryReads)]).toEqual([false, false])
    expect(await changes()).toEqual(before)
    await putManifest(worker.bucket, manifest)
    await until(() => ask.allowed(anaReads))
  })
})

const platform = nodeSnapshotPlatform(() => {})

const plant = async (objects: ObjectStore, { first, last }: DeltaEntry, raw: Uint8Array): Promise<DeltaEntry> => {
  const bytes = await platform.gzip(raw)
  const hash = platform.sha256()
  hash.update(bytes)
  const sha256 = hash.digest()
  const key = deltaKey(env, first, last, sha256)
  await objects.put(key, bytes)
  return { first, last, key, storedBytes: bytes.length, sha256 }
}

async function plantDeltaOfAnotherLog({ worker }: Edge, range: DeltaEntry): Promise<DeltaEntry> {
  const body = facts(insert('has_role', 'User:mallory', 'String:reader', 'Repo:r1'))
  const record = { revision: range.last, record: logRecord(body, { logId: 'another' }) }
  return plant(worker.bucket, range, joinDelta({ ...range, env }, 1, await encodeRecords([record], platform.pause)))
}

async function plantDeltaOfAnotherEnvironment(edge: Edge, { first, last }: DeltaEntry): Promise<DeltaEntry> {
  await publishAnotherEnvironment(edge)
  const { bucket } = edge.worker
  const delta = known((await manifestIn(bucket, 'other')).deltas.at(-1), 'a delta')
  expect([delta.first, delta.last]).toEqual([first, last])
  const planted = { ...delta, key: deltaKey(env, first, last, delta.sha256) }
  await bucket.put(planted.key, await bytesOf(bucket, delta.key))
  return planted
}
