/** Publishing and loading, on either runtime: whatever happened, and wherever a publisher stopped, what is loaded is what the log makes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyDeltas, loadAt, loadNewest } from '../../snapshots/load.ts'
import { LoadError } from '../../snapshots/load-error.ts'
import { manifestKey, manifestObjects, parseManifest, printManifest } from '../../snapshots/manifest.ts'
import { takeInto } from '../../snapshots/replay.ts'
import { at, known } from '../../src/base/assert.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { log } from '../log/apply-conformance.ts'
import { bytesOf, env, Publisher, pool, stateOf, TestReplica, withObject } from '../snapshots/support.ts'
import { facts, insert, wholeLog } from '../support/record.ts'

/** `crash`: the replica starts from what was published; `forget`: the publisher does not know how its replica got where it is. */
type Step = 'feed' | 'publish' | 'force' | 'crash' | 'forget' | 'wait' | 'idle'

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>('feed') },
    { weight: 4, arbitrary: fc.constant<Step>('publish') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('force', 'crash', 'forget', 'wait', 'idle') },
  ),
  { minLength: 4, maxLength: 40 },
)

/** The state of a log up to a position. */
const replayed = (records: readonly RevisedRecord[], through: number): unknown => {
  const replica = new TestReplica()
  try {
    replica.take(records.filter(({ revision }) => revision <= through))
    return stateOf(replica.store)
  } finally {
    replica.close()
  }
}

const perform = async (publisher: Publisher, step: Step, history: History): Promise<void> => {
  switch (step) {
    case 'feed': {
      const record = history.records[history.fed]
      if (record === undefined) return
      history.fed++
      publisher.feed([record])
      return
    }
    case 'publish':
    case 'force':
      await publisher.publish(step === 'force')
      return
    case 'crash':
      await publisher.bootstrap()
      history.fed = history.records.filter(({ revision }) => revision <= publisher.replica.through).length
      return
    case 'forget':
      history.hasGaps = true
      return publisher.reopen()
    case 'wait':
      publisher.platform.ms += 60_000
      return
    case 'idle':
      // As far as the next record leaves room.
      publisher.feed([], (history.records[history.fed]?.revision ?? publisher.replica.through + 4) - 1)
  }
}

interface History {
  readonly records: readonly RevisedRecord[]
  fed: number
  hasGaps: boolean
}

/** What is loaded is what the log makes, for the newest state and every one that is retained. */
const checkLoads = async (publisher: Publisher, { records, hasGaps }: History): Promise<void> => {
  const loaded = await loadNewest({ ...publisher, env, pool })
  const { manifest } = publisher.publication
  if (manifest === null || loaded === null) {
    expect(loaded).toBe(manifest)
    return
  }
  try {
    expect(loaded.refused).toEqual([])
    expect(loaded.through).toBe(manifest.coveredThrough)
    expect(stateOf(loaded.store)).toEqual(replayed(records, manifest.coveredThrough))
  } finally {
    pool.release(loaded.store)
  }
  const oldest = at(manifest.snapshots, manifest.snapshots.length - 1)
  for (let revision = oldest.revision; revision <= manifest.coveredThrough; revision += 3) {
    const found = await loadAt({ ...publisher, env, pool }, revision).catch((error: unknown) => {
      if (hasGaps && error instanceof LoadError && error.code === 'not-retained') return null
      throw error
    })
    if (found === null) continue
    expect(stateOf(found.store)).toEqual(replayed(records, revision))
    pool.release(found.store)
  }
}

test('what is loaded is what the log makes, whenever something was published', async () => {
  const used = pool.use().used
  await fc.assert(
    fc.asyncProperty(log, steps, async (records, sequence) => {
      const publisher = await Publisher.open({ settings: { snapshotRecords: 4 } })
      const follower = new TestReplica()
      try {
        const history: History = { records, fed: 0, hasGaps: false }
        for (const step of ['feed' as const, 'publish' as const, ...sequence]) {
          await perform(publisher, step, history)
          if (step === 'publish' || step === 'force') await checkLoads(publisher, history)
          const { manifest } = publisher.publication
          if (manifest === null) continue
          await follow(publisher, follower)
          expect(stateOf(follower.store)).toEqual(replayed(records, manifest.coveredThrough))
          // Nothing is named that is not there.
          for (const key of manifestObjects(manifest)) expect(await publisher.objects.get(key)).not.toBeNull()
        }
      } finally {
        follower.close()
        publisher.close()
      }
    }),
    { numRuns: 30 },
  )
  expect(pool.use().used).toBe(used)
})

/** By deltas where they lead on, else by a snapshot. */
const follow = async ({ objects, platform, publication }: Publisher, follower: TestReplica): Promise<void> => {
  const manifest = known(publication.manifest, 'something is published')
  const into = takeInto(follower.store, platform.pause)
  const take = async (records: readonly RevisedRecord[], through: number): Promise<void> => {
    await into(records, through)
    follower.through = Math.max(follower.through, through)
  }
  const isEmpty = follower.store.revision() < 0
  if (!isEmpty && (await applyDeltas({ objects, platform }, { manifest, from: follower.through }, take)).complete) return
  const loaded = known(await loadNewest({ objects, platform, env, pool }), 'something is published')
  pool.release(follower.store)
  follower.store = loaded.store
  follower.through = loaded.through
}

/** Two snapshots and a delta behind each. */
const published = async (): Promise<{ readonly publisher: Publisher; readonly records: readonly RevisedRecord[] }> => {
  const records = wholeLog(...Array.from({ length: 9 }, (_, index) => facts(insert('has_role', `User:${index}`, 'String:owner'))))
  const publisher = await Publisher.open({ settings: { snapshotRecords: 100 } })
  for (const [index, record] of records.entries()) {
    publisher.feed([record])
    if (index % 2 === 1) await publisher.publish(index === 5)
  }
  return { publisher, records }
}

test('a changed, cut or prolonged object is refused, and what is intact is used', async () => {
  const { publisher, records } = await published()
  const { objects, platform } = publisher
  const manifest = known(publisher.publication.manifest, 'something is published')
  expect([manifest.snapshots.length, manifest.deltas.length]).toEqual([2, 4])
  const load = () => loadNewest({ objects, platform, env, pool })
  const used = pool.use().used
  for (const key of manifestObjects(manifest)) {
    const bytes = await bytesOf(objects, key)
    const delta = manifest.deltas.find((entry) => entry.key === key)
    const needed = delta === undefined ? key === manifest.snapshots[0]?.key : delta.first > 5
    // The newest snapshot has the previous one behind it; without a delta the state is an earlier one, and says so.
    const through = needed && delta !== undefined ? delta.first - 1 : 9
    for (const damaged of damages(bytes)) {
      await withObject(objects, key, damaged, async () => {
        platform.lines.length = 0
        const loaded = known(await load(), 'there is a manifest')
        expect(loaded.through).toBe(through)
        expect(stateOf(loaded.store)).toEqual(replayed(records, through))
        expect(loaded.refused.map((error) => [error.code, error.key])).toEqual(
          needed ? [[damaged === null ? 'missing' : 'damaged', key]] : [],
        )
        expect(platform.lines.map(({ event }) => event)).toEqual(needed ? ['load-refused'] : [])
        pool.release(loaded.store)
      })
    }
  }
  expect(pool.use().used).toBe(used)
  publisher.close()
})

test('a manifest is read whole or not at all', async () => {
  const { publisher } = await published()
  const { objects, platform } = publisher
  const key = manifestKey(env)
  const bytes = await bytesOf(objects, key)
  expect(printManifest(parseManifest(bytes))).toEqual(bytes)
  for (const damaged of damages(bytes).filter((changed) => changed !== null)) {
    await withObject(objects, key, damaged, async () => {
      // Not every change of a text makes it another one; where it is taken, what it leads to is checked.
      const loaded = await loadNewest({ objects, platform, env, pool }).catch((error: unknown) => error)
      if (loaded instanceof Error) expect(loaded).toMatchObject({ name: 'LoadError' })
      else if (loaded !== null && typeof loaded === 'object' && 'store' in loaded) publisher.replica.take([])
    })
  }
  publisher.close()
})

/** Bits turned, ends cut and added, everywhere in the bytes; null: gone. */
const damages = (bytes: Uint8Array): readonly (Uint8Array | null)[] => {
  const places = [
    0,
    1,
    3,
    9,
    10,
    11,
    ...Array.from({ length: 12 }, (_, index) => Math.floor(((index + 1) * bytes.length) / 13)),
    bytes.length - 5,
    bytes.length - 1,
  ]
  const flipped = places.map((place, index) => bytes.map((byte, position) => (position === place ? byte ^ (1 << (index % 8)) : byte)))
  const cut = [0, 1, 10, Math.floor(bytes.length / 2), bytes.length - 1].map((length) => bytes.slice(0, length))
  return [...flipped, ...cut, Uint8Array.of(...bytes, 0), Uint8Array.of(...bytes, ...bytes), null]
}
