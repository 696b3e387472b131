/** Two publishers of one environment with everything that goes wrong: what is loaded is what the log makes up to where it says, or an error. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyDeltas, loadAt, loadNewest, loadRestorePoint } from '../../snapshots/load.ts'
import { LoadError } from '../../snapshots/load-error.ts'
import { manifestKey, manifestObjects, parseManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import { PublishError } from '../../snapshots/publish-error.ts'
import { takeInto } from '../../snapshots/replay.ts'
import { uploadRestorePoint } from '../../snapshots/upload.ts'
import { at } from '../../src/base/assert.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { unlessLoadFails } from './published.ts'
import { bytesOf, env, Publisher, pool, stateOf, TestReplica, testPlatform } from './support.ts'

type Fault = 'delete-manifest' | 'garble-manifest' | 'damage' | 'older-manifest' | 'fail-next' | 'lose-answer'
type Step =
  | { readonly kind: 'feed'; readonly who: number; readonly count: number }
  | { readonly kind: 'publish'; readonly who: number; readonly force: boolean }
  | { readonly kind: 'restart' | 'forget'; readonly who: number }
  | { readonly kind: 'epoch' | 'wait' }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly pick: number }

const who = fc.nat(1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('feed' as const), who, count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      who,
      force: fc.integer({ min: 0, max: 5 }).map((chance) => chance === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'forget' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('epoch' as const, 'wait' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>('delete-manifest', 'garble-manifest', 'damage', 'older-manifest', 'fail-next', 'lose-answer'),
      pick: fc.nat(50),
    }),
  },
)
/** Of each record: how many positions are skipped before it, and whether it restores one of those before. */
const entry = fc.record({ gap: fc.nat(2), restores: fc.integer({ min: 0, max: 7 }).map((chance) => chance === 0), pick: fc.nat(20) })

interface World {
  readonly records: readonly RevisedRecord[]
  /** The state up to each of them. */
  readonly states: ReadonlyMap<number, unknown>
}

const worldOf = async (
  objects: ObjectStore,
  entries: readonly { readonly gap: number; readonly restores: boolean; readonly pick: number }[],
): Promise<World> => {
  const to = { objects, env, pool, platform: testPlatform() }
  const replica = new TestReplica()
  const points: Awaited<ReturnType<typeof uploadRestorePoint>>[] = []
  const records: RevisedRecord[] = []
  const states = new Map<number, unknown>()
  const add = async (record: RevisedRecord): Promise<void> => {
    records.push(record)
    await take(replica, record, objects)
    states.set(record.revision, stateOf(replica.store))
    points.push(await uploadRestorePoint(to, replica.image()))
  }
  try {
    await add({ revision: 0, record: logRecord({ kind: 'genesis' }, { writeId: 'genesis' }) })
    let revision = 0
    for (const { gap, restores, pick } of entries) {
      revision += 1 + gap
      const body = restores ? at(points, pick % points.length) : facts(insert('has_role', `User:${revision}`, `String:${pick}`))
      await add({ revision, record: logRecord(body, { writeId: `write-${revision}` }) })
    }
    return { records, states }
  } finally {
    replica.close()
  }
}

const take = async (replica: TestReplica, record: RevisedRecord, objects: ObjectStore): Promise<void> => {
  const { body, logId } = record.record
  if (body.kind !== 'restore') return replica.take([record])
  const store = await loadRestorePoint({ objects, pool, platform: testPlatform() }, body, { logId, revision: record.revision })
  replica.close()
  replica.store = store
  replica.through = record.revision
}

/** A store whose next write fails on request, before or after it took effect. */
class FaultyStore {
  readonly objects = memoryObjectStore()
  next: 'fail' | 'lose' | null = null
  /** What stood in the manifest's place, in order. */
  readonly manifests: Uint8Array[] = []
  readonly store: ObjectStore = {
    ...this.objects,
    put: async (key, bytes, condition) => {
      const fault = this.next
      this.next = null
      if (fault === 'fail') throw new StoreError('unavailable', 'it fails')
      const version = await this.objects.put(key, bytes, condition)
      if (key === manifestKey(env)) this.manifests.push(bytes)
      if (fault === 'lose') throw new StoreError('unavailable', 'the answer is lost')
      return version
    },
  }

  async inflict(fault: Fault, pick: number): Promise<void> {
    const key = manifestKey(env)
    if (fault === 'fail-next') this.next = 'fail'
    else if (fault === 'lose-answer') this.next = 'lose'
    else if (fault === 'delete-manifest') await this.objects.delete(key)
    else if (fault === 'garble-manifest') await this.objects.put(key, new Uint8Array(9))
    else if (fault === 'older-manifest') {
      const older = this.manifests.at(-1 - (pick % 3))
      if (older !== undefined) await this.objects.put(key, older)
    } else await this.#damage(pick)
  }

  async #damage(pick: number): Promise<void> {
    const objects = (await this.objects.list(`${env}/`)).filter(({ key }) => /deltas|snapshots/.test(key))
    const found = objects[pick % Math.max(1, objects.length)]
    if (found === undefined) return
    if (pick % 3 === 0) await this.objects.delete(found.key)
    else
      await this.objects.put(
        found.key,
        (await bytesOf(this.objects, found.key)).map((byte, index) => (index === 30 ? byte ^ 1 : byte)),
      )
  }
}

class Scene {
  readonly world: World
  readonly faulty: FaultyStore
  readonly publishers: readonly Publisher[]
  readonly platform: ReturnType<typeof testPlatform>
  #epochs = [1, 1]
  /** Records of each that its replica has. */
  #fed = [0, 0]
  wasDamaged = false

  private constructor(world: World, faulty: FaultyStore, platform: ReturnType<typeof testPlatform>) {
    this.world = world
    this.faulty = faulty
    this.platform = platform
    this.publishers = []
  }

  static async open(world: World, faulty: FaultyStore): Promise<Scene> {
    const platform = testPlatform()
    const scene = new Scene(world, faulty, platform)
    const options = (index: number) => ({
      objects: faulty.store,
      platform,
      epoch: () => at(scene.#epochs, index),
      settings: { snapshotRecords: 5, retainedSnapshots: 2 },
    })
    Object.assign(scene, { publishers: [await Publisher.open(options(0)), await Publisher.open(options(1))] })
    return scene
  }

  async perform(each: Step): Promise<void> {
    switch (each.kind) {
      case 'feed':
        return this.#feed(each.who, each.count)
      case 'publish':
        return this.#publish(each.who, each.force)
      case 'restart':
        return this.#restart(each.who)
      case 'forget':
        return tolerating(() => at(this.publishers, each.who).reopen())
      case 'epoch':
        this.#epochs = this.#epochs.toReversed()
        this.#epochs[0] = Math.max(...this.#epochs) + 1
        return
      case 'wait':
        this.platform.ms += 70_000
        return
      case 'fault':
        this.wasDamaged ||= each.fault === 'damage'
        return this.faulty.inflict(each.fault, each.pick)
    }
  }

  async #feed(index: number, count: number): Promise<void> {
    const publisher = at(this.publishers, index)
    const start = at(this.#fed, index)
    for (const record of this.world.records.slice(start, start + count)) {
      await take(publisher.replica, record, this.faulty.objects)
      publisher.publication.add([record], publisher.replica.through)
      this.#fed[index] = at(this.#fed, index) + 1
    }
  }

  async #publish(index: number, force: boolean): Promise<void> {
    const publisher = at(this.publishers, index)
    if (publisher.replica.through >= 0) await tolerating(() => publisher.publish(force))
  }

  async #restart(index: number): Promise<void> {
    const publisher = at(this.publishers, index)
    await tolerating(() => publisher.bootstrap())
    this.#fed[index] = this.world.records.filter(({ revision }) => revision <= publisher.replica.through).length
  }

  close(): void {
    for (const publisher of this.publishers) publisher.close()
  }
}

const tolerating = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof PublishError) && !(error instanceof LoadError)) throw error
  }
}

const stateUpTo = ({ records, states }: World, through: number): unknown =>
  states.get(records.findLast(({ revision }) => revision <= through)?.revision ?? -1)

/** Whatever is loaded is what the log makes up to there; without damage nothing that is covered is missing. */
const check = async ({ world, faulty, wasDamaged }: Scene): Promise<void> => {
  const { objects } = faulty
  const from = { objects, env, pool, platform: testPlatform() }
  const loaded = await unlessLoadFails(loadNewest(from))
  if (loaded === null) return
  const { manifest, store, through } = loaded
  try {
    if (!wasDamaged) expect([loaded.refused, through]).toEqual([[], manifest.coveredThrough])
    expect(stateOf(store)).toEqual(stateUpTo(world, through))
    await checkFollowing({ world, objects })
    for (const revision of [manifest.coveredThrough - 2, manifest.coveredThrough - 5]) await checkPosition(from, world, revision)
  } finally {
    pool.release(store)
  }
}

const checkPosition = async (from: Parameters<typeof loadAt>[0], world: World, revision: number): Promise<void> => {
  const found = await unlessLoadFails(loadAt(from, revision))
  if (found === null) return
  expect(stateOf(found.store)).toEqual(stateUpTo(world, revision))
  pool.release(found.store)
}

/** From every position that deltas lead on from, they lead to the state of the log. */
const checkFollowing = async ({ world, objects }: { readonly world: World; readonly objects: ObjectStore }): Promise<void> => {
  const manifest = parseManifest(await bytesOf(objects, manifestKey(env)))
  const platform = testPlatform()
  const middle = at(world.records, Math.floor(world.records.length / 2)).revision
  const replica = new TestReplica()
  try {
    for (const record of world.records.filter(({ revision }) => revision <= middle)) await take(replica, record, objects)
    const into = takeInto(replica.store, platform.pause)
    const followed = await applyDeltas({ objects, platform }, { manifest, from: middle }, into).catch((error: unknown) => {
      if (error instanceof LoadError) return null
      throw error
    })
    if (followed !== null) expect(stateOf(replica.store)).toEqual(stateUpTo(world, followed.through))
  } finally {
    replica.close()
  }
}

test('whatever goes wrong, what is loaded is what the log makes', async () => {
  const used = pool.use().used
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { minLength: 6, maxLength: 24 }),
      fc.array(step, { minLength: 10, maxLength: 60 }),
      async (entries, steps) => {
        const faulty = new FaultyStore()
        const world = await worldOf(faulty.objects, entries)
        const scene = await Scene.open(world, faulty)
        try {
          for (const each of steps) {
            await scene.perform(each)
            if (each.kind === 'publish') await check(scene)
          }
          // All is well again: somebody publishes everything, and it stays.
          faulty.next = null
          for (const each of [0, 1].flatMap((index): Step[] => [
            { kind: 'epoch' },
            { kind: 'restart', who: 1 - index },
            { kind: 'feed', who: 1 - index, count: 100 },
            { kind: 'publish', who: 1 - index, force: true },
          ])) {
            await scene.perform(each)
          }
          await check(scene)
          const manifest = parseManifest(await bytesOf(faulty.objects, manifestKey(env)))
          expect(manifest.coveredThrough).toBe(at(world.records, world.records.length - 1).revision)
          if (!scene.wasDamaged) for (const key of manifestObjects(manifest)) expect(await faulty.objects.get(key)).not.toBeNull()
        } finally {
          scene.close()
        }
      },
    ),
    { numRuns: 40 },
  )
  expect(pool.use().used).toBe(used)
})
